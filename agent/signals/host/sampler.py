"""The host's figures, sampled beside the traffic.

Rule: sampled in threads, as each may block: one for the machine and the processes, one for the
GPUs, which ends where there are none, one for the model's files. Whoever reads gets the last
sample, or nothing once that is too old to be true.

Cost, of one core: 0.06 % at the default of 10 s among 300 processes (`python -m bench.host`).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from agent.settings.units import Upstream
from agent.signals.host import artifact, cgroup, gpu, machine, upstream
from agent.signals.host.artifact import Artifact, Unreadable
from agent.signals.host.cgroup import Cgroup, Place
from agent.signals.host.gpu import GpuReader, Gpus
from agent.signals.host.machine import Machine
from agent.signals.host.model_process import ModelProcess, ModelProcesses
from agent.signals.host.periodic import Periodic
from agent.signals.host.upstream import Pids

OLD = 3.0
"""Intervals after which a sample is no more shown."""
SECOND = 1.0
"""Seconds at most from the first sample to the second, from which there are shares of time."""


class Sample(NamedTuple):
    """What was seen at one moment."""

    at: float
    """Seconds of the monotonic clock."""
    machine: Machine
    own: Cgroup | None
    model: ModelProcess | None
    model_cgroup: Cgroup | None


class Host:
    """Samples every `every` seconds once started; infinity: the model's files alone.

    `ours` gives the pids of Outrider's own processes, `paths` are on the file systems that matter,
    `model_path` is where the model's files are.
    """

    def __init__(
        self,
        target: Upstream,
        *,
        every: float,
        ours: Pids,
        paths: tuple[str, ...],
        model_path: str | None,
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every = every
        self._paths = paths
        self._model_path = model_path
        self._log = log
        self._clock = clock
        self._processes = ModelProcesses(partial(upstream.find, target, ours), log)
        self._place = cgroup.place()
        self._model_place: tuple[int, Place] | None = None
        self._samples: tuple[Sample | None, Sample | None] = (None, None)
        """The last but one and the last."""
        self._gpus: tuple[float, Gpus] | None = None
        self._reader: GpuReader | None = None
        self._artifact: tuple[float, Artifact] | None = None
        self._artifact_pause = artifact.EVERY
        self._missing = ""
        self._threads: list[Periodic] = []
        if not math.isinf(every):
            self._threads.append(Periodic("host figures", self._look, every, log))
            self._threads.append(Periodic("GPU figures", self._look_gpus, every, log))
        if model_path is not None:
            self._threads.append(Periodic("model files", self._look_files, artifact.EVERY, log))

    def start(self) -> None:
        """Begins to sample."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends; the last sample is shown until it is old."""
        for thread in self._threads:
            thread.stop()

    def look(self) -> None:
        """Looks at all of it once, in this thread, which may take long."""
        self._look()
        self._look_gpus()
        if self._model_path is not None:
            self._look_files()

    # ---- what is known now

    def samples(self) -> tuple[Sample | None, Sample | None]:
        """The last but one and the last; Nones where there is none, or none that is fresh."""
        before, last = self._samples
        if last is None or not self._fresh(last.at, self._every):
            return None, None
        return before, last

    def gpus(self) -> Gpus | None:
        """None where there are none."""
        known = self._gpus
        return known[1] if known and self._fresh(known[0], self._every) else None

    def artifact(self) -> Artifact | None:
        """None where `model.path` is not set, or cannot be read."""
        known = self._artifact
        return known[1] if known and self._fresh(known[0], self._artifact_pause) else None

    def cpu_seconds(self) -> float | None:
        """Of the model server's processes since they started, as of the last sample; None where
        that is not known. Less than before: it is another server by now."""
        last = self.samples()[1]
        return last.model.own_cpu_seconds if last and last.model else None

    def gpu_seconds(self) -> float | None:
        """In which GPUs computed, summed over those that the model server is on, or over all where
        that is not known; None without any."""
        gpus = self.gpus()
        return gpus.busy_seconds if gpus else None

    def caveats(self) -> list[str]:
        """What people should know: that the model's files are not to be read."""
        return [self._missing] if self._missing else []

    def _fresh(self, at: float, every: float) -> bool:
        return self._clock() - at <= OLD * every + SECOND

    # ---- in threads

    def _look(self) -> float:
        now = self._clock()
        model = self._processes.look(now)
        sample = Sample(
            at=now,
            machine=machine.sample(self._paths),
            own=cgroup.sample(self._place),
            model=model,
            model_cgroup=self._cgroup_of(model) if model else None,
        )
        first = self._samples[1] is None
        self._samples = self._samples[1], sample
        return min(SECOND, self._every) if first else self._every

    def _cgroup_of(self, model: ModelProcess) -> Cgroup | None:
        pid = model.pids[0]
        if self._model_place is None or self._model_place[0] != pid:
            self._model_place = pid, cgroup.place_of_other(pid)
        return cgroup.sample(self._model_place[1])

    def _look_gpus(self) -> float | None:
        if self._reader is None:
            nvml = gpu.load()
            if nvml is None:
                return None
            self._reader = GpuReader(nvml, self._pids, self._log)
        found = self._reader.look(self._clock())
        self._gpus = (self._clock(), found) if found else None
        return self._every

    def _pids(self) -> tuple[int, ...]:
        last = self._samples[1]
        return last.model.pids if last and last.model else ()

    def _look_files(self) -> float:
        assert self._model_path is not None
        began, spent = time.monotonic(), time.thread_time()
        missing = ""
        try:
            found = artifact.look(self._model_path)
            self._artifact = self._clock(), found
        except Unreadable as error:
            self._artifact = None
            missing = f"model.path: no size and change time of the model: {error}"
        if missing and missing != self._missing:
            self._log.warning(missing)
        elif self._missing and not missing:
            self._log.info(f"model.path: the model at {self._model_path} is there")
        self._missing = missing
        busy = max(time.thread_time() - spent, (time.monotonic() - began) / 10)
        self._artifact_pause = max(artifact.EVERY, busy / artifact.SHARE)
        return self._artifact_pause
