"""Vertex AI: `instances` with `parameters` in, `predictions` and who made them out.

Source: Vertex AI's "Get online predictions" and "Custom container requirements". Without
`parameters`, on a path of one's own, a request is KServe V1's, from which it cannot be told. A
container answers `predictions`; the service adds `deployedModelId`, `model` (a resource name),
`modelDisplayName` and `modelVersionId`.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from agent.decode.bodies.message import Message
from agent.decode.dialects import kserve_v1, sagemaker
from agent.decode.payload import MAX_NAME, Side

NAME = "vertex"

PATH = re.compile(
    rb"/(?:endpoints/[^/]+(?:/deployedModels/[^/]+)?|publishers/[^/]+/models/[^/]+)"
    rb":(?:predict|rawPredict|explain)$"
)
"""Of an endpoint or a publisher's model, for clients; and of a container that is told no other."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict) or not isinstance(document.get(kserve_v1.ASKED), list):
        return ""
    if PATH.search(asked.path):
        return "instances for an endpoint's predict"
    return "instances with parameters" if "parameters" in document else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    return kserve_v1.request(asked)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    found = sagemaker.invoked(answer, rows)
    document = answer.document
    if not isinstance(document, dict):
        return found
    name = document.get("modelDisplayName") or document.get("model")
    model = name.rpartition("/models/")[2][:MAX_NAME] if isinstance(name, str) else ""
    return replace(found, model=model)
