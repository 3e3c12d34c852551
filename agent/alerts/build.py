"""Which destinations there are, from the settings: the one place that knows every kind.

Rule: what a kind needs is imported only where it is configured.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from agent.alerts.alarms import Alarms, Kept
from agent.alerts.courier import Courier
from agent.alerts.destination import Destination
from agent.alerts.messages import Source
from agent.alerts.telling import Pace, Telling
from agent.settings.alert_rules import secret_of
from agent.settings.alerting import Alerting
from agent.settings.alerting import Alertmanager as AlertmanagerSettings
from agent.settings.alerting import Destination as DestinationSettings
from agent.settings.alerting import Email as EmailSettings


def make_alarms(
    settings: Alerting,
    *,
    service: str,
    instance: str,
    version: str,
    kept: Kept | None,
    now: float,
    log: logging.Logger,
) -> Alarms:
    """Raises OSError, ValueError (a file with a secret that cannot be read any more)."""
    source = source_of(settings, service, instance)
    couriers: Sequence[Courier] = [
        Courier(
            name,
            kind_of(one),
            make(one, source, version),
            Telling(pace_of(settings, one), kept.told.get(name) if kept is not None else None),
            float(one.timeout),
            log,
        )
        for name, one in settings.to.items()
    ]
    return Alarms(couriers, frozenset(settings.off), kept, now)


def source_of(settings: Alerting, service: str, instance: str) -> Source:
    """Who tells it. Links as plain texts: no encoder of messages takes the settings' own type."""
    links = settings.links
    return Source(service, instance, str(links.page or ""), str(links.runbooks or ""))


def kind_of(one: DestinationSettings) -> str:
    """As `type` says it."""
    return str(one.__struct_config__.tag)


def pace_of(settings: Alerting, one: DestinationSettings) -> Pace:
    """How often it is told something."""
    if isinstance(one, AlertmanagerSettings):
        from agent.alerts.alertmanager import PACE

        return PACE
    limit = settings.limit
    return Pace(float(settings.repeat), float(settings.group), limit.events, limit.period)


def make(one: DestinationSettings, source: Source, version: str) -> Destination:
    """Raises OSError, ValueError."""
    agent = f"outrider/{version}"
    if isinstance(one, AlertmanagerSettings):
        from agent.alerts.alertmanager import Alertmanager

        token = secret_of(one.token_file) if one.token_file else one.token
        return Alertmanager(one.url, token, one.labels, source, agent)
    if isinstance(one, EmailSettings):
        from agent.alerts.email import Email, Server

        password = secret_of(one.password_file) if one.password_file else one.password
        secrets = one.user, password, float(one.timeout)
        return Email(Server(one.host, one.port, one.tls, *secrets), one.sender, one.to, source)
    from agent.alerts.slack import Slack

    url = secret_of(one.url_file) if one.url_file else str(one.url)
    return Slack(url, source, agent)
