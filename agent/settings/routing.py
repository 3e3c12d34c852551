"""The settings of a route; the rest of the settings is in `agent.config`.

A path beside a list of names is a plain text here, which `settings.route_rules` reads: msgspec has
no unions with types of ours, and reads beyond its memory where one has a pattern beside a list.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from agent.settings.declaring import Text, doc
from agent.settings.expressions import Expression, Ignored, Place

ColumnName = Annotated[str, Meta(min_length=1, max_length=128)]
ValueName = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
"""A label's value."""


class Route(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What cannot be known from the messages of one path."""

    path: Annotated[
        str,
        Meta(pattern="^/"),
        doc("A path, or a template of paths.", "/models/{model}/score", "/{+rest}"),
    ]
    model: Annotated[Text | None, doc("The model it belongs to; null: found out.", "iris")] = None
    version: Annotated[
        Text | None,
        doc("The model's version, unless the answer says it; null: found out.", "3"),
    ] = None
    dialect: Annotated[
        Literal[
            "anthropic_messages",
            "arrow",
            "bedrock_converse",
            "csv",
            "form",
            "gemini",
            "image",
            "json_lines",
            "kserve_v1",
            "kserve_v2",
            "mlflow",
            "numpy",
            "ollama",
            "ollama_embed",
            "openai_chat",
            "openai_completions",
            "openai_embeddings",
            "openai_responses",
            "sagemaker",
            "seldon",
            "tabular",
            "tgi",
            "torchserve",
            "vertex",
        ]
        | None,
        doc("How its bodies are read (docs/formats.md); null: found out.", "csv"),
    ] = None
    columns: Annotated[
        tuple[ColumnName, ...] | Text,
        doc(
            "Names of inputs that come without, in their order; or where the request has them.",
            ["age", "income"],
            "$.fields[*].name",
        ),
    ] = ()
    outputs: Annotated[
        tuple[ColumnName, ...] | Text,
        doc("The same of outputs; a path is one of the answer.", ["score"], "$.labels"),
    ] = ()
    signature: Annotated[
        Text | None,
        doc(
            "MLflow's MLmodel file, or its folder: its signature names columns that come without "
            "and have no names by `columns` or `outputs`.",
            "/models/churn/MLmodel",
        ),
    ] = None
    names: Annotated[
        dict[ColumnName, ColumnName],
        doc("Other names of columns, by the ones that they have.", {"input-0": "age"}),
    ] = field(default_factory=dict)
    extra: Annotated[
        dict[ColumnName, Place],
        doc(
            "More columns: for each row its value, or one for all of them (docs/values.md).",
            {
                "tier": "request $.user.tier",
                "country": "header x-country",
                "region": "query region",
            },
        ),
    ] = field(default_factory=dict)
    ignore: Annotated[
        tuple[Ignored, ...],
        doc("What is no column: names, with * for any, or paths.", ["id", "meta.*", "$..trace"]),
    ] = ()
    values: Annotated[
        dict[ValueName, Expression],
        doc(
            "Business values: what is true or false is counted, numbers are summed.",
            {"approved": "$.score > 0.5", "amount": "request $.amount"},
        ),
    ] = field(default_factory=dict)
