"""Beside the requests: the machine, the containers, the model server's process, GPUs, cost."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from examples.grafana.source.parts import ORANGE, RED, timeseries_panel
from examples.grafana.source.promql import PODS, rate

PROCESS = "outrider_model_process_"
ARTIFACT = "outrider_model_artifact_"
GPU = "{{hw_name}} {{hw_id}} {{instance}}"

Panels = list[Builder[Panel]]


def model_server() -> Panels:
    """Its process and its files, where the process namespace is shared."""
    return [
        timeseries_panel(
            "CPU of the model server",
            "Cores used by its processes. At its limit, or at one core of a server that has one "
            "thread, requests wait.",
            {"{{instance}}": rate(f"{PROCESS}cpu_seconds_total", PODS, "instance")},
            "short",
            width=6,
        ),
        timeseries_panel(
            "Memory of the model server",
            "Resident. What grows with every request ends at the memory limit.",
            {"{{instance}}": f"{PROCESS}memory_bytes{{{PODS}}}"},
            "bytes",
            width=6,
        ),
        timeseries_panel(
            "Open files and threads",
            "Of the model server's processes, all pods together. Files that only grow are "
            "connections or files which nobody closes.",
            {
                "open files": f"sum({PROCESS}open_files{{{PODS}}})",
                "threads": f"sum({PROCESS}threads{{{PODS}}})",
                "processes": f"sum(outrider_model_processes{{{PODS}}})",
            },
            "short",
            width=6,
        ),
        timeseries_panel(
            "Age of the model server",
            "Since it started. A saw is a server that dies again and again: look at its log, and "
            "whether it was killed for memory.",
            {"{{instance}}": f"time() - {PROCESS}start_time_seconds{{{PODS}}}"},
            "s",
            width=6,
        ),
        timeseries_panel(
            "CPU time of a prediction",
            "CPU-seconds of the model server by rows predicted: the cost of one, and what changes "
            "with a new version. Where there is a GPU, its time too.",
            {
                "CPU {{instance}}": f"outrider_load_cpu_seconds_per_prediction{{{PODS}}}",
                "GPU {{instance}}": f"outrider_load_gpu_seconds_per_prediction{{{PODS}}}",
            },
            "s",
            width=8,
        ),
        timeseries_panel(
            "Size of the model's files",
            "At model.path of the settings. Another size is another model.",
            {"{{instance}}": f"{ARTIFACT}size_bytes{{{PODS}}}"},
            "bytes",
            width=8,
        ),
        timeseries_panel(
            "Age of the model's files",
            "Since the latest change of one of them. Younger than the model server: it still has "
            "the old ones loaded.",
            {"{{instance}}": f"time() - {ARTIFACT}modified_timestamp_seconds{{{PODS}}}"},
            "s",
            width=8,
        ),
    ]


def machine() -> Panels:
    """The containers of sidecar and model server, and the machine below them."""
    throttled = rate("container_cpu_throttled_periods_total", PODS, "cgroup, instance")
    periods = rate("container_cpu_periods_total", PODS, "cgroup, instance")
    usage = "system_filesystem_usage_bytes"
    size = "system_filesystem_limit_bytes"
    point = "instance, system_filesystem_mountpoint"
    return [
        timeseries_panel(
            "CPU of the machine",
            "Share of all CPUs that is busy. Near 1 everything on it waits.",
            {
                "{{instance}}": "1 - sum by (instance) "
                f'(system_cpu_utilization_ratio{{{PODS},cpu_mode="idle"}})'
            },
            "percentunit",
            width=6,
            most=1,
            steps={0.9: ORANGE},
        ),
        timeseries_panel(
            "CPU of the containers",
            "Cores used by the control groups of sidecar and model server, and their limits.",
            {
                "{{cgroup}} {{instance}}": rate(
                    "container_cpu_time_seconds_total", PODS, "cgroup, instance"
                ),
                "limit of {{cgroup}} {{instance}}": f"container_cpu_limit_cores{{{PODS}}}",
            },
            "short",
            width=6,
        ),
        timeseries_panel(
            "Throttling",
            "Share of the periods in which the CPU limit stopped somebody. Above a few percent "
            "p99 suffers though mean CPU looks low: raise the limit or take it away.",
            {"{{cgroup}} {{instance}}": f"{throttled} / ({periods} > 0)"},
            "percentunit",
            width=6,
            most=1,
            steps={0.05: ORANGE, 0.25: RED},
        ),
        timeseries_panel(
            "Memory of the containers",
            "Working sets, and their limits. At the limit the kernel kills.",
            {
                "{{cgroup}} {{instance}}": f"container_memory_working_set_bytes{{{PODS}}}",
                "limit of {{cgroup}} {{instance}}": f"container_memory_limit_bytes{{{PODS}}}",
            },
            "bytes",
            width=6,
        ),
        timeseries_panel(
            "Memory of the machine",
            "What can still be given to programs, of all there is.",
            {
                "available {{instance}}": f"system_memory_linux_available_bytes{{{PODS}}}",
                "all {{instance}}": f"system_memory_limit_bytes{{{PODS}}}",
            },
            "bytes",
            width=6,
        ),
        timeseries_panel(
            "Killed for memory",
            "Processes that the kernel killed at the memory limit, in five minutes.",
            {
                "{{cgroup}} {{instance}}": "increase("
                f"container_memory_oom_kills_total{{{PODS}}}[5m])"
            },
            "short",
            width=6,
            steps={1: RED},
        ),
        timeseries_panel(
            "File systems",
            "Share in use, of those that Outrider uses. A full one ends what `state_dir` keeps.",
            {
                "{{system_filesystem_mountpoint}} {{instance}}": f"sum by ({point}) "
                f'({usage}{{{PODS},system_filesystem_state="used"}})'
                f" / sum by ({point}) ({size}{{{PODS}}})"
            },
            "percentunit",
            width=6,
            most=1,
            steps={0.9: ORANGE, 0.97: RED},
        ),
        timeseries_panel(
            "Disks and network",
            "Bytes a second of all pods' machines and interfaces.",
            {
                "disk {{disk_io_direction}}": rate(
                    "system_disk_io_bytes_total", PODS, "disk_io_direction"
                ),
                "network {{network_io_direction}}": rate(
                    "system_network_io_bytes_total", PODS, "network_io_direction"
                ),
            },
            "Bps",
            width=6,
        ),
    ]


def gpus() -> Panels:
    """Empty where there is none."""
    memory = "hw_gpu_memory_usage_bytes"
    return [
        timeseries_panel(
            "GPU utilization",
            "Share of the time in which the GPU computed. Low with a queue: it waits for the CPU "
            "or for larger batches.",
            {GPU: f"hw_gpu_utilization_ratio{{{PODS}}}"},
            "percentunit",
            most=1,
        ),
        timeseries_panel(
            "GPU memory",
            "Share in use. Servers of language models take nearly all at once, and that is well.",
            {GPU: f"{memory}{{{PODS}}} / hw_gpu_memory_limit_bytes{{{PODS}}}"},
            "percentunit",
            most=1,
        ),
        timeseries_panel(
            "GPU memory of the model server",
            "Of its own processes; what else is in use is somebody else's.",
            {"{{hw_id}} {{instance}}": f"{PROCESS}gpu_memory_bytes{{{PODS}}}"},
            "bytes",
        ),
        timeseries_panel(
            "Power",
            "What the GPUs draw; at its limit one computes slower.",
            {GPU: f"hw_power_watts{{{PODS}}}"},
            "watt",
        ),
        timeseries_panel(
            "Temperature",
            "Above 85 °C most GPUs slow down: look at the cooling.",
            {GPU: f"hw_temperature_celsius{{{PODS}}}"},
            "celsius",
            steps={85: ORANGE, 92: RED},
        ),
        timeseries_panel(
            "Memory errors",
            "ECC errors in five minutes. Uncorrected ones: take the GPU out of service.",
            {f"{{{{error_type}}}} {GPU}": f"increase(hw_errors_total{{{PODS}}}[5m])"},
            "short",
            steps={1: RED},
        ),
    ]
