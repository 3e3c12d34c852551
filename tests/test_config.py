from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.config import Config, Drain, LearnReference, Loki, Route
from agent.settings import yaml12
from agent.settings.building import ConfigError
from agent.settings.loading import Override, load
from agent.settings.shown import default_of, schema, shown, structs
from agent.settings.units import (
    NO_LIMIT,
    Address,
    Duration,
    Network,
    Rate,
    Secret,
    Size,
    Upstream,
    Url,
)

EXAMPLE = Path(__file__).parent.parent / "outrider.example.yaml"


def written(folder: Path, text: str) -> str:
    file = folder / "outrider.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def faults(folder: Path, text: str, env: dict[str, str] | None = None) -> list[ConfigError]:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text), env)
    return [caught.value, *caught.value.also]


# Units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("2s", 2),
        ("1.5 s", 1.5),
        ("5m", 300),
        ("30d", 2592000),
        ("7", 7),
        (0.5, 0.5),
        ("0s", 0),
        ("off", math.inf),
        ("100us", 1e-4),
    ],
)
def test_duration_is_seconds(text: object, seconds: float) -> None:
    assert Duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "count"),
    [("64KiB", 65536), ("1MiB", 1 << 20), ("10MB", 10**7), (512, 512), ("off", NO_LIMIT)],
)
def test_size_is_bytes(text: object, count: int) -> None:
    assert Size(text) == count


@pytest.mark.parametrize("bad", ["", "2 parsecs", "-1s", "s", "1e3", True, None, [], "٣s", "nan"])
def test_units_refuse_what_they_do_not_know(bad: object) -> None:
    for unit in (Duration, Size):
        with pytest.raises(ValueError, match="wanted"):
            unit(bad)


@given(st.integers(0, 10**9))
def test_duration_is_shown_as_it_can_be_written(milliseconds: int) -> None:
    duration = Duration(milliseconds / 1000)
    assert Duration(str(duration)) == pytest.approx(duration)


@given(st.integers(0, NO_LIMIT // 2**20))
def test_size_is_shown_as_it_can_be_written(size: int) -> None:
    assert Size(str(Size(size))) == size


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8900", "127.0.0.1", 8900),
        ("[::1]:80", "::1", 80),
        (":0", "", 0),
        ("localhost:65535", "localhost", 65535),
    ],
)
def test_address(text: str, host: str, port: int) -> None:
    address = Address(text)
    assert (address.host, address.port, str(address)) == (host, port, text)


@pytest.mark.parametrize("bad", ["", "a", "a:", "a:65536", "::1:80", "[zz]:80", "http://a:80", 80])
def test_address_refuses(bad: object) -> None:
    with pytest.raises(ValueError, match=r"wanted|colon|Octet|At least|Only hex"):
        Address(bad)


def test_upstream_url() -> None:
    url = Upstream("https://Model.example:8443/base/path/")
    assert (url.scheme, url.host, url.port) == ("https", "model.example", 8443)
    assert (url.path, url.tls, url.socket) == ("/base/path", True, "")
    assert (Upstream("http://a").port, Upstream("https://a").port) == (80, 443)
    assert Upstream("http://[::1]:8000").host == "::1"


def test_upstream_unix_socket() -> None:
    upstream = Upstream("unix:///run/model.sock")
    assert (upstream.scheme, upstream.socket, upstream.tls) == ("unix", "/run/model.sock", False)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "localhost:8000",
        "ftp://a",
        "http://",
        "http://a:99999",
        "http://a/?q",
        "http://a/#f",
        "http://u:p@a",
        "http://a b",
        "unix:relative",
        "unix://host/path with space",
        8000,
    ],
)
def test_upstream_refuses(bad: object) -> None:
    with pytest.raises(ValueError, match=r"wanted|[Pp]ort"):
        Upstream(bad)


def test_rate() -> None:
    rate = Rate("2 per 30d")
    assert (rate.events, rate.period) == (2, 2592000)
    assert rate.per_second == 2 / 2592000
    for bad in ("1", "0 per 30d", "1 per 0s", "1 per off", "-1 per 3d", "1 per day", 1):
        with pytest.raises(ValueError, match="wanted a rate"):
            Rate(bad)


def test_secret_hides_in_repr() -> None:
    assert "geheim" not in repr(Secret("geheim"))
    assert Secret("geheim") == "geheim"


# YAML


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("on", "on"),
        ("no", "no"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("8:30", "8:30"),
        ("010", "010"),
        ("12", 12),
        ("-1.5", -1.5),
        ("1e3", 1000.0),
        ("2026-01-01", "2026-01-01"),
        ("'12'", "12"),
        ("[a, 1]", ["a", 1]),
    ],
)
def test_yaml_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert yaml12.load(text) == value


@pytest.mark.parametrize(
    "bad",
    ["a: 1\na: 2", "[", "!!python/object:os.system x", "a: b: c", "? {a: 1}\n: 2", "? [a]\n: 2"],
)
def test_yaml_says_where_it_is_wrong(bad: str) -> None:
    with pytest.raises(ValueError, match="line"):
        yaml12.load(bad)


@given(st.text(max_size=80))
def test_yaml_raises_nothing_else(text: str) -> None:
    with contextlib.suppress(ValueError):
        yaml12.load(text)


# Where settings come from


def test_flag_before_variable_before_file_before_default(tmp_path: Path) -> None:
    file = written(tmp_path, "workers: 2\ndrain: {delay: 2s, grace: 2s}\nobserve: off")
    env = {"OUTRIDER_WORKERS": "3", "OUTRIDER_DRAIN__DELAY": "3s"}
    config = load(file, env, [Override("--workers", ("workers",), "4")])
    assert config.workers == 4
    assert config.drain == Drain(delay=Duration("3s"), grace=Duration("2s"))
    assert config.observe == "off"
    assert config.listen == "127.0.0.1:8900"


def test_file_can_be_named_by_variable(tmp_path: Path) -> None:
    assert load(None, {"OUTRIDER_CONFIG": written(tmp_path, "workers: 2")}).workers == 2


def test_empty_file_and_empty_section_are_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "# nothing\n")) == Config()
    assert load(written(tmp_path, "drain:\n")) == Config()


def test_variables_hold_yaml_and_are_merged(tmp_path: Path) -> None:
    config = load(
        written(tmp_path, "sinks: {loki: {type: loki, url: http://a:3100}}"),
        {
            "OUTRIDER_SINKS__LOKI__TENANT": "42",
            "OUTRIDER_DRAIN": "{delay: 1s}",
            "OUTRIDER_TRUSTED_PROXIES": "[10.0.0.0/8, '::1']",
            "OUTRIDER_ADMIN__TOKEN": "0123",
            "OUTRIDER_STATE_DIR": "",
        },
    )
    assert config.sinks == {"loki": Loki(url=Url("http://a:3100"), tenant="42")}
    assert config.drain.delay == 1
    assert config.drain.grace == 20
    assert config.trusted_proxies == (Network("10.0.0.0/8"), Network("::1"))
    assert config.admin.token == "0123"
    assert config.state_dir is None


def test_kubernetes_service_variables_are_no_settings() -> None:
    env = {
        "OUTRIDER_SERVICE_HOST": "10.0.0.1",
        "OUTRIDER_SERVICE_PORT_HTTP": "80",
        "OUTRIDER_PORT": "tcp://10.0.0.1:80",
        "OUTRIDER_PORT_80_TCP_ADDR": "10.0.0.1",
        "OUTRIDER_ADMIN_PORT_80_TCP": "tcp://10.0.0.1:80",
    }
    assert load(None, env) == Config()


def test_reference_is_a_file_or_learned(tmp_path: Path) -> None:
    assert load(written(tmp_path, "drift: {reference: a.json}")).drift.reference == "a.json"
    learned = load(written(tmp_path, "drift: {reference: {learn: {rows: 100}}}")).drift.reference
    assert isinstance(learned, LearnReference)
    assert learned.learn.rows == 100
    over = {"OUTRIDER_DRIFT__REFERENCE": "b.json"}
    text = "drift: {reference: {learn: {rows: 100}}}"
    assert load(written(tmp_path, text), over).drift.reference == "b.json"


def test_references_of_a_model_are_a_file_or_one_a_version(tmp_path: Path) -> None:
    text = "drift: {references: {iris: a.json, wine: [b.json, c.json]}}"
    found = load(written(tmp_path, text)).drift.references
    assert found == {"iris": "a.json", "wine": ("b.json", "c.json")}
    with pytest.raises(ConfigError):
        load(written(tmp_path, "drift: {references: {iris: []}}"))


# Faults


@pytest.mark.parametrize(
    ("text", "path", "value", "remedy"),
    [
        ("timeouts: {conect: 2s}", "timeouts.conect", "'2s'", "did you mean timeouts.connect?"),
        ("colour: red", "colour", "'red'", "known here: upstream, "),
        ("workers: many", "workers", "'many'", "wanted int, got str, for example 1; the default"),
        ("workers: 0", "workers", "0", "wanted int >= 1"),
        ("timeouts: {head: 3 parsecs}", "timeouts.head", "'3 parsecs'", "for example 10s"),
        ("upstream_tls: {verify: no}", "upstream_tls.verify", "'no'", "for example true"),
        ("capture: {sample_ratio: 1.5}", "capture.sample_ratio", "1.5", "<= 1.0"),
        ("drift: {mode: pis}", "drift.mode", "'pis'", "one of evidence, psi, kl, js, "),
        ("drift: {reference: {lern: 3}}", "drift.reference.lern", "3", "drift.reference.learn?"),
        (
            "drift: {reference: {learn: {period: 1d}}}",
            "drift.reference.learn.period",
            "'1d'",
            "7d at least",
        ),
        (
            "drift: {reference: {learn: {period: 90d}}}",
            "drift.reference.learn.period",
            "'90d'",
            "60d at most",
        ),
        ("metadata: {timeout: off}", "metadata.timeout", "'off'", "30s at most"),
        ("metadata: {timeout: 0s}", "metadata.timeout", "'0s'", "more than 0s"),
        (
            "links: {trace: 'javascript:alert({trace_id})'}",
            "links.trace",
            "javascript",
            "a URL with",
        ),
        ("links: {trace: 'https://a/'}", "links.trace", "'https://a/'", "{trace_id} in it"),
        ("links: {trace: 'https://{trace_id}/'}", "links.trace", "{trace_id}", "{trace_id} in it"),
        ("links: {trace: 'https://a/ {trace_id}'}", "links.trace", "https", "no space"),
        ("links: {trace: 'https://u:p@a/{trace_id}'}", "links.trace", "https", "user name"),
        ("links: {trace: 7}", "links.trace", "7", "a URL with"),
        ("sinks: {a: {type: x}}", "sinks.a.type", "'x'", "known types: loki"),
        ("sinks: {a: {url: 'http://a'}}", "sinks.a.type", "None", "known types: loki"),
        ("sinks: {a: {type: loki}}", "sinks.a.url", "None", "must be set"),
        ("sinks: {a: {type: loki, url: x}}", "sinks.a.url", "'x'", "wanted a URL"),
        ("routes: [{path: x}]", "routes.0.path", "'x'", "for example /models"),
        ("trusted_proxies: [10.0.0.1/8]", "trusted_proxies", "['10.0.0.1/8']", "host bits"),
        ("tls: [a]", "tls", "['a']", "cert, key, client_ca"),
        ("tls: {cert: pyproject.toml}", "tls.cert", "'pyproject.toml'", "tls.key must"),
        ("tls: {key: pyproject.toml}", "tls.key", "'pyproject.toml'", "tls.cert must"),
        ("tls: {cert: /no, key: /no}", "tls.cert", "'/no'", "cannot be read: No such file"),
        ("admin: {listen: ':8900'}", "admin.listen", "':8900'", "listen has port 8900 already"),
        ("health: 127.0.0.1:8901", "health", "'127.0.0.1:8901'", "admin.listen has port 8901"),
        ("upstream: http://localhost:8900", "upstream", "localhost:8900", "is Outrider itself"),
        ("timeouts: {connect: 0}", "timeouts.connect", "'0s'", "longer than nothing"),
        ("metrics: {buckets: {duration: [2, 1]}}", "metrics.buckets.duration", "2.0", "rising"),
        ("metrics: {buckets: {durations: [1]}}", "metrics.buckets.durations", "", "request_size"),
    ],
)
def test_fault_names_file_path_value_and_remedy(
    tmp_path: Path, text: str, path: str, value: str, remedy: str
) -> None:
    fault = faults(tmp_path, text)[0]
    assert fault.file == str(tmp_path / "outrider.yaml")
    assert fault.path == path
    assert value in fault.value
    assert remedy in fault.remedy
    assert all(part in str(fault) for part in (fault.file, fault.path, fault.value, fault.remedy))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "workers: x\nlisten: y\ndrain: {grace: z}", {"OUTRIDER_HEALTH": "q"})
    assert {fault.path for fault in found} == {"workers", "listen", "drain.grace", "health"}


def test_fault_names_the_variable_or_flag_it_came_from() -> None:
    with pytest.raises(ConfigError, match="OUTRIDER_LISTEN: listen = 'x': wanted HOST:PORT"):
        load(None, {"OUTRIDER_LISTEN": "x"})
    with pytest.raises(ConfigError, match="--health: health = ':8900': listen has port 8900"):
        load(None, {}, [Override("--health", ("health",), ":8900")])


@pytest.mark.parametrize(
    ("text", "env"),
    [
        ("admin: {token: [geheim]}", {}),
        ("admin: {tokn: geheim}", {}),
        ("sinks: {a: {type: loki, url: 'http://me:geheim@a'}}", {}),
        ("sinks: {a: {type: loki, url: 'http://a', headers: {K: [geheim]}}}", {}),
        ("workers: 1", {"OUTRIDER_ADMIN__TOKEN": "[geheim]", "OUTRIDER_LISTEN": "x"}),
    ],
)
def test_secrets_are_in_no_fault(tmp_path: Path, text: str, env: dict[str, str]) -> None:
    assert "geheim" not in "".join(map(str, faults(tmp_path, text, env)))


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: file: cannot be read: No such file"):
        load(str(tmp_path / "none.yaml"))
    assert "is not YAML" in str(faults(tmp_path, "a: [")[0])
    assert "wanted a mapping" in str(faults(tmp_path, "- a")[0])


SETTINGS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Config.__struct_fields__, "learn", "rows", "type", "a"]), inner
        )
    ),
    max_leaves=12,
)


@example({"sinks": {"upstream": None}})
@example({"routes": [{"upstream": None}]})
@example({"routes": [{"path": 5}]})
@given(st.dictionaries(st.sampled_from(Config.__struct_fields__), SETTINGS))
def test_any_tree_is_a_config_or_a_config_error(tree: dict[str, object]) -> None:
    env = {f"OUTRIDER_{key.upper()}": msgspec.json.encode(tree[key]).decode() for key in tree}
    found = None
    try:
        load(None, env)
    except ConfigError as error:
        found = error.file
    assert found is None or found.startswith("OUTRIDER_")


# What is shown


def test_shown_settings_load_again_and_hide_secrets(tmp_path: Path) -> None:
    text = """
        admin: {token: geheim}
        sinks: {a: {type: loki, url: "http://a:1", token: geheim, headers: {X: geheim}}}
    """
    tree = shown(load(written(tmp_path, text)))
    assert "geheim" not in repr(tree)
    assert tree["admin"]["token"] == "***"
    again = load(written(tmp_path, msgspec.json.encode(tree).decode()))
    assert again.sinks["a"].url == "http://a:1"
    assert shown(again) == tree


def test_schema_accepts_the_defaults_and_the_example() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate(shown(Config()))
    validator.validate(yaml12.load(EXAMPLE.read_text()))
    assert list(validator.iter_errors({"workers": 0, "colour": 1}))


def test_schema_says_default_and_explanation_of_every_setting() -> None:
    for cls in structs():
        properties = schema()["$defs"][cls.__name__]["properties"]
        for field in msgspec.structs.fields(cls):
            assert properties[field.name]["description"], field.name
            default = default_of(field)
            if default is not msgspec.NODEFAULT and not isinstance(default, msgspec.Struct):
                assert properties[field.name]["default"] == shown(default)


# The example file


def test_example_shows_every_setting_at_its_default() -> None:
    tree = yaml12.load(EXAMPLE.read_text())
    assert load(str(EXAMPLE)) == Config()
    assert shown(Config()) == shown(load(str(EXAMPLE)))
    assert _paths(tree) == _paths(shown(Config()))


def test_examples_in_the_example_are_complete_and_right(tmp_path: Path) -> None:
    text = "\n".join(re.findall(r"^#: (.*)$", EXAMPLE.read_text(), re.MULTILINE))
    config = load(written(tmp_path, text))
    tree = yaml12.load(text)
    assert isinstance(tree, dict)
    assert set(tree["sinks"]["loki"]) == {"type", *Loki.__struct_fields__}
    assert set(tree["routes"][0]) == set(Route.__struct_fields__)
    assert config.sinks["loki"].headers == {"X-Key": "secret"}


def _paths(tree: object, at: str = "") -> set[str]:
    if not isinstance(tree, dict) or not tree:
        return {at}
    return set().union(*(_paths(item, f"{at}.{key}") for key, item in tree.items()))


@pytest.mark.parametrize("path", ["/{a}/{a}", "/{1}", "/{}"])
def test_a_route_template_that_names_no_part_is_told(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError) as told:
        load(written(tmp_path, f"routes: [{{path: '{path}'}}]"))
    assert told.value.path == "routes[0].path"
    assert told.value.value == repr(path)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("capture: {payload_log: true}\nobserve: signals", "observe"),
        ("capture: {payload_log: true}\nlogs: {stdout: false}", "capture.payload_log"),
        ("capture: {payload_log_bytes: 17KiB}", "capture.payload_log_bytes"),
        ("redact: {key_file: /nowhere/key}", "redact.key_file"),
        ("redact: {key_file: /dev/null}", "redact.key_file"),
        ("redact: {rules: [{}]}", "redact.rules.0"),
        ("redact: {rules: [{column: a, header: b}]}", "redact.rules.0"),
        ("redact: {rules: [{column: a, do: keep}]}", "redact.rules.0.do"),
        ("redact: {rules: [{path: a.b}]}", "redact.rules.0.path"),
        ("redact: {rules: [{pattern: (a+)+}]}", "redact.rules.0.pattern"),
        ("redact: {rules: [{built_in: ssn}]}", "redact.rules.0.built_in"),
        ("redact: {rules: [" + "{column: a}," * 65 + "]}", "redact.rules"),
        ("capture: {max_body_bytes: 17MiB}", "capture.max_body_bytes"),
        ("scrape: {url: metrics}", "scrape.url"),
        ("scrape: {url: //example.org/metrics}", "scrape.url"),
        ("scrape: {url: '/metrics?all'}", "scrape.url"),
        ("scrape: {url: 'http://user:password@127.0.0.1/metrics'}", "scrape.url"),
        ("scrape: {url: ftp://127.0.0.1/metrics}", "scrape.url"),
        ("scrape: {every: 100ms}", "scrape.every"),
        ("scrape: {every: off}", "scrape.every"),
        ("scrape: {timeout: 20s}", "scrape.timeout"),
        ("scrape: {timeout: off}", "scrape.timeout"),
        ("scrape: {keep: vllm}", "scrape.keep"),
        ("scrape: {max_series: 0}", "scrape.max_series"),
        ("routes: [{path: /, values: {a: $.b = 1}}]", "routes.0.values.a"),
        ("routes: [{path: /, values: {a b: $.b}}]", "routes.0.values.a b"),
        ("routes: [{path: /, values: {a: $.b}}]\nobserve: signals", "routes[0].values"),
        ("routes: [{path: /, values: {a: header cookie}}]", "routes[0].values.a"),
        ("routes: [{path: /, extra: {a: input b}}]", "routes[0].extra.a"),
        ("routes: [{path: /, extra: {a: header authorization}}]", "routes[0].extra.a"),
        ("routes: [{path: /, extra: {a: $.b > 1}}]", "routes.0.extra.a"),
        ("routes: [{path: /, ignore: ['$.a[0]']}]", "routes.0.ignore"),
        ("routes: [{path: /, ignore: [" + "a," * 65 + "]}]", "routes[0].ignore"),
        ("routes: [{path: /, columns: fields}]", "routes[0].columns"),
        ("routes: [{path: /, names: {a: x, b: x}}]", "routes[0].names"),
        (
            f"routes: [{{path: /, values: {{{','.join(f'a{n}: b' for n in range(33))}}}}}]",
            "routes[0].values",
        ),
        (
            "redact: {rules: [{header: X-User}]}\nroutes: [{path: /, extra: {a: header x-user}}]",
            "routes[0].extra.a",
        ),
    ],
)
def test_what_could_not_take_effect_is_refused(tmp_path: Path, text: str, setting: str) -> None:
    with pytest.raises(ConfigError) as told:
        load(written(tmp_path, text))
    assert told.value.path == setting
