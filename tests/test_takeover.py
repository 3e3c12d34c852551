"""The conversation of two generations, where the real processes cannot easily be brought to it."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from agent.supervision import takeover
from agent.supervision.takeover import Door, Refused, claim, open_door
from tests.harness import eventually, free_ports


def quiet(level: str, text: str) -> None:
    pass


def nothing() -> takeover.Estate:
    raise AssertionError("nothing is to be handed over")


@pytest.fixture
def port():
    return ("127.0.0.1", free_ports(1)[0])


def test_nobody_there(port):
    assert claim(port, "layout", 1.0, quiet) is None


@pytest.mark.parametrize("who", ["running", "new"])
def test_another_user_gets_nothing(port, monkeypatch, who):
    """Abstract names have no owner, so each side asks the kernel whom it talks to."""
    listener = open_door(port)
    assert listener is not None
    door, over = Door(listener, nothing, quiet), threading.Event()
    asked = threading.get_ident()

    def peer(sock: socket.socket) -> int:
        asks = "new" if threading.get_ident() == asked else "running"
        return os.geteuid() + (asks == who)

    def serve() -> None:
        while not over.wait(0.01):
            door.look(0.0)

    monkeypatch.setattr(takeover, "_peer_uid", peer)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with pytest.raises(Refused, match="user"):
            claim(port, "layout", 5.0, quiet)
        eventually(lambda: door.watched() == [listener], "the door to be free again")
    finally:
        over.set()
        thread.join()
        door.close("")


def test_one_that_does_not_answer_is_not_waited_for_for_ever(port):
    with open_door(port), pytest.raises(Refused, match="does not answer"):
        claim(port, "layout", 0.1, quiet)


def test_a_name_that_somebody_has(port):
    with open_door(port), pytest.raises(OSError, match="in use"):
        open_door(port)
