"""Every metric of the host, each declared once, as in `agent.signals.catalog`.

Names and labels are OpenTelemetry's semantic conventions for system, container and hardware in
Prometheus form; what these do not know is named in their manner. The model server's process has
names of its own, as `process_*` is this process.
"""

from __future__ import annotations

from agent.signals.catalog import Spec

# ---- the machine, as the kernel shows it: in a container the one that it runs on

CPU_TIME = Spec(
    "system_cpu_time_seconds",
    "counter",
    "CPU time of the machine, summed over its CPUs, by what they did.",
    ("cpu_mode",),
    "system.cpu.time",
)
CPU_UTILIZATION = Spec(
    "system_cpu_utilization_ratio",
    "gauge",
    "The same as a share of all CPUs since the last sample; the modes sum to 1.",
    ("cpu_mode",),
    "system.cpu.utilization",
)
CPUS = Spec(
    "system_cpus",
    "gauge",
    "Logical CPUs of the machine.",
    otel="system.cpu.logical.count",
)
MEMORY = Spec(
    "system_memory_usage_bytes",
    "gauge",
    "Memory of the machine by state; the states sum to the limit.",
    ("system_memory_state",),
    "system.memory.usage",
)
MEMORY_LIMIT = Spec(
    "system_memory_limit_bytes", "gauge", "Memory of the machine.", otel="system.memory.limit"
)
MEMORY_AVAILABLE = Spec(
    "system_memory_linux_available_bytes",
    "gauge",
    "Memory that can still be given to programs without swapping.",
    otel="system.memory.linux.available",
)
DISK_IO = Spec(
    "system_disk_io_bytes",
    "counter",
    "Bytes read from and written to all disks of the machine.",
    ("disk_io_direction",),
    "system.disk.io",
)
FILE_SYSTEM = Spec(
    "system_filesystem_usage_bytes",
    "gauge",
    "Space of the file systems that Outrider uses; reserved is root's.",
    ("system_filesystem_mountpoint", "system_filesystem_state"),
    "system.filesystem.usage",
)
FILE_SYSTEM_LIMIT = Spec(
    "system_filesystem_limit_bytes",
    "gauge",
    "Size of these file systems.",
    ("system_filesystem_mountpoint",),
    "system.filesystem.limit",
)
_NETWORK = ("network_interface_name", "network_io_direction")
NETWORK_IO = Spec(
    "system_network_io_bytes",
    "counter",
    "Bytes received and sent by interface: in a pod, the pod's own.",
    _NETWORK,
    "system.network.io",
)
NETWORK_ERRORS = Spec(
    "system_network_errors", "counter", "Faulty packets.", _NETWORK, "system.network.errors"
)
NETWORK_DROPPED = Spec(
    "system_network_packet_dropped",
    "counter",
    "Packets dropped though they had no fault.",
    _NETWORK,
    "system.network.packet.dropped",
)

# ---- control groups: of this process, and of the model server where it can be seen

_WHOSE = ("cgroup",)
CONTAINER_CPU = Spec(
    "container_cpu_time_seconds",
    "counter",
    "CPU time of the control group of outrider or of the model server.",
    _WHOSE,
    "container.cpu.time",
)
CONTAINER_CPU_LIMIT = Spec(
    "container_cpu_limit_cores", "gauge", "CPU limit; absent without one.", _WHOSE
)
PERIODS = Spec("container_cpu_periods", "counter", "Periods in which a CPU limit held.", _WHOSE)
THROTTLED_PERIODS = Spec(
    "container_cpu_throttled_periods", "counter", "Those in which it stopped somebody.", _WHOSE
)
THROTTLED_TIME = Spec(
    "container_cpu_throttled_seconds",
    "counter",
    "Time that threads were stopped by the CPU limit, summed over them.",
    _WHOSE,
)
CONTAINER_MEMORY = Spec(
    "container_memory_usage_bytes",
    "gauge",
    "Memory of the control group, with its page cache.",
    _WHOSE,
    "container.memory.usage",
)
WORKING_SET = Spec(
    "container_memory_working_set_bytes",
    "gauge",
    "The same without the cache that can be given up at once.",
    _WHOSE,
    "container.memory.working_set",
)
CONTAINER_MEMORY_LIMIT = Spec(
    "container_memory_limit_bytes", "gauge", "Memory limit; absent without one.", _WHOSE
)
OOM_KILLS = Spec(
    "container_memory_oom_kills", "counter", "Processes killed at the memory limit.", _WHOSE
)
CONTAINER_DISK = Spec(
    "container_disk_io_bytes",
    "counter",
    "Bytes that the control group read from and wrote to disks.",
    ("cgroup", "disk_io_direction"),
    "container.disk.io",
)

# ---- the model server's process, where the process namespace is shared

MODEL_CPU = Spec(
    "outrider_model_process_cpu_seconds",
    "counter",
    "CPU time of the model server's processes and of their children that ended.",
)
MODEL_MEMORY = Spec(
    "outrider_model_process_memory_bytes",
    "gauge",
    "Resident memory of the model server's processes; what they share counts for each.",
)
MODEL_FILES = Spec("outrider_model_process_open_files", "gauge", "Descriptors that they have open.")
MODEL_THREADS = Spec("outrider_model_process_threads", "gauge", "Their threads.")
MODEL_PROCESSES = Spec("outrider_model_processes", "gauge", "How many they are.")
MODEL_START = Spec(
    "outrider_model_process_start_time_seconds",
    "gauge",
    "When the model server started, since the epoch.",
)
MODEL_GPU_MEMORY = Spec(
    "outrider_model_process_gpu_memory_bytes",
    "gauge",
    "GPU memory of the model server's processes.",
    ("hw_id",),
)

# ---- the model's files, where model.path says where they are

ARTIFACT_SIZE = Spec(
    "outrider_model_artifact_size_bytes", "gauge", "Size of all files at model.path."
)
ARTIFACT_MODIFIED = Spec(
    "outrider_model_artifact_modified_timestamp_seconds",
    "gauge",
    "Latest change of one of them, since the epoch.",
)

# ---- GPUs

_HARDWARE = ("hw_id", "hw_name", "hw_type")
GPU_UTILIZATION = Spec(
    "hw_gpu_utilization_ratio",
    "gauge",
    "Share of the time since the last sample in which the GPU computed.",
    _HARDWARE,
    "hw.gpu.utilization",
)
GPU_MEMORY = Spec(
    "hw_gpu_memory_usage_bytes", "gauge", "GPU memory in use.", _HARDWARE, "hw.gpu.memory.usage"
)
GPU_MEMORY_LIMIT = Spec(
    "hw_gpu_memory_limit_bytes", "gauge", "Size of it.", _HARDWARE, "hw.gpu.memory.limit"
)
POWER = Spec("hw_power_watts", "gauge", "Power that the GPU draws.", _HARDWARE, "hw.power")
ENERGY = Spec(
    "hw_energy_joules", "counter", "Energy since the driver was loaded.", _HARDWARE, "hw.energy"
)
TEMPERATURE = Spec(
    "hw_temperature_celsius", "gauge", "Temperature of the GPU.", _HARDWARE, "hw.temperature"
)
ERRORS = Spec(
    "hw_errors",
    "counter",
    "ECC errors of the GPU since the driver was loaded.",
    ("error_type", *_HARDWARE),
    "hw.errors",
)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Spec))
BY_NAME = {spec.name: spec for spec in ALL}

OTEL_LABELS = {
    "cpu_mode": "cpu.mode",
    "system_memory_state": "system.memory.state",
    "disk_io_direction": "disk.io.direction",
    "system_filesystem_mountpoint": "system.filesystem.mountpoint",
    "system_filesystem_state": "system.filesystem.state",
    "network_interface_name": "network.interface.name",
    "network_io_direction": "network.io.direction",
    "hw_id": "hw.id",
    "hw_name": "hw.name",
    "hw_type": "hw.type",
}
"""OpenTelemetry's names of these labels."""
