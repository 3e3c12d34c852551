"""What the kernel holds of a connection, as the ends of one are decided by it."""

from __future__ import annotations

import asyncio
import socket

import uvloop

from agent.proxy.closing import has_input, unsent
from tests.harness import eventually


def test_input_that_was_not_read_and_output_that_was_not_taken_are_seen():
    async def look() -> None:
        ours, theirs = pair()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        transport.pause_reading()
        assert (has_input(transport), unsent(transport)) == (False, 0)
        theirs.sendall(b"next")
        eventually(lambda: has_input(transport), "the bytes to be there")
        transport.resume_reading()
        while has_input(transport):
            await asyncio.sleep(0.001)
        transport.write(b"x" * (16 << 20))
        assert unsent(transport) > 1 << 20
        theirs.close()
        transport.abort()

    uvloop.run(look())


def pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    return ours, theirs
