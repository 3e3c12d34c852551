"""Everything that has to run before the first row is sent, started in its order.

Rule: what is started here is pushed on the caller's stack at once, so that it ends in the
opposite order whatever happens next.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp

from agent.demo import rows
from agent.demo.model_server import MODEL
from agent.demo.processes import HOST, Child, ChildError, pick_port
from agent.demo.receiver import Receiver, user_has_a_collector, variables
from agent.demo.timeline import WINDOW_ROWS, WINDOW_SECONDS
from agent.demo.view import Screen

STARTING = 30.0
"""Seconds that a process may take to become ready."""
PORTS = {"model": 8000, "listen": 8900, "admin": 8901, "health": 8902, "spans": 4318}
"""The sidecar's defaults, the model server's, and OTLP's own."""
CONFIG = f"""\
drain: {{delay: 0s, grace: 2s, flush: 1s}}
drift:
  window: {{rows: {WINDOW_ROWS}, seconds: {WINDOW_SECONDS:g}s}}
"""
"""Short windows, so that there is something to see within a minute, and a quick end."""


class Stage:
    """Everything that was started: model server, sidecar, receiver and the client's session."""

    folder: Path
    session: aiohttp.ClientSession
    sidecar: Child
    receiver: Receiver | None
    ports: dict[str, int]

    @classmethod
    async def build(cls, stack: contextlib.AsyncExitStack, folder: Path, screen: Screen) -> Stage:
        """Start it all, to be ended by `stack` in the opposite order."""
        stage = cls()
        stage.folder = folder
        stage.ports = choose_ports(screen)
        stage.session = await stack.enter_async_context(aiohttp.ClientSession())
        screen.note("training a scikit-learn model on 178 wines, 13 measurements each")
        model = await stage.start_model(stack)
        await model.ready(stage.session, stage.url("model", "/healthz"), STARTING)
        screen.note(f"model server ready on {stage.url('model')}; it knows nothing of Outrider")
        await stage.build_reference()
        screen.note("reference profile built from the training rows and the model's answers")
        stage.receiver = await stage.start_receiver(stack)
        stage.sidecar = await stage.start_sidecar(stack)
        await stage.sidecar.ready(stage.session, stage.url("health", "/readyz"), STARTING)
        await stage.sidecar.ready(stage.session, stage.url("admin", "/readyz"), STARTING)
        screen.note(f"sidecar ready on {stage.url('listen')}, before it")
        screen.note(f"open {stage.url('admin', '/')} in a browser to see what it sees")
        return stage

    def url(self, port: str, path: str = "") -> str:
        """Address of a path on one of our ports."""
        return f"http://{HOST}:{self.ports[port]}{path}"

    async def start_model(self, stack: contextlib.AsyncExitStack) -> Child:
        """The model server, which trains its model at start."""
        model = await Child.start(
            "model server",
            self.folder / "model.log",
            "agent.demo.model_server",
            "--port",
            str(self.ports["model"]),
        )
        stack.push_async_callback(model.stop)
        return model

    async def build_reference(self) -> None:
        """The training rows and the model's answers to them as a profile, as a user makes it."""
        known = await asyncio.to_thread(rows.load)
        answers = await self.ask(known)
        data = self.folder / "training.csv"
        rows.write_csv(
            [{**row, **answer} for row, answer in zip(known, answers, strict=True)], data
        )
        build = await Child.start(
            "command outrider profile build",
            self.folder / "profile.log",
            "agent",
            "profile",
            "build",
            str(data),
            "-o",
            str(self.folder / "reference.json"),
            "--model",
            MODEL,
            "--outputs",
            ",".join(answers[0]),
        )
        try:
            await build.finished()
        finally:
            await build.stop()

    async def ask(self, instances: list[rows.Row]) -> list[dict[str, object]]:
        """The model's answers, straight from its server. Raises ChildError if it refuses."""
        url = self.url("model", f"/v1/models/{MODEL}:predict")
        async with self.session.post(url, json={"instances": instances}) as response:
            if response.status != 200:
                why = f"answered {response.status} to its own training rows"
                raise ChildError("model server", why, self.folder / "model.log")
            predictions: list[dict[str, object]] = (await response.json())["predictions"]
            return predictions

    async def start_receiver(self, stack: contextlib.AsyncExitStack) -> Receiver | None:
        """Somewhere for the spans to go, unless the user has that."""
        if user_has_a_collector():
            return None
        receiver = Receiver()
        await receiver.start(self.ports["spans"])
        stack.push_async_callback(receiver.stop)
        return receiver

    async def start_sidecar(self, stack: contextlib.AsyncExitStack) -> Child:
        """`outrider run`, as in the README."""
        config = self.folder / "outrider.yaml"
        config.write_text(CONFIG)
        flags = {
            "--upstream": self.url("model"),
            "--reference": str(self.folder / "reference.json"),
            "--config": str(config),
            **{f"--{name}": f"{HOST}:{self.ports[name]}" for name in ("listen", "admin", "health")},
        }
        sidecar = await Child.start(
            "sidecar",
            self.folder / "sidecar.log",
            "agent",
            "run",
            *(word for flag in flags.items() for word in flag),
            extra=variables(self.ports["spans"]) if self.receiver else {},
        )
        stack.push_async_callback(sidecar.stop)
        return sidecar


def choose_ports(screen: Screen) -> dict[str, int]:
    """The usual ports, or others where those are busy, which is said."""
    chosen: dict[str, int] = {}
    for name, usual in PORTS.items():
        chosen[name] = pick_port(usual, chosen.values())
        if chosen[name] != usual:
            screen.note(f"port {usual} is busy; taking {chosen[name]}")
    return chosen
