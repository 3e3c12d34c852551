"""Figures of NVIDIA GPUs by NVML: utilisation, memory, power, temperature, ECC errors.

Rule: whatever NVML refuses is absent, each figure by itself: no library, no driver, no permission,
a GPU that is lost, a part of a GPU (MIG), which has memory of its own and nothing else that NVML
tells. A call may take seconds or never come back, so all are made in one thread, one at a time.

Theory. NVML keeps utilisation in samples some hundred milliseconds apart, for about the last
quarter of a minute: their mean since the last look is the GPU's busy share of that time, where the
plain figure would be that of its last moment. Busy seconds are that share times the time.

Processes are told by the pids of the machine; those of a container with pids of its own match none,
and then nothing is said of them.

Source: NVML API Reference Guide; nvidia-ml-py is its binding.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

MOST = 64
"""GPUs and parts of GPUs that are shown."""
LONGEST_GAP = 120.0
"""Seconds between two looks for which busy time is counted: longer, and we were not there."""
LIBRARY = "libnvidia-ml.so.1"
_MIG = 1
_VERSIONS = ("_v3", "_v2")
"""Of a call that older drivers know by another layout."""
_GONE = ("NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_RESET_REQUIRED")
_AWAY = (
    "NVML_ERROR_UNINITIALIZED",
    "NVML_ERROR_DRIVER_NOT_LOADED",
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
)


class Gpu(NamedTuple):
    """One GPU, or one part of it, at one moment; None is what NVML does not tell."""

    id: str
    """NVML's UUID, which stays over restarts."""
    name: str
    utilization: float | None = None
    """Share of the time since the last look in which it computed."""
    memory_used: int | None = None
    memory_limit: int | None = None
    power: float | None = None
    """Watts."""
    energy: float | None = None
    """Joules since the driver was loaded."""
    temperature: float | None = None
    """Degrees Celsius."""
    corrected: int | None = None
    """ECC errors since the driver was loaded."""
    uncorrected: int | None = None
    model_memory: int | None = None
    """Bytes of the model server's processes; None where none of them is known to be on it."""


class Gpus(NamedTuple):
    """All of them."""

    gpus: tuple[Gpu, ...]
    busy_seconds: float | None
    """Summed over those that the model server is on, or over all where that is not known; only
    rises. None where no GPU tells its utilisation."""


def load() -> Any | None:
    """NVML's binding; None where the library is not installed. Then nothing of it is imported."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    return importlib.import_module("pynvml")


class GpuReader:
    """Reads all GPUs again and again. `nvml` is the module pynvml."""

    def __init__(self, nvml: Any, pids: Callable[[], Iterable[int]], log: logging.Logger) -> None:
        self._nvml = nvml
        self._pids = pids
        self._log = log
        self._ready = False
        self._told = ""
        self._looked: float | None = None
        self._sampled: dict[str, int] = {}
        """Time of the last utilisation sample by GPU, as NVML gives it."""
        self._busy: float | None = None

    def look(self, now: float) -> Gpus | None:
        """The figures of this moment, None without any; `now` in seconds of any clock. Blocks."""
        try:
            found = tuple(self._all())
        except self._nvml.NVMLError as error:
            self._ready = self._ready and not self._is(error, _AWAY)
            self._tell(error)
            return None
        passed = now - self._looked if self._looked is not None else 0.0
        self._looked = now
        self._count(found, passed)
        return Gpus(found, self._busy) if found else None

    def _count(self, found: tuple[Gpu, ...], passed: float) -> None:
        shares = [gpu.utilization for gpu in found if gpu.model_memory is not None] or [
            gpu.utilization for gpu in found
        ]
        known = [share for share in shares if share is not None]
        if known:
            used = passed if passed <= LONGEST_GAP else 0.0
            self._busy = (self._busy or 0.0) + sum(known) * used

    def _all(self) -> Iterator[Gpu]:
        nvml = self._nvml
        if not self._ready:
            nvml.nvmlInit()
            self._ready = True
        pids = frozenset(self._pids())
        shown = 0
        for index in range(nvml.nvmlDeviceGetCount()):
            for gpu in self._of(index, pids):
                if shown < MOST:
                    yield gpu
                shown += 1

    def _of(self, index: int, pids: frozenset[int]) -> Iterator[Gpu]:
        """The GPU, and its parts if it is cut into such; nothing of one that is lost."""
        nvml = self._nvml
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            parts = [self._gpu(part, pids, whole=False) for part in self._parts(handle)]
            gpu = self._gpu(handle, pids)
            if parts:  # whose memory is the GPU's: it counts once
                gpu = gpu._replace(memory_used=None, memory_limit=None, model_memory=None)
            yield gpu
            yield from parts
        except nvml.NVMLError as error:
            if self._is(error, _AWAY):
                raise
            self._tell(error)

    def _parts(self, handle: Any) -> Iterator[Any]:
        mode = self._ask("nvmlDeviceGetMigMode", handle)
        if not mode or mode[0] != _MIG:
            return
        for part in range(self._ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
            found = self._ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, part)
            if found is not None:
                yield found

    def _gpu(self, handle: Any, pids: frozenset[int], whole: bool = True) -> Gpu:
        nvml, ask = self._nvml, self._ask
        id_ = str(nvml.nvmlDeviceGetUUID(handle))
        memory = ask("nvmlDeviceGetMemoryInfo", handle)
        gpu = Gpu(
            id=id_,
            name=str(ask("nvmlDeviceGetName", handle) or ""),
            memory_used=memory and int(memory.used),
            memory_limit=memory and int(memory.total),
            model_memory=self._model_memory(handle, pids),
        )
        if not whole:
            return gpu
        kinds = nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED
        ecc = [ask("nvmlDeviceGetTotalEccErrors", handle, k, nvml.NVML_VOLATILE_ECC) for k in kinds]
        return gpu._replace(
            utilization=self._utilization(handle, id_),
            power=_divided(ask("nvmlDeviceGetPowerUsage", handle), 1e3),
            energy=_divided(ask("nvmlDeviceGetTotalEnergyConsumption", handle), 1e3),
            temperature=_divided(
                ask("nvmlDeviceGetTemperature", handle, nvml.NVML_TEMPERATURE_GPU), 1
            ),
            corrected=ecc[0],
            uncorrected=ecc[1],
        )

    def _utilization(self, handle: Any, id_: str) -> float | None:
        last = self._sampled.get(id_, 0)
        got = self._ask(
            "nvmlDeviceGetSamples", handle, self._nvml.NVML_GPU_UTILIZATION_SAMPLES, last
        )
        new = [one for one in got[1] if one.timeStamp > last] if got else []
        if new:
            self._sampled[id_] = max(one.timeStamp for one in new)
            mean = sum(one.sampleValue.uiVal for one in new) / len(new)
            if 0 <= mean <= 100:
                return float(mean / 100)
        rates = self._ask("nvmlDeviceGetUtilizationRates", handle)
        return _divided(rates and rates.gpu, 100)

    def _model_memory(self, handle: Any, pids: frozenset[int]) -> int | None:
        """Bytes; a process that computes and draws is in both lists and counts once."""
        found: dict[int, int] = {}
        if not pids:
            return None
        for kind in ("Compute", "Graphics"):
            for process in self._processes(handle, kind):
                used = int(process.usedGpuMemory or 0)
                if process.pid in pids:
                    found[process.pid] = max(found.get(process.pid, 0), used)
        return sum(found.values()) if found else None

    def _processes(self, handle: Any, kind: str) -> Iterable[Any]:
        for version in _VERSIONS:
            found = self._ask(f"nvmlDeviceGet{kind}RunningProcesses{version}", handle)
            if found is not None:
                return list(found)
        return ()

    def _ask(self, name: str, *arguments: Any) -> Any:
        """What NVML answers; None if it does not. Raises its error where the GPU or all is gone."""
        nvml = self._nvml
        call = getattr(nvml, name, None)
        if call is None:
            return None
        try:
            return call(*arguments)
        except nvml.NVMLError as error:
            if self._is(error, (*_GONE, *_AWAY)):
                raise
            return None

    def _is(self, error: Any, names: Iterable[str]) -> bool:
        return any(getattr(self._nvml, name, None) == error.value for name in names)

    def _tell(self, error: Any) -> None:
        if str(error) != self._told:
            self._told = str(error)
            self._log.debug(f"no figures of a GPU: {error}")


def _divided(value: Any, by: float) -> float | None:
    return None if value is None else float(value) / by
