"""Listening sockets: whose port it is, on which addresses, and one queue for each worker."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from agent.settings.units import Address
from agent.supervision import sockets
from agent.supervision.sockets import (
    Ports,
    PortTaken,
    listen,
    listen_local,
    open_ports,
    reserve,
    share,
    widen,
)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listening(opened: ExitStack, address: str, count: int = 1) -> list[socket.socket]:
    return [opened.enter_context(sock) for sock in listen("listen", Address(address), count)]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


def reaches(host: str, sock: socket.socket) -> bool:
    """Whether a connection to `host` lands in the queue of `sock`."""
    with socket.create_connection((host, sock.getsockname()[1]), timeout=10):
        ready = select.select([sock], [], [], 10)[0]
        if ready:
            sock.accept()[0].close()
        return bool(ready)


def test_port_0_is_one_that_the_kernel_chose_and_all_sockets_share(opened):
    socks = listening(opened, "127.0.0.1:0", 3)
    ports = {sock.getsockname()[1] for sock in socks}
    assert len(socks) == 3
    assert len(ports) == 1
    assert ports != {0}


def test_all_take_connections_at_once_and_never_block(opened):
    socks = listening(opened, "127.0.0.1:0", 2)
    for sock in socks:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        with pytest.raises(BlockingIOError):
            sock.accept()


def test_each_has_a_queue_of_its_own(opened):
    """What waits for one worker stays with it: the kernel shares connections out."""
    socks = listening(opened, "127.0.0.1:0", 2)
    where = socks[0].getsockname()
    clients = [opened.enter_context(socket.create_connection(where)) for _ in range(64)]
    accepted = [0, 0]
    for _ in clients:
        ready = select.select(socks, [], [], 10)[0]
        accepted[socks.index(ready[0])] += 1
        ready[0].accept()[0].close()
    assert all(accepted)


def test_a_taken_port_is_named_with_its_setting_and_what_to_do(opened):
    [sock] = listening(opened, "127.0.0.1:0")
    address = Address(f"127.0.0.1:{sock.getsockname()[1]}")
    with pytest.raises(PortTaken) as caught:
        listen("admin", address, 1)
    assert (caught.value.name, caught.value.address) == ("admin", address)
    text = str(caught.value)
    assert str(address) in text
    assert "--admin HOST:PORT" in text
    assert os.strerror(errno.EADDRINUSE) in text


def test_a_port_is_taken_even_if_its_owner_would_share_it(opened):
    """Somebody else's SO_REUSEPORT must not make two servers share one port's connections."""
    owner = opened.enter_context(socket.socket())
    owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    owner.bind(("127.0.0.1", 0))
    owner.listen()
    with pytest.raises(PortTaken):
        listen("listen", Address(f"127.0.0.1:{owner.getsockname()[1]}"), 1)


def test_a_port_whose_last_owner_left_connections_behind_is_free(opened):
    """TIME_WAIT of an earlier run is no reason not to start."""
    [sock] = listening(opened, "127.0.0.1:0")
    where = sock.getsockname()
    client = socket.create_connection(where)
    served = sock.accept()[0] if select.select([sock], [], [], 10)[0] else None
    assert served is not None
    served.close()  # this side ends first, and keeps the address in TIME_WAIT
    assert client.recv(1) == b""
    client.close()
    sock.close()
    listening(opened, f"127.0.0.1:{where[1]}")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_named(host):
    address = Address(f"{host}:0")
    with pytest.raises(PortTaken) as caught:
        listen("health", address, 1)
    assert str(address) in str(caught.value)
    assert "--health" in str(caught.value)


@ipv6
def test_ipv6(opened):
    [sock] = listening(opened, "[::1]:0")
    assert sock.family == socket.AF_INET6
    assert reaches("::1", sock)


def test_one_address_is_only_that(opened):
    [sock] = listening(opened, "127.0.0.1:0")
    assert sock.getsockname()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", sock.getsockname()[1]))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_no_host_is_all_addresses(opened, host):
    [sock] = listening(opened, ":0")
    assert reaches(host, sock)


def test_reserving_leaves_the_port_free():
    family, kind, where = reserve("listen", Address("127.0.0.1:0"))
    assert where[1] != 0
    with socket.socket(family, kind) as sock:
        sock.bind(where)


def test_the_bus_takes_connections_at_the_address_that_it_gives(opened):
    bus, address = listen_local()
    opened.enter_context(bus)
    with pytest.raises(BlockingIOError):
        bus.accept()
    client = opened.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(address)
    server = opened.enter_context(bus.accept()[0])
    client.sendall(b"x")
    assert server.recv(1) == b"x"


def test_each_bus_has_an_address_of_its_own(opened):
    made = [listen_local() for _ in range(3)]
    for bus, _ in made:
        opened.enter_context(bus)
    assert len({address for _, address in made}) == 3


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_nothing_stays_open_when_a_later_socket_cannot_be_bound(monkeypatch):
    bound, made = sockets._bound, []

    def fails_at_the_third(*args):
        if len(made) == 2:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        made.append(bound(*args))
        return made[-1]

    monkeypatch.setattr(sockets, "_bound", fails_at_the_third)
    before = descriptors()
    with pytest.raises(PortTaken, match="in use"):
        listen("listen", Address("127.0.0.1:0"), 3)
    assert len(made) == 2
    assert descriptors() == before


def test_nothing_stays_open_when_a_later_port_is_taken():
    before = descriptors()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Address(f"127.0.0.1:{other.getsockname()[1]}")
        free = Address("127.0.0.1:0")
        with pytest.raises(PortTaken) as error:
            open_ports(free, free, taken, 2)
    assert error.value.name == "admin"
    assert descriptors() == before


# ---- of another generation


def given(opened: ExitStack, workers: int) -> Ports:
    free = Address("127.0.0.1:0")
    ports = open_ports(free, free, free, workers)
    for sock in ports.all():
        opened.enter_context(sock)
    return ports


def at(sock: socket.socket) -> Address:
    host, port = sock.getsockname()
    return Address(f"{host}:{port}")


def test_the_sockets_of_the_running_one_are_used_where_the_address_is_the_same(opened):
    old = given(opened, 2)
    new = open_ports(at(old.listen[0]), at(old.health[0]), Address("127.0.0.1:0"), 2, old)
    opened.enter_context(new.admin)
    assert list(new.listen) == list(old.listen)
    assert list(new.health) == list(old.health)
    assert new.admin is not old.admin
    assert old.admin.fileno() == -1, "it is not ours to serve"


def test_more_workers_get_sockets_that_take_no_connection_before_they_listen(opened):
    """The kernel would give them clients at once, who would wait for nobody if we gave up."""
    old = given(opened, 1)
    new = open_ports(at(old.listen[0]), at(old.health[0]), at(old.admin), 4, old)
    for sock in new.all():
        opened.enter_context(sock)
    states = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for sock in new.listen]
    assert states == [1, 0, 0, 0]
    for _ in range(20):
        assert reaches("127.0.0.1", new.listen[0])
    new.listen[3].listen()
    assert {sock.getsockname() for sock in new.listen} == {old.listen[0].getsockname()}


@ipv6
def test_more_sockets_of_all_addresses_are_of_all_addresses(opened):
    [first] = listening(opened, ":0")
    *_, more = widen([first], 2)
    opened.enter_context(more)
    first.close()
    more.listen()
    assert reaches("127.0.0.1", more)
    assert reaches("::1", more)


@pytest.mark.parametrize(("sockets_", "workers"), [(1, 1), (3, 2), (5, 5), (5, 3)])
def test_fewer_workers_share_all_sockets(sockets_, workers):
    all_ = list(range(sockets_))
    shares = [share(all_, n, workers) for n in range(workers)]
    assert sorted(n for one in shares for n in one) == all_
    assert min(map(len, shares)) >= 1
