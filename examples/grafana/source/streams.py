"""Answers that come event by event, and those of language models."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from examples.grafana.source.parts import histogram_panel, timeseries_panel
from examples.grafana.source.promql import PODS, counts, quantiles, rate

STREAMS = f'{PODS},model=~"$model",http_route=~"$route"'
TOKENS = f'{PODS},http_route=~"$route"'
FIRST = "gen_ai_server_time_to_first_token_seconds"
EACH = "gen_ai_server_time_per_output_token_seconds"
USAGE = "gen_ai_client_token_usage"


def streams() -> list[Builder[Panel]]:
    """Of any stream."""
    return [
        timeseries_panel(
            "First event",
            "Request sent to first byte of the first event: what a reader waits for. If it rises, "
            "requests queue at the model server.",
            quantiles("outrider_stream_first_event_seconds", STREAMS, 0.5, 0.95, 0.99),
            "s",
            width=6,
        ),
        timeseries_panel(
            "Longest wait within a stream",
            "The longest wait for the model server between two reads, of each answer.",
            quantiles("outrider_stream_gap_seconds", STREAMS, 0.5, 0.95, 0.99),
            "s",
            width=6,
        ),
        timeseries_panel(
            "Stalls and cut streams",
            "Answers with a wait of more than streams.stall, and answers without the end mark of "
            "their API though nobody aborted them. Look at the model server's log.",
            {
                "stalled": rate("outrider_stream_stalls_total", STREAMS),
                "truncated": rate("outrider_stream_truncated_total", TOKENS),
            },
            "reqps",
            width=6,
        ),
        timeseries_panel(
            "Aborted",
            "Streams that somebody ended before their end: readers who had enough, or a model "
            "server that broke off.",
            {"by the {{by}}": rate("outrider_stream_aborted_total", STREAMS, "by")},
            "reqps",
            width=6,
            stacked=True,
        ),
    ]


def language_models() -> list[Builder[Panel]]:
    """By OpenTelemetry's names for generative AI."""
    model = "gen_ai_request_model"
    kind = "gen_ai_token_type"
    return [
        timeseries_panel(
            "Time to first token",
            "Of sampled streams. Long prompts and full batches make it rise.",
            quantiles(FIRST, TOKENS, 0.5, 0.95, 0.99),
            "s",
        ),
        timeseries_panel(
            "Time per output token",
            "Of sampled streams that came whole, after the first event. Above 0.1 s readers are "
            "faster than the model.",
            quantiles(EACH, TOKENS, 0.5, 0.95, 0.99),
            "s",
        ),
        histogram_panel(
            "Time to first token, distribution",
            "Streams by the wait for their first token.",
            counts(FIRST, TOKENS),
            "s",
            width=8,
        ),
        timeseries_panel(
            "Tokens",
            "Tokens a second, as the model server counts them in sampled requests; what is paid "
            "for.",
            {f"{{{{{kind}}}}}": rate(f"{USAGE}_sum", TOKENS, kind)},
            "short",
            stacked=True,
        ),
        timeseries_panel(
            "Tokens of a request",
            "Medians and long ones. Inputs that grow: somebody sends longer histories.",
            {
                f"{which} {name}": expr
                for which in ("input", "output")
                for name, expr in quantiles(
                    USAGE, f'{TOKENS},gen_ai_token_type="{which}"', 0.5, 0.95
                ).items()
            },
            "short",
        ),
        timeseries_panel(
            "Answers by model",
            "Answers a second whose tokens were counted, by the model that the request names.",
            {
                f"{{{{{model}}}}}": rate(
                    f"{USAGE}_count", f'{TOKENS},gen_ai_token_type="output"', model
                )
            },
            "reqps",
            stacked=True,
        ),
    ]
