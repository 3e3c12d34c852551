"""The acts by the clock, and the options that they need."""

from __future__ import annotations

import argparse

import pytest

from agent import demo
from agent.demo.timeline import Timeline


def test_the_shift_comes_before_the_middle() -> None:
    timeline = Timeline(60, 100)
    assert not timeline.at(26.9).shifted
    assert timeline.at(27.0).shifted


def test_acts_follow_each_other_without_a_gap() -> None:
    quiet, shifted = Timeline(60, 100).acts
    assert (quiet.start, quiet.end, shifted.end) == (0, shifted.start, 60)


def test_after_the_end_the_last_act_stays() -> None:
    assert Timeline(60, 100).at(61).shifted


@pytest.mark.parametrize("seconds", [0, 5, -1, float("nan")])
def test_a_time_too_short_for_windows_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="--seconds"):
        Timeline(seconds, 100)


def test_fewer_requests_need_more_time() -> None:
    with pytest.raises(ValueError, match="--seconds must be 59"):
        Timeline(30, 20)
    assert Timeline(59, 20).rate == 20


@pytest.mark.parametrize("rate", [0, 1, 1e6, float("nan")])
def test_a_rate_that_cannot_work_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="--rate"):
        Timeline(60, rate)


def test_a_bad_option_exits_2_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(argparse.Namespace(seconds=1.0, rate=100.0, plain=True)) == 2
    assert "--seconds" in capsys.readouterr().err


def test_options_have_the_defaults_of_the_documentation() -> None:
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    options = parser.parse_args([])
    assert (options.seconds, options.rate, options.plain) == (60.0, 100.0, False)
