"""Alerts that the sidecar sends by itself: conditions, destinations; the rest of the settings is in
`agent.config`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from agent.settings.declaring import Text, default, doc
from agent.settings.units import Duration, Rate, Secret, SecretUrl, Share, Url

NAMES = (
    "ModelLatencyHigh",
    "ModelErrorBudgetBurnFast",
    "ModelErrorBudgetBurnSlow",
    "ModelTrafficGone",
    "ModelInputDrift",
    "ModelPredictionDrift",
    "ModelMissingValues",
    "ModelConfidenceLow",
    "ModelPredictionsConstant",
    "ModelSilentFailure",
    "OutriderSinkFailing",
    "OutriderRecordsShed",
    "OutriderRestarting",
)
"""Of all alerts; those for Prometheus have the same."""


class Slo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service promises."""

    availability: Annotated[
        Share, doc("Part of the requests that is answered without a server error.", "99.9%")
    ] = default(Share, "99.9%")
    latency: Annotated[Duration, doc("That 99 of 100 requests take at most.", "1s", "off")] = (
        default(Duration, "1s")
    )


class AlertLinks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a message leads to."""

    page: Annotated[
        Url | None, doc("The sidecar's page, as who reads reaches it.", "http://model-1:8901")
    ] = None
    runbooks: Annotated[
        Url | None,
        doc("Folder of the runbooks; NAME.md is added.", "https://wiki.example.com/runbooks"),
    ] = None


class Alertmanager(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="alertmanager",
):
    """Alerts to Prometheus Alertmanager's API, which groups, repeats and silences by itself."""

    url: Annotated[Url, doc("Of Alertmanager, without /api/v2/alerts.", "http://alertmanager:9093")]
    token: Annotated[Secret | None, doc("Sent as bearer token.")] = None
    token_file: Annotated[Text | None, doc("Or a file with it.", "/run/secrets/token")] = None
    labels: Annotated[dict[Text, Text], doc("More labels.", {"cluster": "eu-1"})] = field(
        default_factory=dict
    )
    timeout: Annotated[Duration, doc("For one push.", "10s")] = default(Duration, "10s")


class Slack(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="slack"
):
    """Messages to an incoming webhook of Slack, or of what takes the same: Mattermost, Rocket.Chat,
    Discord (with /slack at the end of its URL)."""

    url: Annotated[
        SecretUrl | None, doc("The webhook's; whoever has it can write to the channel.")
    ] = None
    url_file: Annotated[Text | None, doc("Or a file with it.", "/run/secrets/webhook")] = None
    timeout: Annotated[Duration, doc("For one message.", "10s")] = default(Duration, "10s")


class Email(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="email"
):
    """Messages by SMTP."""

    host: Annotated[Text, doc("The mail server's name.", "smtp.example.com")]
    port: Annotated[int, Meta(ge=1, le=65535), doc("Of the mail server.", 587)] = 587
    tls: Annotated[
        Literal["starttls", "tls", "none"],
        doc("starttls: begun on a plain connection; tls: from the first byte (port 465).", "tls"),
    ] = "starttls"
    user: Annotated[Text | None, doc("To log in with; null: not.", "outrider")] = None
    password: Annotated[Secret | None, doc("The user's.")] = None
    password_file: Annotated[Text | None, doc("Or a file with it.", "/run/secrets/mail")] = None
    sender: Annotated[Text, doc("Address that messages are from.", "outrider@example.com")]
    to: Annotated[tuple[Text, ...], Meta(min_length=1), doc("Who gets them.", ["team@example.com"])]
    timeout: Annotated[Duration, doc("For one message.", "30s")] = default(Duration, "30s")


Destination = Alertmanager | Slack | Email
"""What stands under `alerts.to`, told apart by `type`."""


class Alerting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alerts that the sidecar sends by itself; without a destination none is judged."""

    to: Annotated[
        dict[Text, Destination],
        doc(
            "Where alerts are sent, by a name of your choice; 16 at most.",
            {"ops": {"type": "slack", "url": "https://hooks.slack.com/services/…"}},
        ),
    ] = field(default_factory=dict)
    slo: Annotated[Slo, doc("What the service promises.")] = field(default_factory=Slo)
    repeat: Annotated[
        Duration, doc("That what still fires is told again after; off: never.", "4h", "off")
    ] = default(Duration, "4h")
    limit: Annotated[
        Rate, doc("Messages to a destination; what is over it comes together later.", "20 per 1h")
    ] = default(Rate, "20 per 1h")
    group: Annotated[
        Duration, doc("That the first news waits for others to come with it.", "30s", "0s")
    ] = default(Duration, "30s")
    off: Annotated[tuple[Text, ...], doc("Alerts that are not wanted.", ["ModelTrafficGone"])] = ()
    links: Annotated[AlertLinks, doc("Where a message leads to.")] = field(
        default_factory=AlertLinks
    )
