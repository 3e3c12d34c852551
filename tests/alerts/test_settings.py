"""The settings of alerts: what is refused, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.alerts.conditions import TABLE
from agent.config import Config
from agent.settings.alert_rules import broken, secret_of
from agent.settings.alerting import NAMES, Alertmanager, Email, Slack
from agent.settings.building import ConfigError
from agent.settings.loading import load
from agent.settings.shown import shown
from agent.settings.units import SecretUrl, Share

HOOK = "https://hooks.example.com/services/T0/B0/geheim"
MAIL = "type: email, host: mail, sender: a@example.com, to: [b@example.com]"


def loaded(folder: Path, text: str) -> Config:
    file = folder / "outrider.yaml"
    file.write_text(text, encoding="utf-8")
    return load(str(file))


def to(one: str) -> str:
    return f"alerts: {{to: {{ops: {{{one}}}}}}}"


def test_the_settings_know_the_names_of_the_table() -> None:
    assert tuple(condition.name for condition in TABLE) == NAMES


def test_each_type_becomes_what_it_says(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        f"""
        alerts:
          to:
            ops: {{type: slack, url: "{HOOK}"}}
            am: {{type: alertmanager, url: "http://am:9093", token: geheim}}
            mail: {{{MAIL}, user: u, password: geheim}}
        """,
    )
    kinds = [type(one) for one in config.alerts.to.values()]
    assert kinds == [Slack, Alertmanager, Email]
    assert config.alerts.slo.availability == 0.999
    tree = shown(config)["alerts"]
    assert "geheim" not in repr(tree) + repr(config)
    assert tree["to"]["ops"]["type"] == "slack"
    assert tree["slo"]["availability"] == "99.9%"


def test_nothing_configured_is_no_destination() -> None:
    assert Config().alerts.to == {}
    assert list(broken(Config().alerts)) == []


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (to("type: pager, url: 'http://x'"), "alerts.to.ops.type", "alertmanager, slack, email"),
        (to("url: 'http://x'"), "alerts.to.ops.type", "known types"),
        (to("type: slack"), "alerts.to.ops.url", "url_file"),
        (to("type: slack, url: 'ftp://x/geheim'"), "alerts.to.ops.url", "hooks.slack.com"),
        (to("type: slack, url: 'http://a b/geheim'"), "alerts.to.ops.url", "hooks.slack.com"),
        (to("type: slack, url: 'http://[/geheim'"), "alerts.to.ops.url", "hooks.slack.com"),
        (to("type: slack, webhook: 'http://x/geheim'"), "alerts.to.ops.webhook", "known here"),
        (to("type: slack, url_file: /nowhere"), "alerts.to.ops.url_file", "No such file"),
        (to("type: slack, url_file: /dev/null"), "alerts.to.ops.url_file", "one line"),
        (to(f"type: slack, url: '{HOOK}', url_file: /dev/null"), "alerts.to.ops.url_file", "take"),
        (to(f"type: slack, url: '{HOOK}', timeout: 0s"), "alerts.to.ops.timeout", "more than"),
        ("alerts: {to: {ops: 'https://x/geheim'}}", "alerts.to.ops", "settings of its own"),
        (to("type: alertmanager, url: 'http://u:geheim@x'"), "alerts.to.ops.url", "password"),
        (to("type: email"), "alerts.to.ops.host", "must be set"),
        (to(MAIL + ", user: u"), "alerts.to.ops.password", "go together"),
        (to(MAIL + ", password: geheim"), "alerts.to.ops.user", "go together"),
        (to(MAIL + ", user: u, password: geheim, tls: none"), "alerts.to.ops.tls", "readably"),
        (to(MAIL.replace("b@e", '"b@c\\r\\nBcc: x", b@e')), "alerts.to.ops.to", "an address"),
        (to(MAIL.replace("a@example.com", '"a@b\\nX: y"')), "alerts.to.ops.sender", "an address"),
        (to(MAIL.replace("[b@example.com]", "[]")), "alerts.to.ops.to", "wanted"),
        (to(MAIL + ", port: 0"), "alerts.to.ops.port", "587"),
        ("alerts: {slo: {availability: 100%}}", "alerts.slo.availability", "99.9%"),
        ("alerts: {slo: {availability: 999}}", "alerts.slo.availability", "0.999"),
        ("alerts: {slo: {latency: 0s}}", "alerts.slo.latency", "longer"),
        ("alerts: {repeat: 1s}", "alerts.repeat", "1m at least"),
        ("alerts: {group: 1h}", "alerts.group", "10m at most"),
        ("alerts: {limit: many}", "alerts.limit", "a rate"),
        ("alerts: {off: [ModelInputDrif]}", "alerts.off", "ModelInputDrift?"),
        ("alerts: {off: [Whatever]}", "alerts.off", "ModelLatencyHigh"),
    ],
)
def test_what_cannot_be_used_is_told_with_a_remedy(
    tmp_path: Path, text: str, path: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    faults = [caught.value, *caught.value.also]
    found = [fault for fault in faults if fault.path == path]
    assert found, [str(fault) for fault in faults]
    assert words in found[0].remedy
    assert "geheim" not in "".join(map(str, faults))


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    file.write_text(f"\n {HOOK} \n")
    config = loaded(tmp_path, to(f"type: slack, url_file: {file}"))
    assert secret_of(config.alerts.to["ops"].url_file) == HOOK  # type: ignore[union-attr]
    file.write_text("not a URL")
    with pytest.raises(ConfigError, match="does not hold one"):
        loaded(tmp_path, to(f"type: slack, url_file: {file}"))


@pytest.mark.parametrize(
    ("text", "share", "again"),
    [("99.9%", 0.999, "99.9%"), (0.5, 0.5, "50%"), ("100 %", 1.0, "100%"), (1, 1.0, "100%"),
     ("99.99%", 0.9999, "99.99%"), ("0%", 0.0, "0%")],
)  # fmt: skip
def test_a_share_is_written_in_percent(text: object, share: float, again: str) -> None:
    assert Share(text) == share
    assert str(Share(text)) == again
    assert Share(again) == share


@pytest.mark.parametrize("bad", ["", "%", "-1%", "101%", 1.5, True, None, "٣%", "1e-3"])
def test_what_is_no_share_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Share(bad)


def test_a_secret_url_hides_itself() -> None:
    assert "geheim" not in repr(SecretUrl(HOOK))
    assert SecretUrl(HOOK) == HOOK
