"""Replacement under load: a new generation gets the sockets and the ledger of the running one.

Rule: until it has said `commit`, the new one has taken no connection, and whatever goes wrong on
either side leaves the running one serving as before; the new one then ends with status 2.

Theory. Both generations hold the same listening sockets (not others on the same port), so a
client that connects waits in a queue that is never closed, whoever takes it from there. Both map
the same ledger and write to places of their own in it (see `agent.ledger`).

The meeting place is a Unix socket with an abstract name made of the data port's address. It has
the scope of that port: one network namespace. It needs no directory, leaves nothing behind, and
no configuration can make two generations miss each other. As abstract names have no owner, both
sides ask the kernel who is there (SO_PEERCRED) and go on only if it is the same user. The
listening end is handed over too, so the name is never free in between: a second successor waits
in its queue until the first is in and the generation before has ended; then it takes over from
that one. So at most two generations run at once.

Protocol, version 1. SOCK_SEQPACKET; each packet is one JSON object with one key.

    new → running   hello   {magic, version, outrider, pid}
    running → new   offer   {version, outrider, pid, layout, place, listen, health}
    running → new   packets with descriptors (SCM_RIGHTS): the admin port, this socket's listening
                    end, the ledger, the life line, then the data and the health ports
    new             compares the ledger's layout with its own, binds what it needs beside, starts
                    its workers and its observer; they get ready, but take no connection
    new → running   ready
    running → new   go      from here on it is no refusal that ends it, only its own end
    new             its workers and its observer serve
    new → running   commit
    running         takes no more connections, drains, ends with status 0

Instead of offer or go the running one may say `no` and why; so it does when told to end. The
life line is a pipe whose other end all processes of a generation hold: its end of file says that
none of them is left, and so that their place in the ledger is free.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from agent import __version__
from agent.ledger import Place

MAGIC = "outrider takeover"
VERSION = 1
LONGEST = 1 << 16
"""Bytes of a packet."""
DESCRIPTORS = 128
"""In one packet; the kernel takes 253."""
READY_WITHIN = 120.0
"""Seconds that a successor has from its hello to its commit."""
ANSWER_WITHIN = 20.0
"""Seconds for the answer to `ready`; the running one looks at least once a second."""
TELL_AFTER = 2.0
"""Seconds of waiting after which it is said that one waits."""

Say = Callable[[str, str], None]
"""Level and message."""


class Refused(Exception):
    """The takeover did not come about; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What one generation hands to the next."""

    admin: socket.socket
    door: socket.socket
    ledger: int
    life: int
    listen: Sequence[socket.socket]
    health: Sequence[socket.socket]
    place: Place
    layout: str

    def descriptors(self) -> list[int]:
        socks = [sock.fileno() for sock in (*self.listen, *self.health)]
        return [self.admin.fileno(), self.door.fileno(), self.ledger, self.life, *socks]


def address(data_port: tuple[str, int]) -> str:
    """The meeting place of the generations that serve this address."""
    return f"\0{MAGIC} [{data_port[0]}]:{data_port[1]}"


def open_door(data_port: tuple[str, int]) -> socket.socket | None:
    """The listening end; None where there are no abstract names. Raises OSError if it is taken."""
    if sys.platform != "linux":
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.bind(address(data_port))
        sock.listen(16)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


# ---- the running one


class Door:
    """Where successors come in, one at a time; never waits. `open` says whether one may."""

    def __init__(self, listener: socket.socket, estate: Callable[[], Estate], say: Say) -> None:
        self.listener = listener
        self.open = True
        self._estate = estate
        self._say = say
        self._visitor: socket.socket | None = None
        self._awaited = ""
        self._until = 0.0

    def watched(self) -> list[socket.socket]:
        """Sockets for whose input `look` is to be called."""
        if self._visitor is not None:
            return [self._visitor]
        return [self.listener] if self.open else []

    def look(self, now: float) -> bool:
        """Does the next step, if there is one; true once a successor has committed."""
        if self._visitor is None:
            if self.open:
                self._let_in(now)
            return False
        try:
            said = _read(self._visitor)
            if said is not None:
                return self._answer(self._visitor, said)
            if now > self._until:
                raise Refused(f"it was not ready within {READY_WITHIN:.0f} s")
        except (Refused, OSError) as error:
            self.dismiss(str(error))
        return False

    def _let_in(self, now: float) -> None:
        with suppress(OSError):
            self._visitor, _ = self.listener.accept()
            self._visitor.setblocking(False)
            self._awaited, self._until = "hello", now + READY_WITHIN

    def _answer(self, visitor: socket.socket, said: dict[str, Any]) -> bool:
        if self._awaited not in said:
            raise Refused(f"{self._awaited} was awaited, not {', '.join(said)}")
        if self._awaited == "hello":
            self._offer(visitor, said["hello"])
            self._awaited = "ready"
        elif self._awaited == "ready":
            _send(visitor, go={})
            self._awaited = "commit"
        else:
            self._leave()
            return True
        return False

    def _offer(self, visitor: socket.socket, hello: object) -> None:
        if (uid := _peer_uid(visitor)) != os.geteuid():
            raise Refused(f"user {uid} may not take over from user {os.geteuid()}")
        if not isinstance(hello, dict) or hello.get("magic") != MAGIC:
            raise Refused("it is no outrider")
        if hello.get("version") != VERSION:
            raise Refused(
                f"it speaks version {hello.get('version')} of the handover, not {VERSION}"
            )
        self._say("info", f"outrider {hello.get('outrider')} asks to take over")
        estate = self._estate()
        facts = {
            "version": VERSION,
            "outrider": __version__,
            "pid": os.getpid(),
            "layout": estate.layout,
            "place": list(estate.place),
            "listen": len(estate.listen),
            "health": len(estate.health),
        }
        _send(visitor, offer=facts)
        left = estate.descriptors()
        while left:
            socket.send_fds(visitor, [b"{}"], left[:DESCRIPTORS])
            left = left[DESCRIPTORS:]

    def dismiss(self, why: str) -> None:
        """Ends what is under way, if anything is; the visitor is told why."""
        if self._visitor is None:
            return
        with suppress(OSError):
            _send(self._visitor, no=why)
        self._leave()
        self._say("warning", f"the takeover has ended before it began: {why}; nothing has changed")

    def _leave(self) -> None:
        if self._visitor is not None:
            self._visitor.close()
            self._visitor = None

    def close(self, why: str) -> None:
        """For good."""
        self.dismiss(why)
        self.listener.close()


# ---- the new one


class Heir:
    """The new generation's end of the conversation; `estate` is what it was given."""

    def __init__(self, sock: socket.socket, estate: Estate, pid: int) -> None:
        self.estate = estate
        self.pid = pid
        """Of the running one's supervisor."""
        self.sock = sock

    def agree(self) -> None:
        """Says that all is ready, and waits for the running one's word. Raises Refused."""
        with suppress(OSError):  # it may have said no, and left
            _send(self.sock, ready={})
        try:
            _expect(self.sock, "go", monotonic() + ANSWER_WITHIN)
        except OSError as error:
            raise Refused(_GONE.format(error)) from None

    def commit(self) -> None:
        """Says that the new generation serves. If nobody hears it, nobody needs to."""
        with suppress(OSError):
            _send(self.sock, commit={})
        self.sock.close()


_GONE = "the running one ended the conversation ({}): see its log; if it has ended, start again"


def claim(data_port: tuple[str, int], layout: str, patience: float, say: Say) -> Heir | None:
    """Asks the running generation for its estate; None if none runs at this address.

    Waits `patience` seconds at most for one that is busy with another handover. Raises Refused.
    """
    if sys.platform != "linux":
        raise Refused("--takeover needs Linux: end the running one, then start this one without it")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(address(data_port))
    except ConnectionRefusedError:
        sock.close()
        return None
    except OSError as error:
        sock.close()
        raise Refused(f"the running one cannot be reached: {error}") from None
    try:
        return _converse(sock, layout, patience, say)
    except (Refused, OSError) as error:
        sock.close()
        raise error if isinstance(error, Refused) else Refused(_GONE.format(error)) from None


def _converse(sock: socket.socket, layout: str, patience: float, say: Say) -> Heir:
    if (uid := _peer_uid(sock)) != os.geteuid():
        raise Refused(f"it is user {uid} who listens there: start this one as that user")
    sock.setblocking(False)
    hello = {"magic": MAGIC, "version": VERSION, "outrider": __version__, "pid": os.getpid()}
    _send(sock, hello=hello)
    if not select.select([sock], [], [], TELL_AFTER)[0]:
        say("info", "waiting for the running one: its own takeover has not ended yet")
    offer = _expect(sock, "offer", monotonic() + patience)
    if offer.get("version") != VERSION or offer.get("layout") != layout:
        raise Refused(
            f"the running one (outrider {offer.get('outrider')}) counts in another form than this "
            f"one ({__version__}): the versions or metrics.buckets differ. End it with SIGTERM, "
            "then start this one without --takeover; counts begin anew"
        )
    descriptors = _receive(sock, 4 + offer["listen"] + offer["health"])
    admin, door, ledger, life, *ports = descriptors
    socks = [socket.socket(fileno=fd) for fd in (admin, door, *ports)]
    listen = offer["listen"]
    place = Place(*offer["place"])
    estate = Estate(
        socks[0], socks[1], ledger, life, socks[2 : 2 + listen], socks[2 + listen :], place, layout
    )
    return Heir(sock, estate, offer["pid"])


def _receive(sock: socket.socket, count: int) -> list[int]:
    found: list[int] = []
    until = monotonic() + ANSWER_WITHIN
    while len(found) < count:
        _await(sock, until)
        _, got, flags, _ = socket.recv_fds(sock, LONGEST, DESCRIPTORS)
        found += got
        if not got or flags & socket.MSG_CTRUNC:
            raise Refused("not all descriptors came: is the limit of open files (ulimit -n) low?")
    for fd in found:
        os.set_inheritable(fd, False)
    return found


def _expect(sock: socket.socket, what: str, until: float) -> dict[str, Any]:
    """The packet `what`'s content. Raises Refused if another comes, or none."""
    _await(sock, until)
    said = _read(sock)
    if said is not None and isinstance(said.get(what), dict):
        content: dict[str, Any] = said[what]
        return content
    why = said.get("no") if said else None
    raise Refused(f"the running one refuses: {why}" if why else f"the running one said {said}")


def _await(sock: socket.socket, until: float) -> None:
    if not select.select([sock], [], [], max(until - monotonic(), 0.0))[0]:
        raise Refused(
            "the running one does not answer: it has another takeover under way, or hangs; "
            "try again, or end it with SIGTERM and start this one without --takeover"
        )


# ---- both


def _send(sock: socket.socket, **packet: object) -> None:
    sock.send(json.dumps(packet).encode())


def _read(sock: socket.socket) -> dict[str, Any] | None:
    """The next packet; None if there is none yet. Raises Refused if there will be none."""
    try:
        data = sock.recv(LONGEST)
    except BlockingIOError:
        return None
    if not data:
        raise Refused("the other one has left: see its log")
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Refused(f"what came is no packet of this protocol: {data[:40]!r}")
    return said


def _peer_uid(sock: socket.socket) -> int:
    _, uid, _ = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)
