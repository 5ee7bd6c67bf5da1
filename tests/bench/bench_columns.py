"""How long a selector takes on all devices at once, against evaluating it device by device.

Run ``python tests/bench/bench_columns.py``. Columns are compared with the CEL library's own evaluation, whose
activations are made beforehand and whose results are not even read, and with ``Program.evaluate`` on views made
beforehand; all three take turns in one process, because a busy machine slows all of them. The library lacks
quantities and versions: it gets integers and a test of text instead, which favours it. Targets: at least 100 times the
library's speed at 100,000 devices, and under 100 ms for a selector on 1,000,000.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

TIMES = 3


class Selector(NamedTuple):
    """A selector, and what comes nearest to it in the library alone."""

    name: str
    expression: str
    plain: str


GPU = "device.attributes['gpu.nvidia.com']"
SELECTORS = (
    Selector(
        "driver and attribute",
        f"device.driver == 'gpu.nvidia.com' && {GPU}.architecture == 'Hopper'",
        f"device.driver == 'gpu.nvidia.com' && {GPU}.architecture == 'Hopper'",
    ),
    Selector(
        "pattern",
        f"{GPU}.productName.lowerAscii().matches('^.*h100.*$')",
        f"{GPU}.productName.lowerAscii().matches('^.*h100.*$')",
    ),
    Selector(
        "quantity",
        "device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('80Gi')) >= 0",
        "device.capacity['gpu.nvidia.com'].memory >= 85899345920",
    ),
    Selector(
        "version",
        f"{GPU}.driverVersion.isGreaterThan(semver('575.0.0'))",
        f"{GPU}.driverVersion > '575.0.0'",
    ),
    Selector("optional", f"{GPU}.?numa.orValue(0) == 0", f"{GPU}.?numa.orValue(0) == 0"),
    Selector(
        "all together",
        f"device.driver == 'gpu.nvidia.com' && {GPU}.architecture == 'Hopper' && {GPU}.productName.contains('H100') && "
        f"device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('40Gi')) >= 0 && "
        f"{GPU}.driverVersion.isGreaterThan(semver('575.0.0')) && {GPU}.?numa.orValue(0) == 0",
        f"device.driver == 'gpu.nvidia.com' && {GPU}.architecture == 'Hopper' && {GPU}.productName.contains('H100') && "
        f"device.capacity['gpu.nvidia.com'].memory >= 42949672960 && {GPU}.driverVersion > '575.0.0' && "
        f"{GPU}.?numa.orValue(0) == 0",
    ),
)


class Run(NamedTuple):
    """Seconds of each repetition of one selector."""

    selector: Selector
    path: str
    matches: int
    columns: list[float]
    library: list[float]
    program: list[float]


def calibration() -> None:
    """A fixed piece of interpreter work, by which machines can be compared."""
    total = 0
    for number in range(5_000_000):
        total += number & 7


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fleet_of(devices: int, seed: int) -> Any:
    """Load a fleet of GPUs."""
    import gpu_folder

    from drapolicy import inventory

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "slices"
        folder.mkdir()
        gpu_folder.write(folder, devices, seed)
        return inventory.load(folder)


def library_of(views: list[Any]) -> tuple[Any, list[Any]]:
    """Return the library's environment, and one activation a device."""
    import json

    from cel_expr_python import cel

    text = {"type_name": "string"}
    inner = {"type_name": "map", "params": [text, {"type_name": "dyn"}]}
    outer = {"type_name": "map", "params": [text, inner]}
    config = {
        "name": "bench",
        "extensions": [{"name": name} for name in ("optional", "strings")],
        "variables": [
            {"name": "device.driver", **text},
            {"name": "device.attributes", **outer},
            {"name": "device.capacity", **outer},
        ],
    }
    environment = cel.NewEnv(config=cel.NewEnvConfigFromYaml(json.dumps(config)))
    return environment, [environment.Activation(plain(view.device)) for view in views]


def plain(device: dict[str, Any]) -> dict[str, Any]:
    """Return a device in values that the library knows."""

    def value(held: Any) -> Any:
        if hasattr(held, "nano"):
            return held.value()
        return ".".join(map(str, held.release)) if hasattr(held, "release") else held

    maps = {
        f"device.{kind}": {
            domain: {name: value(held) for name, held in inner.items()} for domain, inner in device[kind].items()
        }
        for kind in ("attributes", "capacity")
    }
    return {"device.driver": device["driver"], **maps}


def compare(devices: int, seed: int = 0, times: int = TIMES) -> tuple[list[float], float, list[Run]]:
    """Time columns, library and program; return the calibration, the seconds to build the table, and the runs."""
    from drapolicy import cel
    from drapolicy.inventory.selecting import table_of

    fleet = fleet_of(devices, seed)
    views = [
        cel.device_view(fleet.slices.driver[i], device)
        for i, device in zip(fleet.devices.slice.tolist(), fleet.devices.between(0, devices), strict=True)
    ]
    environment, activations = library_of(views)
    start = time.perf_counter()
    table = table_of(fleet)
    built = time.perf_counter() - start
    loops: list[float] = []
    runs = [
        run(
            selector,
            table=table,
            views=views,
            environment=environment,
            activations=activations,
            loops=loops,
            times=times,
        )
        for selector in SELECTORS
    ]
    return loops, built, runs


def run(
    selector: Selector,
    *,
    table: Any,
    views: list[Any],
    environment: Any,
    activations: list[Any],
    loops: list[float],
    times: int,
) -> Run:
    """Time one selector in all three ways."""
    from drapolicy import cel
    from drapolicy.inventory.selecting import select

    evaluate, theirs = cel.compile(selector.expression).evaluate, environment.compile(selector.plain)
    found = select(table, selector.expression)
    made = Run(selector, found.path, int(found.matches.sum()), [], [], [])
    for _ in range(times):
        loops.append(timed(calibration))
        # Too short to be timed once.
        made.columns.append(timed(lambda: [select(table, selector.expression) for _ in range(10)]) / 10)
        made.library.append(timed(lambda: [theirs.eval(activation) for activation in activations]))
        made.program.append(timed(lambda: [evaluate(view) for view in views]))
    return made


def large(devices: int, seed: int = 0, times: int = TIMES) -> list[tuple[Selector, float, list[float]]]:
    """Time columns alone; return of each selector the first call on a new table and the others."""
    from drapolicy.inventory.selecting import select, table_of

    fleet = fleet_of(devices, seed)

    def measured(selector: Selector) -> tuple[Selector, float, list[float]]:
        table = table_of(fleet)
        first, *rest = [timed(lambda: select(table, selector.expression)) for _ in range(1 + times)]
        return selector, first, rest

    return [measured(selector) for selector in SELECTORS]


def report_compared(devices: int, seed: int, loops: list[float], built: float, runs: list[Run]) -> str:
    """Return the comparison as text."""
    lines = [
        f"{devices:,} devices, seed {seed}, table built in {built * 1e3:.1f} ms",
        f"calibration loop: best {min(loops):.2f} s, median {statistics.median(loops):.2f} s",
        f"{'selector':22}{'columns':>22}{'library':>10}{'program':>10}{'to library':>18}{'to program':>18}",
    ]
    for run in runs:
        numbers = []
        for pick in (min, statistics.median):
            columns, library, program = pick(run.columns), pick(run.library), pick(run.program)
            numbers.append((columns, library, program, library / columns, program / columns))
        (best, *_), (median, *_) = numbers
        lines.append(
            f"{run.selector.name:22}{best * 1e3:9.2f} /{median * 1e3:8.2f} ms"
            f"{numbers[0][1] * 1e3:7.0f} ms{numbers[0][2] * 1e3:7.0f} ms"
            f"{numbers[0][3]:8,.0f} /{numbers[1][3]:7,.0f}x{numbers[0][4]:8,.0f} /{numbers[1][4]:7,.0f}x"
            f"  {run.path}, {run.matches:,} match"
        )
    lines.append("columns and ratios: best / median of the repetitions; ratios of both are of times of one pick")
    return "\n".join(lines)


def report_large(devices: int, found: list[tuple[Selector, float, list[float]]]) -> str:
    """Return the times of columns alone as text."""
    lines = [f"{devices:,} devices: first call on a new table, then best / median"]
    lines += [
        f"{selector.name:22}{first * 1e3:9.1f} ms{min(rest) * 1e3:9.1f} /{statistics.median(rest) * 1e3:7.1f} ms"
        for selector, first, rest in found
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000, help="devices of the comparison")
    parser.add_argument("--large", type=int, default=1_000_000, help="devices for columns alone, 0 to leave it out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", type=int, default=TIMES)
    given = parser.parse_args()
    print(report_compared(given.devices, given.seed, *compare(given.devices, given.seed, given.times)))
    if given.large:
        print(report_large(given.large, large(given.large, given.seed, given.times)))


if __name__ == "__main__":
    main()
