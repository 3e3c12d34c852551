"""One exchange again and again, as both ends see it."""

from __future__ import annotations

from collections.abc import Callable

from tests.origin import RawOrigin
from tests.wire import Message, Stream, request, response

CHANGING = {b"x-request-id", b"date"}
GET = request(b"GET", b"/known-get")
POST = request(b"POST", b"/known-post", body=b"body")
OK = response(b"ok", b"X-Known: 1")


def plain(message: Message) -> tuple[object, ...]:
    """What must be the same each time."""
    fields = [(k, v) for k, v in message.fields if k.lower() not in CHANGING]
    interim = [plain(one) for one in message.interim]
    return message.start, fields, message.body, message.trailers, message.framing, interim


def ask(client: Stream, origin: RawOrigin, sent: bytes, answer: bytes) -> tuple[object, ...]:
    """One exchange as both ends saw it."""
    client.send(sent)
    seen = origin.serve(answer)
    return plain(seen), plain(client.response(seen.method))


def same_thrice(
    client: Stream, origin: RawOrigin, sent: bytes, answer: bytes
) -> tuple[object, ...]:
    first, *others = [ask(client, origin, sent, answer) for _ in range(3)]
    assert others == [first, first]
    return first


def read_by_now(connect: Callable[[], Stream], origin: RawOrigin) -> None:
    """Returns once the worker has read all that was sent to it before.

    It is one thread: what came on another connection and was answered came later.
    """
    other = connect()
    other.send(request(b"GET", b"/read-by-now"))
    assert origin.serve().target == b"/read-by-now"
    assert other.response().status == 200
