"""What published traces have in common with the workloads that are generated after them: one table of numbers.

Each number says whence it comes: *published*, read in the publishers' own files; *reported* of their papers, and not
checked there; *derived* from such numbers; or *ours* where nobody has published it. Nothing of a trace's rows is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from drapolicy.errors import UnknownReferenceError

PUBLISHED: Final = "published"
REPORTED: Final = "reported"
DERIVED: Final = "derived"
OURS: Final = "ours"


@dataclass(frozen=True)
class Fact:
    """A number, what kind it is of, and where it is from."""

    value: float
    kind: str
    source: str


MEANINGS: Final = {
    "mean_gpus": "GPUs of a job, mean",
    "largest": "GPUs of a job, most",
    "median_s": "run time in seconds, median",
    "mean_s": "run time in seconds, mean",
    "longest_s": "run time in seconds, most",
    "gpu_time": "GPU time of all jobs, by that of jobs that are all of mean size and mean run time",
    "load": "GPU time that is asked for, as a part of the fleet's",
    "tenants": "tenants; the n-th has 1/n of the jobs of the first",
    "pod_gpus": "GPUs of a pod, most; larger jobs are gangs of such pods",
    "cpu_milli": "CPU of a pod for each GPU, in thousandths",
    "memory_mib": "memory of a pod for each GPU, in MiB",
}


@dataclass(frozen=True)
class Preset:
    """Jobs like those of a published trace.

    Sizes are powers of two, each so many times rarer than the half of it that the mean is met. Run times are
    log-normal, cut off at the longest; larger jobs run longer, by a power of their size that meets the GPU time.

    Attributes
    ----------
    name, what
        As commands call it, and in words.
    machines
        Nodes of each model in proportion.
    mean_gpus, largest, median_s, mean_s, longest_s, gpu_time, load, tenants, pod_gpus, cpu_milli, memory_mib
        See :data:`MEANINGS`.
    """

    name: str
    what: str
    machines: Mapping[str, int]
    mean_gpus: Fact
    largest: Fact
    median_s: Fact
    mean_s: Fact
    longest_s: Fact
    gpu_time: Fact
    load: Fact
    tenants: Fact
    pod_gpus: Fact
    cpu_milli: Fact
    memory_mib: Fact


_HELIOS = "Hu et al., SC 2021, helios_cluster_summary.csv of S-Lab-System-Group/HeliosArtifact"
_SUMMARY = "Hu et al., NSDI 2024, cluster_summary.csv of InternLM/AcmeTrace"
_ACME, _PHILLY, _HELIOS_MOST = f"{_SUMMARY}, Seren", f"{_SUMMARY}, Philly", f"{_SUMMARY}, Helios"
_NODE = "the node's CPU and memory in equal parts, a tenth left to the system"
_EIGHT = Fact(8, OURS, "a node's GPUs")

PRESETS: Final[dict[str, Preset]] = {
    "philly-like": Preset(
        name="philly-like",
        what="training jobs as on Microsoft's Philly clusters of 2017",
        machines={"philly-2": 321, "philly-8": 231},  # cluster_machine_list; msr-fiddle/philly-traces#8 doubts it
        mean_gpus=Fact(1.928, PUBLISHED, _PHILLY),
        largest=Fact(128, PUBLISHED, _PHILLY),
        median_s=Fact(874, PUBLISHED, _PHILLY),
        mean_s=Fact(18_006.055, PUBLISHED, _PHILLY),
        longest_s=Fact(4_240_676, PUBLISHED, _PHILLY),
        gpu_time=Fact(1.758, DERIVED, f"GPU time of 112,956 jobs; {_PHILLY}"),
        load=Fact(0.8, OURS, "not published"),
        tenants=Fact(14, REPORTED, "Jeon et al., ATC 2019: virtual clusters; their parts are ours"),
        pod_gpus=_EIGHT,
        cpu_milli=Fact(7_000, OURS, _NODE),
        memory_mib=Fact(56 * 1024, OURS, _NODE),
    ),
    "helios-like": Preset(
        name="helios-like",
        what="training jobs as on SenseTime's four Helios clusters of 2020",
        machines={"helios-v100": 1},
        mean_gpus=Fact(3.716, PUBLISHED, _HELIOS),
        largest=Fact(2_048, PUBLISHED, _HELIOS_MOST),
        median_s=Fact(206, PUBLISHED, _HELIOS),
        mean_s=Fact(6_651.681, PUBLISHED, _HELIOS),
        longest_s=Fact(4_320_009, PUBLISHED, _HELIOS_MOST),
        gpu_time=Fact(1.997, DERIVED, f"GPU time of 1,580,464 jobs; {_HELIOS}"),
        load=Fact(0.79, DERIVED, f"GPU time in 183 days on 6,220 GPUs; {_HELIOS}"),
        tenants=Fact(25, PUBLISHED, "virtual clusters of Venus, cluster_gpu_number.csv; their parts are ours"),
        pod_gpus=_EIGHT,
        cpu_milli=Fact(5_400, OURS, _NODE),
        memory_mib=Fact(39 * 1024, OURS, _NODE),
    ),
    "acme-like": Preset(
        name="acme-like",
        what="jobs of language models as on Shanghai AI Laboratory's cluster Seren of 2023",
        machines={"acme-a100": 1},
        mean_gpus=Fact(5.68, PUBLISHED, _ACME),
        largest=Fact(1_024, PUBLISHED, _ACME),
        median_s=Fact(122, PUBLISHED, _ACME),
        mean_s=Fact(1_414.335, PUBLISHED, _ACME),
        longest_s=Fact(1_209_604, PUBLISHED, _ACME),
        gpu_time=Fact(4.034, DERIVED, f"GPU time of 663,813 jobs; {_ACME}"),
        load=Fact(0.59, DERIVED, f"GPU time in 184 days on 2,288 GPUs; {_ACME}"),
        tenants=Fact(20, OURS, "not published"),
        pod_gpus=_EIGHT,
        cpu_milli=Fact(14_400, OURS, _NODE),
        memory_mib=Fact(104 * 1024, OURS, _NODE),
    ),
}


def preset(name: str) -> Preset:
    """Return a preset by name.

    Raises
    ------
    UnknownReferenceError
        If there is none.
    """
    if name not in PRESETS:
        raise UnknownReferenceError(f"preset {name!r}: unknown; use one of {', '.join(PRESETS)}")
    return PRESETS[name]


def facts(given: Preset) -> Iterator[tuple[str, str, Fact]]:
    """Yield name, meaning and fact of every number of a preset.

    Examples
    --------
    >>> for name, meaning, fact in list(facts(preset("helios-like")))[:1]:
    ...     print(name, fact.value, fact.kind, meaning)
    mean_gpus 3.716 published GPUs of a job, mean
    """
    for name, meaning in MEANINGS.items():
        yield name, meaning, getattr(given, name)
