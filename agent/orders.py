"""What the supervisor tells its children, by signal; SIGTERM apart, which is the drain.

Rule: names only, so that both sides of the fork can know them.
"""

from __future__ import annotations

import signal

QUICK_STOP = signal.SIGUSR1
"""As SIGTERM, but without the delay that is for load balancers: somebody pressed Ctrl-C."""

SWITCH = signal.SIGUSR2
"""One that was started to take over, and waits, begins to take connections; one that takes them
stops at once, for its successor has the same sockets: see `agent.takeover`."""
