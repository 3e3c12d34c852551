"""What the supervisor tells its children, by signal: SIGTERM, to drain and end, and these.

Rule: nothing but that, so that both sides of the fork can know it.
"""

from __future__ import annotations

import signal

QUICK_STOP = signal.SIGUSR1
"""As SIGTERM, but without the delay that is for load balancers: somebody pressed Ctrl-C."""

SWITCH = signal.SIGUSR2
"""One that was started to take over, and waits, begins to take connections; one that takes them
stops at once, for its successor has the same sockets: see `agent.supervision.takeover`."""

ALL = frozenset({signal.SIGTERM, QUICK_STOP, SWITCH})


def hear() -> None:
    """In a child, once it has its handlers: what it was told meanwhile comes now.

    Until then it would die of it, and with it what waits for it in its sockets.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ALL)
