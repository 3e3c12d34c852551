"""What a supervisor holds of the generations before and after its own; see `takeover`."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Sequence
from time import monotonic

from agent.ledger import Ledger
from agent.supervision.sockets import Ports
from agent.supervision.takeover import Door, Estate, Heir, Say, open_door


class Succession:
    """One generation's place between two others.

    It `waits` until it has taken over, if it is to; from then on the generation before it ends,
    and when nobody of that one is left the next may come.
    """

    def __init__(self, heir: Heir | None, ports: Ports, ledger: Ledger, say: Say) -> None:
        self._heir = heir
        self._ports = ports
        self._ledger = ledger
        self._say = say
        self._before: Estate | None = None
        self._life = os.pipe()
        self._door = self._open(heir)

    def _open(self, heir: Heir | None) -> Door | None:
        try:
            sock = heir.estate.door if heir else open_door(self._ports.data_port)
        except OSError as error:
            self._say("warning", f"nobody will be able to take over (--takeover): {error}")
            return None
        if sock is None:
            return None
        door = Door(sock, self._estate, self._say)
        door.open = heir is None
        return door

    def _estate(self) -> Estate:
        assert self._door is not None
        ports, ledger = self._ports, self._ledger
        return Estate(
            admin=ports.admin,
            door=self._door.listener,
            ledger=ledger.fd,
            life=self._life[0],
            listen=ports.listen,
            health=ports.health,
            place=ledger.place,
            layout=ledger.layout.digest,
        )

    @property
    def waits(self) -> bool:
        """It has not taken over yet."""
        return self._heir is not None

    def watched(self) -> Sequence[socket.socket | int]:
        """What may be read when there is something to do."""
        door = self._door.watched() if self._door else []
        return [*door, *([self._before.life] if self._before else [])]

    def agree(self) -> None:
        """All are ready: they may serve once this returns. Raises Refused."""
        assert self._heir is not None
        self._heir.agree()

    def commit(self) -> None:
        """All have been told to serve: the generation before is to end."""
        assert self._heir is not None
        self._heir.commit()
        self._say(
            "info", f"outrider has taken over from process {self._heir.pid}, which ends by itself"
        )
        self._before, self._heir = self._heir.estate, None

    def look(self) -> bool:
        """Does what is to be done, without waiting; true once a successor has taken over."""
        before = self._before
        if before is not None and select.select([before.life], [], [], 0)[0]:
            os.close(before.life)
            self._ledger.settle(before.place)
            self._before = None
            if self._door is not None:
                self._door.open = True
        return self._door is not None and self._door.look(monotonic())

    def end(self) -> None:
        """This generation is told to end: nobody is let in, and it takes nothing over."""
        if self._door is not None:
            self._door.close("the running one is told to end")
            self._door = None
        if self._heir is not None:
            self._heir.sock.close()

    def let_go(self) -> None:
        """In a child: all is closed but the end of the life line that says that it lives."""
        os.close(self._life[0])
        if self._before is not None:
            os.close(self._before.life)
        if self._heir is not None:
            os.close(self._heir.estate.life)
            self._heir.sock.close()
        if self._door is not None:
            for sock in {self._door.listener, *self._door.watched()}:
                sock.close()
