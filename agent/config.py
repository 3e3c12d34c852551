"""Every setting, declared once: its name, type, default and explanation.

Rule: this file, with its parts in `agent.settings`, says what can be set and what a value must be,
`settings.loading` where it comes from (flag, variable, file). The JSON Schema, the names of the
variables and the texts of errors are all made from these declarations. Durations are floats in
seconds, sizes ints in bytes; `off` is infinity or `units.NO_LIMIT`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from agent.settings.alerting import Alerting
from agent.settings.asking import Metadata
from agent.settings.declaring import Count, Text
from agent.settings.declaring import default as _default
from agent.settings.declaring import doc as _doc
from agent.settings.hosting import HostFigures, Model
from agent.settings.linking import Links
from agent.settings.redaction import Redact
from agent.settings.routing import Route
from agent.settings.scraping import Scrape
from agent.settings.streaming import Streams
from agent.settings.units import Address, Duration, Network, Rate, Secret, Size, Upstream, Url

Histogram = Annotated[
    str,
    Meta(
        pattern="^(duration|connect|upstream|stream|overhead|request_size|response_size"
        "|first_event|gap)$"
    ),
]
"""The histograms whose buckets can be set, as `agent.ledger` names them."""


class UpstreamTls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TLS towards an https:// upstream."""

    ca: Annotated[
        Text | None,
        _doc("PEM file of the authorities to trust; null: the system's.", "/etc/outrider/ca.pem"),
    ] = None
    cert: Annotated[
        Text | None, _doc("PEM file of our own client certificate.", "/etc/outrider/client.pem")
    ] = None
    key: Annotated[
        Text | None, _doc("PEM file of the client certificate's key.", "/etc/outrider/client.key")
    ] = None
    verify: Annotated[
        bool, _doc("false: accept any certificate. For trying things out only.", True)
    ] = True


class ListenTls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TLS on the listening side; null: plain HTTP."""

    cert: Annotated[
        Text | None, _doc("PEM file of the server certificate.", "/etc/outrider/tls.crt")
    ] = None
    key: Annotated[Text | None, _doc("PEM file of its key.", "/etc/outrider/tls.key")] = None
    client_ca: Annotated[
        Text | None,
        _doc("PEM file of authorities; set: clients must show a certificate.", "/etc/ca.pem"),
    ] = None


class Admin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The admin port: /metrics, /api/v1 and the page for people."""

    listen: Annotated[Address, _doc("Where the admin port listens.", "127.0.0.1:8901", ":8901")] = (
        _default(Address, "127.0.0.1:8901")
    )
    token: Annotated[
        Secret | None,
        _doc(
            "Bearer token that clients from elsewhere need for all but /metrics, /healthz and "
            "/readyz; null: only loopback may use the rest. Best set as OUTRIDER_ADMIN__TOKEN."
        ),
    ] = None


class Timeouts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to wait; each breach is a 4xx or 5xx, counted by its reason."""

    connect: Annotated[Duration, _doc("For a connection to the upstream.", "2s")] = _default(
        Duration, "2s"
    )
    head: Annotated[Duration, _doc("For a client's request head, once begun.", "10s")] = _default(
        Duration, "10s"
    )
    idle: Annotated[Duration, _doc("For a client's next request on a kept connection.", "75s")] = (
        _default(Duration, "75s")
    )
    pool: Annotated[Duration, _doc("That an upstream connection is kept unused.", "4s")] = _default(
        Duration, "4s"
    )
    first_byte: Annotated[
        Duration, _doc("From the request sent to the response's first byte.", "30s", "off")
    ] = _default(Duration, "off")
    total: Annotated[Duration, _doc("For a whole request; inference can be slow.", "5m", "off")] = (
        _default(Duration, "off")
    )


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what a client may send."""

    head_bytes: Annotated[Size, _doc("Request line and header fields together.", "64KiB")] = (
        _default(Size, "64KiB")
    )
    fields: Annotated[Count, _doc("Header fields in one head.", 256)] = 256
    body_bytes: Annotated[Size, _doc("A request's body.", "100MiB", "off")] = _default(Size, "off")
    connections: Annotated[Count, _doc("Client connections open, a worker.", 10000)] = 10000


class Tunnel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `Upgrade` may turn a connection into."""

    protocols: Annotated[
        tuple[Text, ...],
        _doc("Passed on as a byte tunnel; any other Upgrade is taken out.", ["websocket"]),
    ] = ("websocket",)


class Drain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens after SIGTERM, in this order."""

    delay: Annotated[
        Duration, _doc("Not ready, but still serving: load balancers look away.", "5s")
    ] = _default(Duration, "5s")
    grace: Annotated[Duration, _doc("Then requests in flight may take so long to end.", "20s")] = (
        _default(Duration, "20s")
    )
    flush: Annotated[Duration, _doc("Then the sinks may take so long to send the rest.", "3s")] = (
        _default(Duration, "3s")
    )


class Capture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Copies of bodies, for decoding and drift. The bodies that pass are never held or changed."""

    sample_ratio: Annotated[
        float, Meta(ge=0, le=1), _doc("Part of the requests that are copied, 0 to 1.", 0.1)
    ] = 1.0
    max_body_bytes: Annotated[Size, _doc("Of a longer body head and tail are copied.", "1MiB")] = (
        _default(Size, "1MiB")
    )
    budget: Annotated[
        Size, _doc("Memory for all copies under way, a worker; over it none is made.", "16MiB")
    ] = _default(Size, "16MiB")
    payload_log: Annotated[
        bool,
        _doc("true: log records carry JSON bodies, redacted, as `input` and `output`.", False),
    ] = False
    payload_log_bytes: Annotated[
        Size, _doc("Of a longer input or output the beginning is logged; 16KiB at most.", "4KiB")
    ] = _default(Size, "4KiB")


class Learn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reference learned from the first traffic."""

    rows: Annotated[int, Meta(ge=100), _doc("How many rows it is learned from.", 5000)] = 5000
    period: Annotated[
        Duration,
        _doc(
            "Then all windows of so long a time are made the reference, 7d to 60d: it knows how "
            "traffic varies by itself. off: the first rows stay the reference.",
            "7d",
        ),
    ] = _default(Duration, "off")


class LearnReference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Instead of a file: learn."""

    learn: Annotated[Learn, _doc("Learn the reference from the first rows seen.")] = field(
        default_factory=Learn
    )


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is judged at once: whichever is reached first ends a window."""

    rows: Annotated[Count, _doc("Rows in a window.", 1000)] = 1000
    seconds: Annotated[Duration, _doc("Length of a window in time.", 300, "5m")] = _default(
        Duration, 300
    )


class Drift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether traffic still looks like the reference."""

    reference: Annotated[
        Text | LearnReference,
        _doc("A profile made by `outrider profile build`, or how to learn one.", "reference.json"),
    ] = field(default_factory=LearnReference)
    references: Annotated[
        dict[Text, Text | Annotated[tuple[Text, ...], Meta(min_length=1)]],
        _doc(
            "Profiles by model, where several are served; of several, each is for the version that "
            "it names.",
            {"iris": "a.json", "wine": ["wine-1.json", "wine-2.json"]},
        ),
    ] = field(default_factory=dict)
    window: Annotated[Window, _doc("The window that is judged.")] = field(default_factory=Window)
    false_alarms: Annotated[
        Rate, _doc("Alarms to expect for a model where nothing drifts.", "1 per 30d")
    ] = _default(Rate, "1 per 30d")
    replicas: Annotated[
        Count, _doc("Sidecars that judge the same model and share that budget.", 1)
    ] = 1
    min_effect: Annotated[
        float,
        Meta(ge=0),
        _doc("Less than this never alarms; in the reference's standard deviations.", 0.05),
    ] = 0.05
    natural_variation: Annotated[
        Literal["off", "normal", "strict"],
        _doc("How far the reference's own days and weeks may vary unalarmed.", "strict"),
    ] = "strict"
    mode: Annotated[
        Literal["evidence", "psi", "kl", "js", "ks", "wasserstein", "hellinger", "chi2", "tv"],
        _doc(
            "evidence: by the false-alarm budget; psi: the classic 0.1 / 0.25 rule; ks, chi2: "
            "p < 0.05; kl, wasserstein, hellinger, tv: a distance of 0.1; js: of 0.12.",
            "evidence",
        ),
    ] = "evidence"


class Metrics(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What /metrics says."""

    buckets: Annotated[
        dict[Histogram, tuple[Annotated[float, Meta(gt=0)], ...]],
        _doc(
            "Upper bounds instead of the default ones, in seconds or bytes, by histogram: "
            "duration, connect, upstream, stream, overhead, request_size, response_size, "
            "first_event, gap.",
            {"duration": [0.01, 0.1, 1, 10]},
        ),
    ] = field(default_factory=dict)
    bin_columns: Annotated[
        int, Meta(ge=0), _doc("Columns with a series a bin: those that drift most.", 50)
    ] = 50


class Logs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One JSON record a request, and what Outrider says about itself."""

    stdout: Annotated[bool, _doc("Write the request records to standard output.", True)] = True
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _doc("Records of a lower level are left out.", "info"),
    ] = "info"


class Loki(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="loki",
):
    """Logs to Grafana Loki's push API."""

    url: Annotated[Url, _doc("Of Loki, with or without /loki/api/v1/push.", "http://loki:3100")]
    encoding: Annotated[
        Literal["json", "protobuf"],
        _doc("protobuf is smaller and needs the extra outrider[snappy].", "json"),
    ] = "json"
    tenant: Annotated[Text | None, _doc("Sent as X-Scope-OrgID.", "team-a")] = None
    token: Annotated[Secret | None, _doc("Sent as bearer token.")] = None
    headers: Annotated[dict[Text, Secret], _doc("More header fields to send.", {"X-Key": "…"})] = (
        field(default_factory=dict)
    )
    labels: Annotated[
        dict[Text, Text], _doc("More labels for the stream.", {"cluster": "eu-1"})
    ] = field(default_factory=dict)
    timeout: Annotated[Duration, _doc("For one push.", "10s")] = _default(Duration, "10s")
    queue: Annotated[
        Size, _doc("Memory for records that wait; over it the oldest are dropped.", "16MiB")
    ] = _default(Size, "16MiB")


Sink = Loki
"""What stands under `sinks`, told apart by `type`; a union once there are more."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings."""

    upstream: Annotated[
        Upstream,
        _doc("The model server.", "http://127.0.0.1:8000/base", "unix:///run/model.sock"),
    ] = _default(Upstream, "http://127.0.0.1:8000")
    upstream_tls: Annotated[UpstreamTls, _doc("TLS towards an https:// upstream.")] = field(
        default_factory=UpstreamTls
    )
    listen: Annotated[Address, _doc("Where clients connect.", "127.0.0.1:8900", ":8900")] = (
        _default(Address, "127.0.0.1:8900")
    )
    tls: Annotated[ListenTls, _doc("TLS on the listening side.")] = field(default_factory=ListenTls)
    admin: Annotated[Admin, _doc("The admin port.")] = field(default_factory=Admin)
    health: Annotated[
        Address, _doc("Where /healthz and /readyz are answered.", "127.0.0.1:8902", ":8902")
    ] = _default(Address, "127.0.0.1:8902")
    workers: Annotated[
        int, Meta(ge=1, le=256), _doc("Proxy processes; one fills about one core.", 1)
    ] = 1
    observe: Annotated[
        Literal["off", "signals", "all"],
        _doc("off: proxy, ids and counts only; signals: no payloads; all.", "all"),
    ] = "all"
    timeouts: Annotated[Timeouts, _doc("How long to wait.")] = field(default_factory=Timeouts)
    limits: Annotated[Limits, _doc("Bounds on what a client may send.")] = field(
        default_factory=Limits
    )
    client_eof: Annotated[
        Literal["abort", "half_close"],
        _doc("A client that ends its side has left, or waits for its answer.", "abort"),
    ] = "abort"
    tunnel: Annotated[Tunnel, _doc("Upgrades.")] = field(default_factory=Tunnel)
    trusted_proxies: Annotated[
        tuple[Network, ...], _doc("Whose X-Forwarded-… is believed.", ["10.0.0.0/8"])
    ] = ()
    drain: Annotated[Drain, _doc("The end, after SIGTERM.")] = field(default_factory=Drain)
    capture: Annotated[Capture, _doc("Copies of bodies.")] = field(default_factory=Capture)
    metadata: Annotated[Metadata, _doc("What the model server says of its models.")] = field(
        default_factory=Metadata
    )
    model: Annotated[Model, _doc("What the model server serves.")] = field(default_factory=Model)
    host: Annotated[HostFigures, _doc("Figures of machine, container, process and GPU.")] = field(
        default_factory=HostFigures
    )
    redact: Annotated[Redact, _doc("What is not shown.")] = field(default_factory=Redact)
    streams: Annotated[Streams, _doc("Answers event by event.")] = field(default_factory=Streams)
    scrape: Annotated[Scrape, _doc("The model server's own metrics.")] = field(
        default_factory=Scrape
    )
    server_timing: Annotated[bool, _doc("Adds Server-Timing to responses.", False)] = False
    state_dir: Annotated[
        Text | None,
        _doc(
            "Where learned references, decisions and drift's evidence are kept; null: in memory.",
            "/var/lib/outrider",
        ),
    ] = None
    drift: Annotated[Drift, _doc("Drift against the reference.")] = field(default_factory=Drift)
    metrics: Annotated[Metrics, _doc("What /metrics says.")] = field(default_factory=Metrics)
    logs: Annotated[Logs, _doc("Logs.")] = field(default_factory=Logs)
    links: Annotated[Links, _doc("From the page to other tools.")] = field(default_factory=Links)
    sinks: Annotated[
        dict[Text, Sink],
        _doc(
            "Where logs are sent, by a name of your choice.",
            {"loki": {"type": "loki", "url": "http://loki:3100"}},
        ),
    ] = field(default_factory=dict)
    alerts: Annotated[Alerting, _doc("Alerts that the sidecar sends by itself.")] = field(
        default_factory=Alerting
    )
    routes: Annotated[
        tuple[Route, ...], _doc("What cannot be known of a path.", [{"path": "/score"}])
    ] = ()
