"""How long a fleet of a million GPUs takes to load, against ``json.loads`` of the same bytes.

Run ``python tests/bench/bench_load.py``, with ``--devices N`` for another size. Each measurement is a process of its
own; the two kinds take turns, because a busy machine slows both. Time is that of the call alone, imports excluded:
wall clock and processor. Targets at 1,000,000 devices: ratio at most 6, peak under 3 GiB, the fleet under 400 MB.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

TIMES = 3


def calibration() -> None:
    """A fixed piece of interpreter work, by which machines can be compared."""
    total = 0
    for number in range(5_000_000):
        total += number & 7


def by_json(folder: Path) -> None:
    """Decode every file and drop what it holds."""
    for path in sorted(folder.glob("*.json")):
        json.loads(path.read_bytes())


def by_load(folder: Path) -> Any:
    """Load the fleet, validation included."""
    from drapolicy import inventory

    return inventory.load(folder)


def measured(phase: str, folder: Path) -> dict[str, float]:
    """Run one phase in this process and return what it took; sizes in MB of 10^6 bytes."""
    import drapolicy.inventory  # noqa: F401  imports are not part of the measurement

    work: dict[str, Callable[[Path], Any]] = {"json": by_json, "load": by_load, "fleet": unpickled}
    before, wall, cpu = rss(), time.perf_counter(), time.process_time()
    made = work[phase](folder)
    found = {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "grown_mb": rss() - before,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }
    if phase == "load":
        found["devices"], found["arrays_mb"] = len(made.devices), made.nbytes / 1e6
        pickled(folder).write_bytes(pickle.dumps(made, protocol=5))
    return found


def pickled(folder: Path) -> Path:
    return folder.with_suffix(".pickle")


def unpickled(folder: Path) -> Any:
    """The fleet alone, in a process that has not loaded it."""
    with pickled(folder).open("rb") as file:
        return pickle.load(file)


def rss() -> float:
    """Resident memory of this process in MB, 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6 if statm.exists() else 0.0


def in_process(phase: str, folder: Path) -> dict[str, float]:
    """Run one phase in a fresh process."""
    command = [sys.executable, str(HERE / "bench_load.py"), "--phase", phase, "--folder", str(folder)]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def bench(devices: int, seed: int = 0, times: int = TIMES) -> dict[str, Any]:
    """Generate the folder, measure and return all measurements."""
    import gpu_folder

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "slices"
        folder.mkdir()
        size = gpu_folder.write(folder, devices, seed)
        runs: dict[str, list[dict[str, float]]] = {"json": [], "load": []}
        loops = []
        for _ in range(times):
            start = time.perf_counter()
            calibration()
            loops.append(time.perf_counter() - start)
            for phase, found in runs.items():
                found.append(in_process(phase, folder))
        return {"bytes": size, "seed": seed, "loop_s": loops, **runs, "fleet": in_process("fleet", folder)}


def report(found: dict[str, Any]) -> str:
    """Return the measurements as text."""
    lines = [
        f"{found['load'][0]['devices']:,.0f} devices, {found['bytes'] / 1e6:,.1f} MB of JSON, seed {found['seed']}",
        f"calibration loop: best {min(found['loop_s']):.2f} s, median {statistics.median(found['loop_s']):.2f} s",
    ]
    for phase, label in (("json", "json.loads"), ("load", "inventory.load")):
        for clock in ("wall_s", "cpu_s"):
            values = [run[clock] for run in found[phase]]
            lines.append(
                f"{label}: {clock.removesuffix('_s')} best {min(values):.2f} s, median {statistics.median(values):.2f} s"
            )
    for clock in ("wall_s", "cpu_s"):
        best, median = (
            pick([run[clock] for run in found["load"]]) / pick([run[clock] for run in found["json"]])
            for pick in (min, statistics.median)
        )
        lines.append(f"ratio by {clock.removesuffix('_s')}: best {best:.2f}, median {median:.2f}")
    load = found["load"][-1]
    lines += [
        f"peak of the loading process: {load['peak_mb']:,.0f} MB, {load['grown_mb']:,.0f} MB more after than before",
        f"fleet: arrays {load['arrays_mb']:,.0f} MB, alone in a process {found['fleet']['grown_mb']:,.0f} MB",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--phase", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.phase:
        print(json.dumps(measured(given.phase, given.folder)))
    else:
        print(report(bench(given.devices, given.seed, given.times)))


if __name__ == "__main__":
    main()
