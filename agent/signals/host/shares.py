"""Shares of time between two samples, and the small view of them for people.

Rule: pure. A share that needs two samples is None while there is one.
"""

from __future__ import annotations

from typing import Any

from agent.signals.host.artifact import Artifact
from agent.signals.host.cgroup import Cgroup
from agent.signals.host.gpu import Gpus
from agent.signals.host.machine import Machine
from agent.signals.host.sampler import Host, Sample


def cpu_shares(before: Machine, last: Machine) -> dict[str, float]:
    """What all CPUs did between two samples, as shares that sum to 1; empty if no time passed."""
    spent = {mode: max(0.0, last.cpu[mode] - before.cpu.get(mode, 0.0)) for mode in last.cpu}
    total = sum(spent.values())
    return {mode: seconds / total for mode, seconds in spent.items()} if total > 0 else {}


def view(host: Host, now: float) -> dict[str, Any] | None:
    """Flat numbers for the page, by `now` since the epoch; None before the first sample.

    `of` says whose CPU and memory it is: of the model server's container where that can be seen,
    else of ours, else of the machine. CPU is the share of the limit, or of all CPUs without one.
    """
    before, last = host.samples()
    if last is None:
        return None
    return {
        **_container(before, last),
        "disk_free_bytes": min((one.free for one in last.machine.file_systems), default=None),
        **_model(before, last, now),
        **_files(host.artifact()),
        "gpus": _gpus(host.gpus()),
    }


def _container(before: Sample | None, last: Sample) -> dict[str, Any]:
    whose, group, earlier = "machine", None, None
    if last.model_cgroup is not None and last.model_cgroup.memory is not None:
        whose, group = "model", last.model_cgroup
        earlier = before.model_cgroup if before else None
    elif last.own is not None and last.own.memory is not None:
        whose, group = "outrider", last.own
        earlier = before.own if before else None
    if group is None:
        return _machine(before, last)
    limit = group.cpu_limit or float(last.machine.cpus)
    seconds = _passed(before, last)
    cpu = _difference(group, earlier, "cpu_seconds")
    throttled = _difference(group, earlier, "throttled_periods")
    periods = _difference(group, earlier, "periods")
    return {
        "of": whose,
        "cpu_ratio": _ratio(cpu, seconds and seconds * limit),
        "cpu_limit": limit,
        "memory_bytes": group.working_set if group.working_set is not None else group.memory,
        "memory_limit_bytes": group.memory_limit or last.machine.memory_total,
        "throttled_ratio": 0.0 if periods == 0 else _ratio(throttled, periods),
    }


def _machine(before: Sample | None, last: Sample) -> dict[str, Any]:
    now = last.machine
    shares = cpu_shares(before.machine, now) if before else {}
    idle = shares.get("idle", 0.0) + shares.get("iowait", 0.0)
    return {
        "of": "machine",
        "cpu_ratio": round(1 - idle, 4) if shares else None,
        "cpu_limit": float(now.cpus),
        "memory_bytes": now.memory_total - now.memory_available,
        "memory_limit_bytes": now.memory_total,
        "throttled_ratio": None,
    }


def _model(before: Sample | None, last: Sample, now: float) -> dict[str, Any]:
    model = last.model
    if model is None:
        names = ("cpu_ratio", "memory_bytes", "open_files", "threads", "age_seconds", "processes")
        return {f"model_{name}": None for name in ("process", *names)}
    earlier = before.model if before else None
    spent = model.cpu_seconds - earlier.cpu_seconds if earlier else None
    return {
        "model_process": model.name,
        "model_cpu_ratio": _ratio(spent, _passed(before, last)),
        "model_memory_bytes": model.memory,
        "model_open_files": model.open_files,
        "model_threads": model.threads,
        "model_age_seconds": round(max(0.0, now - model.started), 1),
        "model_processes": model.processes,
    }


def _files(found: Artifact | None) -> dict[str, Any]:
    return {
        "model_artifact_bytes": found.size if found else None,
        "model_artifact_modified": found.modified if found else None,
    }


def _gpus(found: Gpus | None) -> list[dict[str, Any]]:
    return [
        {
            "name": gpu.name,
            "utilization": _rounded(gpu.utilization),
            "memory_used": gpu.memory_used,
            "memory_total": gpu.memory_limit,
            "power_w": gpu.power,
            "temperature_c": gpu.temperature,
            "model_memory": gpu.model_memory,
        }
        for gpu in (found.gpus if found else ())
    ]


def _passed(before: Sample | None, last: Sample) -> float | None:
    return last.at - before.at if before else None


def _difference(group: Cgroup, earlier: Cgroup | None, field: str) -> float | None:
    """None where one is not known, or where the group is another one by now."""
    last, first = getattr(group, field), getattr(earlier, field, None)
    return last - first if last is not None and first is not None and last >= first else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return round(part / whole, 4) if part is not None and whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
