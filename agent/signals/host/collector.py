"""The host's figures as Prometheus families."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from agent.signals.catalog import Spec
from agent.signals.host import catalog
from agent.signals.host.gpu import Gpu, Gpus
from agent.signals.host.machine import Machine
from agent.signals.host.model_process import ModelProcess
from agent.signals.host.sampler import Host, Sample
from agent.signals.host.shares import cpu_shares
from agent.signals.metrics import counter, gauge

_Values = dict[tuple[str, ...], float]


class HostCollector:
    """Families of what is known at the moment; what is not known has none."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def collect(self) -> Iterator[Metric]:
        """Families of this moment, without those that have no sample."""
        yield from (family for family in self._families() if family.samples)

    def _families(self) -> Iterator[Metric]:
        before, last = self._host.samples()
        if last is not None:
            shares = cpu_shares(before.machine, last.machine) if before else {}
            yield gauge(catalog.CPU_UTILIZATION, {(mode,): n for mode, n in shares.items()})
            yield from _machine(last.machine)
            yield from _groups(last)
            if last.model is not None:
                yield from _model(last.model)
        files = self._host.artifact()
        if files is not None:
            yield gauge(catalog.ARTIFACT_SIZE, {(): files.size})
            yield gauge(catalog.ARTIFACT_MODIFIED, {(): files.modified})
        gpus = self._host.gpus()
        if gpus is not None:
            yield from _gpus(gpus)


def _machine(one: Machine) -> Iterator[Metric]:
    yield counter(catalog.CPU_TIME, {(mode,): seconds for mode, seconds in one.cpu.items()})
    yield gauge(catalog.CPUS, {(): one.cpus})
    yield gauge(catalog.MEMORY, {(state,): size for state, size in one.memory.items()})
    yield gauge(catalog.MEMORY_LIMIT, {(): one.memory_total})
    yield gauge(catalog.MEMORY_AVAILABLE, {(): one.memory_available})
    if one.disks is not None:
        yield counter(catalog.DISK_IO, {("read",): one.disks[0], ("write",): one.disks[1]})
    usage: _Values = {}
    for space in one.file_systems:
        usage[(space.path, "used")] = space.used
        usage[(space.path, "free")] = space.free
        usage[(space.path, "reserved")] = max(0, space.total - space.used - space.free)
    yield gauge(catalog.FILE_SYSTEM, usage)
    yield gauge(catalog.FILE_SYSTEM_LIMIT, {(s.path,): s.total for s in one.file_systems})
    io: _Values = {}
    errors: _Values = {}
    dropped: _Values = {}
    for link in one.interfaces:
        receive, transmit = (link.name, "receive"), (link.name, "transmit")
        io |= {receive: link.received, transmit: link.sent}
        errors |= {receive: link.received_errors, transmit: link.sent_errors}
        dropped |= {receive: link.received_dropped, transmit: link.sent_dropped}
    yield counter(catalog.NETWORK_IO, io)
    yield counter(catalog.NETWORK_ERRORS, errors)
    yield counter(catalog.NETWORK_DROPPED, dropped)


def _groups(sample: Sample) -> Iterator[Metric]:
    groups = {"outrider": sample.own, "model": sample.model_cgroup}
    known = {name: group for name, group in groups.items() if group is not None}
    for spec, field in _GROUP:
        values: _Values = {
            (name,): value
            for name, group in known.items()
            if (value := getattr(group, field)) is not None
        }
        yield (counter if spec.kind == "counter" else gauge)(spec, values)
    io: _Values = {}
    for name, group in known.items():
        if group.read_bytes is not None and group.written_bytes is not None:
            io |= {(name, "read"): group.read_bytes, (name, "write"): group.written_bytes}
    yield counter(catalog.CONTAINER_DISK, io)


_GROUP = (
    (catalog.CONTAINER_CPU, "cpu_seconds"),
    (catalog.CONTAINER_CPU_LIMIT, "cpu_limit"),
    (catalog.PERIODS, "periods"),
    (catalog.THROTTLED_PERIODS, "throttled_periods"),
    (catalog.THROTTLED_TIME, "throttled_seconds"),
    (catalog.CONTAINER_MEMORY, "memory"),
    (catalog.WORKING_SET, "working_set"),
    (catalog.CONTAINER_MEMORY_LIMIT, "memory_limit"),
    (catalog.OOM_KILLS, "oom_kills"),
)
"""Which field of a `Cgroup` each is."""


def _model(one: ModelProcess) -> Iterator[Metric]:
    yield counter(catalog.MODEL_CPU, {(): one.cpu_seconds})
    yield gauge(catalog.MODEL_MEMORY, {(): one.memory})
    if one.open_files is not None:
        yield gauge(catalog.MODEL_FILES, {(): one.open_files})
    yield gauge(catalog.MODEL_THREADS, {(): one.threads})
    yield gauge(catalog.MODEL_PROCESSES, {(): one.processes})
    yield gauge(catalog.MODEL_START, {(): one.started})


def _gpus(found: Gpus) -> Iterator[Metric]:
    for spec, field in _GPU:
        values: _Values = {
            _hardware(gpu): value
            for gpu in found.gpus
            if (value := getattr(gpu, field)) is not None
        }
        yield (counter if spec.kind == "counter" else gauge)(spec, values)
    errors: _Values = {}
    for gpu in found.gpus:
        for kind, count in (("corrected", gpu.corrected), ("uncorrected", gpu.uncorrected)):
            if count is not None:
                errors[(kind, *_hardware(gpu))] = count
    yield counter(catalog.ERRORS, errors)
    memory = {(g.id,): g.model_memory for g in found.gpus if g.model_memory is not None}
    yield gauge(catalog.MODEL_GPU_MEMORY, memory)


_GPU: tuple[tuple[Spec, str], ...] = (
    (catalog.GPU_UTILIZATION, "utilization"),
    (catalog.GPU_MEMORY, "memory_used"),
    (catalog.GPU_MEMORY_LIMIT, "memory_limit"),
    (catalog.POWER, "power"),
    (catalog.ENERGY, "energy"),
    (catalog.TEMPERATURE, "temperature"),
)


def _hardware(gpu: Gpu) -> tuple[str, ...]:
    return gpu.id, gpu.name, "gpu"
