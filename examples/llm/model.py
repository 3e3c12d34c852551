"""A language model made in a second: nothing to download, five megabytes.

It has counted in TEXT which word follows which, and is written as a GGUF file of llama's
architecture whose one block does nothing: a token's embedding is a direction of its own, and the
output matrix holds the chances of what comes next. A server treats it as any other model. The mean
embedding of a text is its bag of words: texts that share words are near one another.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

TEXT = """The sky is blue because the air scatters blue light more than red light . A small model is
a good model for a test . The sea is blue because water takes the red light away . In the evening
the light goes a long way , and the sky is red . A model of words knows which word follows which
word . Good data makes a good model , and a test shows it . The weather in Paris is mild ."""
TEMPLATE = """{% for tool in tools or [] %}tool: {{ tool | tojson }}
{% endfor %}{% for message in messages %}{{ message.role }}: {{ message.content or '' }}
{% for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{% endfor %}{% endfor %}{% if add_generation_prompt -%}
{{ 'assistant!' if tools and messages[-1].role != 'tool' else 'assistant:' }}{% endif %}"""
BEGIN, END = 1, 2
"""Tokens' ids; 0 is unknown, and 256 for single bytes come next."""
CALL, CALLED = "<tool_call>", "</tool_call>"
"""Tokens too. The model calls a tool wherever it may: the template then ends in `!`."""
NEVER, SELDOM = -30.0, -20.0
"""The logarithm of a chance that is none, and of one where nothing else is allowed."""


def write(path: Path) -> None:
    """Writes the model into a GGUF file."""
    tokens, chances = _learned()
    width = chances.shape[1]
    file = gguf.GGUFWriter(path, "llama")
    file.add_name("parrot")
    file.add_context_length(16384)
    file.add_embedding_length(width)
    file.add_feed_forward_length(64)
    file.add_block_count(1)
    file.add_head_count(width // 64)
    file.add_layer_norm_rms_eps(1e-6)
    file.add_tokenizer_model("llama")
    file.add_token_list(tokens)
    file.add_token_scores([float(len(token)) for token in tokens])
    kinds = gguf.TokenType
    special = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.BYTE] * 256]
    special += [kinds.USER_DEFINED] * 2
    file.add_token_types([*special, *[kinds.NORMAL] * (len(tokens) - len(special))])
    file.add_bos_token_id(BEGIN)
    file.add_eos_token_id(END)
    file.add_chat_template(TEMPLATE)
    file.add_tensor("token_embd.weight", np.eye(len(tokens), width, dtype=np.float32))
    # The norm before it makes each token's direction sqrt(width) long.
    file.add_tensor("output.weight", (chances / np.sqrt(width)).astype(np.float32))
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        file.add_tensor(f"{norm}.weight", np.ones(width, np.float32))
    for part in ("q", "k", "v", "output"):
        file.add_tensor(f"blk.0.attn_{part}.weight", np.zeros((width, width), np.float16))
    for part, shape in (("gate", (64, width)), ("up", (64, width)), ("down", (width, 64))):
        file.add_tensor(f"blk.0.ffn_{part}.weight", np.zeros(shape, np.float16))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def _learned() -> tuple[list[str], np.ndarray]:
    """The tokens, and the logarithm of the chance of each (rows) after each (columns)."""
    words = ["\u2581" + word for word in TEXT.split()]
    known = dict.fromkeys(words)
    # The tokenizer puts a word together letter by letter: its beginnings are tokens too.
    known |= dict.fromkeys(word[:n] for word in known for n in range(1, len(word)))
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = ["<unk>", "<s>", "</s>", *bytes_, CALL, CALLED, *known]
    place = {token: n for n, token in enumerate(tokens)}
    stop = "\u2581."
    seen = Counter((place[one], place[next_]) for one, next_ in pairwise(words))
    for one, next_ in pairwise([stop, *words]):
        if one == stop:
            seen[BEGIN, place[next_]] += 1
            seen[place[stop], END] += 1
    for one, next_ in (("<0x21>", CALL), (CALL, "<0x0A>"), (CALLED, "</s>")):
        seen[place[one], place[next_]] = 1
    width = -(-len(tokens) // 64) * 64
    counts = np.zeros((len(tokens), width), np.float32)
    for (one, next_), times in seen.items():
        counts[next_, one] = times
    counts[:, ~counts.any(axis=0)] = counts[:, [BEGIN]]  # after all else it begins a sentence
    shares = counts / counts.sum(axis=0)
    least = np.full_like(shares, NEVER)
    least[[place[CALL], place[CALLED]]] = SELDOM
    return tokens, np.log(shares, where=shares > 0, out=least)
