"""The scraper that the settings ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from agent.config import Config
from agent.scrape.fetch import fetch
from agent.scrape.scraper import Scraper
from agent.scrape.target import target_of


def scraper_of(config: Config, show: Callable[[str], str], log: logging.Logger) -> Scraper | None:
    """None: nothing is read. `show` hides what must not be shown of a label's value.

    Raises OSError on a bad certificate, which `agent.supervision.preflight` has told before.
    """
    target, settings = target_of(config), config.scrape
    if target is None:
        return None
    get = partial(fetch, target, settings.timeout, settings.max_bytes)
    return Scraper(settings, get, show, log)
