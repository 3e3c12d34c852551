"""GPUs by NVML: what is refused is absent, each figure by itself."""

from __future__ import annotations

import ctypes
import logging
import subprocess
import sys

import pynvml
import pytest

from agent.signals.host import gpu
from agent.signals.host.gpu import Gpu, GpuReader, Gpus
from tests.signals.host.nvml import Nvml

LOG = logging.getLogger("test")
NO = pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
LOST = pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
WHOLE = Gpu("GPU-1", "NVIDIA T4", 0.5, 4 << 30, 16 << 30, 70.5, 9000.0, 61.0, 3, 1, None)


def reader(nvml: Nvml, *pids: int) -> GpuReader:
    return GpuReader(nvml, lambda: pids, LOG)


def seen(nvml: Nvml, *pids: int) -> tuple[Gpu, ...]:
    found = reader(nvml, *pids).look(0)
    return found.gpus if found else ()


def test_all_figures() -> None:
    assert reader(Nvml({"uuid": "GPU-1"})).look(0) == Gpus((WHOLE,), 0.0)


def test_what_is_not_supported_is_absent() -> None:
    keys = ("memory", "rate", "samples", "power", "energy", "temperature", "ecc", "compute")
    nvml = Nvml({"uuid": "GPU-1", **dict.fromkeys(keys, NO)})
    assert reader(nvml, 7).look(0) == Gpus((Gpu("GPU-1", "NVIDIA T4"),), None)


@pytest.mark.parametrize("missing", ["nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetSamples"])
def test_a_binding_without_a_function(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Nvml, missing)
    assert seen(Nvml({"uuid": "GPU-1"}))[0].power == 70.5


def test_a_lost_gpu_leaves_the_others() -> None:
    nvml = Nvml({"uuid": "GPU-0", "power": LOST}, {"uuid": "GPU-1"}, {"handle": LOST})
    assert seen(nvml) == (WHOLE,)


def test_no_permission_for_a_gpu() -> None:
    refused = pynvml.NVMLError(pynvml.NVML_ERROR_NO_PERMISSION)
    assert seen(Nvml({"handle": refused}, {"uuid": "GPU-1"})) == (WHOLE,)


@pytest.mark.parametrize(
    "error",
    [
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_UNKNOWN,
    ],
)
def test_a_driver_that_cannot_be_used_is_tried_again(error: int) -> None:
    nvml = Nvml({"uuid": "GPU-1"})
    nvml.init = error
    made = reader(nvml)
    assert made.look(0) is None
    nvml.init = None
    assert made.look(10) is not None
    assert made.look(20) is not None
    assert nvml.inits == 2


def test_a_driver_that_goes_is_begun_anew() -> None:
    nvml = Nvml({"uuid": "GPU-1"})
    made = reader(nvml)
    assert made.look(0)
    nvml.gpus[0]["memory"] = pynvml.NVMLError(pynvml.NVML_ERROR_UNINITIALIZED)
    assert made.look(10) is None
    del nvml.gpus[0]["memory"]
    assert made.look(20)
    assert nvml.inits == 2


def test_no_gpus() -> None:
    assert reader(Nvml()).look(0) is None


def test_utilisation_is_the_mean_since_the_last_look() -> None:
    nvml = Nvml({"uuid": "GPU-1", "samples": [(1, 100), (2, 0)]})
    made = reader(nvml)
    assert made.look(0).gpus[0].utilization == 0.5
    nvml.gpus[0]["samples"] = [(2, 0), (3, 100), (4, 100), (5, 40), (6, 40)]
    found = made.look(10)
    assert found.gpus[0].utilization == pytest.approx(0.7)
    assert found.busy_seconds == pytest.approx(7.0)
    assert made.look(20).busy_seconds == pytest.approx(12.0), "no new samples: the plain rate"


def test_busy_seconds_are_summed_over_gpus() -> None:
    made = reader(Nvml({"uuid": "GPU-0", "rate": 100}, {"uuid": "GPU-1", "rate": 20}))
    made.look(0)
    assert made.look(10).busy_seconds == pytest.approx(12)


def test_busy_seconds_are_those_of_the_gpus_that_the_model_server_is_on() -> None:
    idle = {"uuid": "GPU-0", "rate": 100, "compute": {5: 1 << 20}}
    made = reader(Nvml(idle, {"uuid": "GPU-1", "rate": 20, "compute": {7: 1 << 30}}), 7, 8)
    made.look(0)
    found = made.look(10)
    assert found.busy_seconds == pytest.approx(2)
    assert [one.model_memory for one in found.gpus] == [None, 1 << 30]


def test_time_in_which_we_did_not_look_is_not_counted() -> None:
    made = reader(Nvml({"uuid": "GPU-1", "rate": 100}))
    made.look(0)
    assert made.look(gpu.LONGEST_GAP + 1).busy_seconds == 0


def test_a_process_that_computes_and_draws_counts_once() -> None:
    nvml = Nvml({"uuid": "GPU-1", "compute": {7: 100, 8: None}, "graphics": {7: 100, 9: 5}})
    assert seen(nvml, 7, 8)[0].model_memory == 100


def test_an_older_driver_knows_processes_by_another_call(monkeypatch: pytest.MonkeyPatch) -> None:
    call = "nvmlDeviceGetComputeRunningProcesses"
    monkeypatch.setattr(Nvml, f"{call}_v2", getattr(Nvml, f"{call}_v3"), raising=False)
    unknown = pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    def refuse(*_: object) -> None:
        raise unknown

    monkeypatch.setattr(Nvml, f"{call}_v3", refuse)
    assert seen(Nvml({"uuid": "GPU-1", "compute": {7: 100}}), 7)[0].model_memory == 100


def test_the_stand_in_has_the_bindings_functions() -> None:
    for name in [name for name in dir(Nvml) if name.startswith(("nvml", "NVML"))]:
        assert hasattr(pynvml, name), name


def test_parts_of_a_gpu_have_memory_alone_and_it_counts_once() -> None:
    parts = [
        {"uuid": "MIG-a", "name": "A100 MIG 1g.5gb", "memory": (1, 5), "compute": {7: 1}},
        {"uuid": "MIG-b", "name": "A100 MIG 1g.5gb", "memory": (2, 5)},
    ]
    nvml = Nvml({"uuid": "GPU-1", "rate": NO, "parts": parts, "memory": (3, 40)})
    whole, a, b = seen(nvml, 7)
    assert whole == WHOLE._replace(utilization=None, memory_used=None, memory_limit=None)
    assert a == Gpu("MIG-a", parts[0]["name"], memory_used=1, memory_limit=5, model_memory=1)
    assert (b.memory_used, b.model_memory) == (2, None)


def test_many_gpus_are_bounded() -> None:
    nvml = Nvml(*({"uuid": f"GPU-{n}"} for n in range(gpu.MOST + 9)))
    assert len(seen(nvml)) == gpu.MOST


def test_without_the_library_the_binding_is_not_even_loaded() -> None:
    try:
        ctypes.CDLL(gpu.LIBRARY)
    except OSError:
        pass
    else:
        assert gpu.load() is pynvml
        return
    code = (
        "import sys; from agent.signals.host import gpu, sampler; "
        "assert gpu.load() is None; assert 'pynvml' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
