"""A stand-in for the module pynvml: the same functions, over GPUs that a test sets up.

There is no GPU where these tests run; `python -m agent.signals.host` shows a real one.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pynvml


class Nvml:
    """`gpus` are plain dicts; a value that is an error's number is raised by whoever asks."""

    NVMLError = pynvml.NVMLError
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    NVML_VOLATILE_ECC = pynvml.NVML_VOLATILE_ECC
    NVML_GPU_UTILIZATION_SAMPLES = pynvml.NVML_GPU_UTILIZATION_SAMPLES
    NVML_MEMORY_ERROR_TYPE_CORRECTED = pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED
    NVML_MEMORY_ERROR_TYPE_UNCORRECTED = pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED
    NVML_ERROR_GPU_IS_LOST = pynvml.NVML_ERROR_GPU_IS_LOST
    NVML_ERROR_RESET_REQUIRED = pynvml.NVML_ERROR_RESET_REQUIRED
    NVML_ERROR_UNINITIALIZED = pynvml.NVML_ERROR_UNINITIALIZED
    NVML_ERROR_DRIVER_NOT_LOADED = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    NVML_ERROR_LIB_RM_VERSION_MISMATCH = pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH

    def __init__(self, *gpus: dict[str, Any]) -> None:
        self.gpus = list(gpus)
        self.init: int | None = None
        self.inits = 0

    def nvmlInit(self) -> None:
        self.inits += 1
        if self.init is not None:
            raise pynvml.NVMLError(self.init)

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:
        return _told(self.gpus[index].get("handle", self.gpus[index]))

    def nvmlDeviceGetUUID(self, gpu: Any) -> str:
        return _told(gpu["uuid"])

    def nvmlDeviceGetName(self, gpu: Any) -> str:
        return _told(gpu.get("name", "NVIDIA T4"))

    def nvmlDeviceGetMemoryInfo(self, gpu: Any) -> Any:
        used, total = _told(gpu.get("memory", (4 << 30, 16 << 30)))
        return SimpleNamespace(used=used, total=total, free=total - used)

    def nvmlDeviceGetUtilizationRates(self, gpu: Any) -> Any:
        return SimpleNamespace(gpu=_told(gpu.get("rate", 50)), memory=1)

    def nvmlDeviceGetSamples(self, gpu: Any, kind: int, since: int) -> Any:
        found = _told(gpu.get("samples", []))
        made = [
            SimpleNamespace(timeStamp=at, sampleValue=SimpleNamespace(uiVal=value))
            for at, value in found
            if at > since
        ]
        if not made:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return 1, made

    def nvmlDeviceGetPowerUsage(self, gpu: Any) -> int:
        return _told(gpu.get("power", 70_500))

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: Any) -> int:
        return _told(gpu.get("energy", 9_000_000))

    def nvmlDeviceGetTemperature(self, gpu: Any, sensor: int) -> int:
        return _told(gpu.get("temperature", 61))

    def nvmlDeviceGetTotalEccErrors(self, gpu: Any, kind: int, counter: int) -> int:
        return _told(gpu.get("ecc", (3, 1)))[kind]

    def nvmlDeviceGetMigMode(self, gpu: Any) -> list[int]:
        return [int("parts" in gpu), int("parts" in gpu)]

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu: Any) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: Any, index: int) -> Any:
        if index >= len(gpu["parts"]):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return gpu["parts"][index]

    def nvmlDeviceGetComputeRunningProcesses_v3(self, gpu: Any) -> list[Any]:
        return _processes(_told(gpu.get("compute", {})))

    def nvmlDeviceGetGraphicsRunningProcesses_v3(self, gpu: Any) -> list[Any]:
        return _processes(_told(gpu.get("graphics", {})))


def _told(value: Any) -> Any:
    if isinstance(value, pynvml.NVMLError):
        raise value
    return value


def _processes(found: dict[int, int | None]) -> list[Any]:
    return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in found.items()]
