"""What a decision of the engine costs, against upstream's Go allocator over the same nodes in the same run.

Run ``python tests/bench/bench_engine.py`` (``make bench`` does). ``--nodes N`` or ``BENCH_NODES=N`` sets the largest
fleet, 1,000,000 by default; ``--quick`` stops at 10,000; ``--case NAME`` runs one case only and keeps the others of the
last run. It writes ``summary.json`` and a chart to ``out/bench``. What the rows mean is told in ``docs/bench.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_load import calibration

HERE = Path(__file__).resolve().parent
SEED = 1
LIMIT_MB = 4 * 2**30 / 1e6
ROWS = {"devices_only": "devices only", "with_room": "with CPU, memory and zone"}
RATIOS = {
    "p50_over_upstream_node": "p50 / one node of upstream (goal below 1)",
    "p99_over_ten_upstream_nodes": "p99 / ten nodes",
    "growth": "growth (at most 2)",
    "growth_of_hits": "of hits",
    "scan_ratio": "scan / p50",
    "first_decision_ratio": "scan / first decision (at least 5)",
}
OTHERS = {"mixed": "shared GPUs, mixed nodes", "mig": "208 MIG devices a node"}


def case(name: str, nodes: int, decisions: int, *, quick: bool) -> Any:
    """Return a case by name."""
    from engine_case import Case
    from engine_worlds import GPUS, MIG, MIXED

    def sizes(*wanted: int) -> tuple[int, ...]:
        return tuple(sorted({min(each, nodes) for each in wanted}))

    rules = ("bandwidth", "packing", "first-fit")
    of_gpus = Case(GPUS, sizes(1_000, 5_000, 10_000, nodes), rules, min(5_000, nodes), settle=3_000)
    cases = {
        "devices_only": of_gpus,
        "with_room": replace(of_gpus, world=GPUS.with_room()),
        "mixed": Case(MIXED, sizes(1_000, 10_000), ("first-fit", "best-fit"), min(1_000, nodes), budget_s=240),
        "mig": Case(MIG, sizes(100, 10_000), ("first-fit", "best-fit"), min(100, nodes), budget_s=240),
        "general": Case(GPUS, sizes(1_000), ("kube-scheduler", "random"), 0, decisions=300, settle=0, budget_s=120),
    }
    found = cases[name]
    found = replace(found, decisions=min(decisions, found.decisions), settle=min(decisions, found.settle))
    if not quick:
        return found
    most = 1_000 if name in OTHERS else nodes
    shorter = {
        "decisions": min(found.decisions, 500),
        "settle": min(found.settle, 200),
        "budget_s": min(found.budget_s, 60),
    }
    return replace(found, sizes=tuple(sorted({min(each, most) for each in found.sizes})), **shorter)


CASES = (*ROWS, *OTHERS, "general")


def row(rule: str, told: dict[str, Any], peak_mb: float) -> dict[str, Any]:
    """Return the figures of a rule that are held to goals."""
    sizes = {int(nodes): each for nodes, each in told["sizes"].items()}
    low, high = sizes[min(sizes)], sizes[max(sizes)]
    same_names = ("p50_us", "p99_us", "missing", "contents", "kinds_kept")
    made: dict[str, Any] = {
        "rule": rule,
        "nodes": [min(sizes), max(sizes)],
        **{name: high.get(name) for name in same_names},
        "growth": ratio(high.get("p50_us"), low.get("p50_us")),
        "growth_of_hits": ratio(high.get("hit_p50_us"), low.get("hit_p50_us")),
    }
    upstream = told.get("upstream")
    if upstream is not None:
        same = sizes[upstream["nodes"]]
        made |= {
            "upstream_node_us": upstream["node_us"],
            "upstream_scan_nodes": upstream["nodes"],
            "upstream_scan_ms": upstream["scan_ms"],
            "upstream_modelled_ms": upstream["modelled_ms"],
            "p50_over_upstream_node": ratio(high.get("p50_us"), upstream["node_us"]),
            "p99_over_ten_upstream_nodes": ratio(high.get("p99_us"), 10 * upstream["node_us"]),
            "scan_ratio": ratio(1e3 * upstream["scan_ms"], same.get("p50_us")),
            "modelled_ratio": ratio(1e3 * upstream["modelled_ms"], same.get("p50_us")),
            "first_decision_ms": same["first_cpu_ms"],
            "first_decision_ratio": ratio(upstream["scan_ms"], same["first_cpu_ms"]),
        }
        # Named after their sizes, so that a smaller run does not pass for the whole one.
        whole = min(sizes) == 1_000 and max(sizes) == 1_000_000
        made |= {
            "scan_5000_ratio": made["scan_ratio"] if upstream["nodes"] == 5_000 else None,
            "p50_1e6_over_upstream_node": made["p50_over_upstream_node"] if whole else None,
            "growth_1e3_to_1e6": made["growth"] if whole else None,
            "within_4_gib": peak_mb <= LIMIT_MB if whole else None,
        }
    return made


def ratio(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else round(ours / theirs, 4)


def machine(loops: list[float], loads: list[float]) -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    known = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in known.splitlines() if line.startswith("model name")]
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": models[0] if models else platform.processor(),
        "processors": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "calibration_s": [round(each, 3) for each in loops],
        "load": [round(each, 2) for each in loads],
        # One process of ours or upstream's runs at a time: more load than that is somebody else's.
        "contended": max(loads) > 1.5,
    }


def versions() -> dict[str, str]:
    from drapolicy.testing.oracle import FOLDER

    told = subprocess.run([FOLDER / "oracle-1.37", "-version"], capture_output=True, text=True, check=True).stdout
    return {"python": platform.python_version(), "numpy": np.__version__, "upstream": told.strip()}


def table(summary: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = []
    for name, label in (ROWS | OTHERS).items():
        found = summary.get(name)
        if found is None:
            continue
        lines.append(
            f"{label}; held to the goals: {found['rule']}; {found['kinds']} kinds; peak {found['peak_rss_mb']:,} MB"
        )
        for rule, told in found["rules"].items():
            for nodes, each in told["sizes"].items():
                lines.append(f"  {rule:12} {int(nodes):>9,} nodes  {_times(each)}")
            theirs, figures = told["upstream"], told["figures"]
            lines.append(
                f"  {'upstream':12} {theirs['nodes']:>9,} nodes  one {theirs['node_us']:>10.1f}  "
                f"p99 {theirs['node_p99_us']:>10.1f} µs  scan {theirs['scan_ms']:.1f} ms; "
                f"modelled scheduler {theirs['modelled_ms']:.1f} ms"
            )
            lines.append("  ratios: " + ", ".join(f"{text} {figures[key]}" for key, text in RATIOS.items()))
        lines.append("")
    general = summary.get("general")
    if general is not None:
        for rule, told in general["rules"].items():
            for nodes, each in told["sizes"].items():
                lines.append(
                    f"looked up, not ranked: {rule}, {int(nodes):,} nodes: p50 {each['p50_us'] / 1e3:.2f} ms; {each['looked_up']}"
                )
    machine_ = summary["machine"]
    lines.append(
        f"{machine_['processor']}, {machine_['processors']} processors, calibration loop {machine_['calibration_s']} s, "
        f"load {machine_['load']}{', contended' if machine_['contended'] else ''}, seed {summary['seed']}"
    )
    return "\n".join(lines)


def _times(each: dict[str, Any]) -> str:
    first = "" if each["first_ms"] is None else f"  first {each['first_ms']:>9.1f} ms"
    reached = f"contents {each['contents']}{first}  {each['kinds_asked']} kinds"
    if "p50_us" not in each:
        return f"not reached: {reached} in the time there was"
    times = f"p50 {each['p50_us']:>10.1f}  p99 {each['p99_us']:>10.1f} µs  misses {100 * each['missing']:5.1f} %"
    return f"{times}  {reached}"


def run(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run one case in a process of its own, whose memory is its own."""
    command = [sys.executable, str(HERE / "bench_engine.py"), "--run", name, *(["--quick"] if given.quick else [])]
    numbers = {"--nodes": given.nodes, "--seed": given.seed, "--decisions": given.decisions}
    command += [str(part) for pair in numbers.items() for part in pair]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(told.stdout)
    for rule, each in found["rules"].items():
        each["figures"] = row(rule, each, found["peak_rss_mb"])
    return found | next(iter(found["rules"].values()))["figures"]


def main() -> None:
    """Run the cases and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=int(os.environ.get("BENCH_NODES", "1000000")))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--decisions", type=int, default=3_000, help="that are measured for each size and rule")
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "out" / "bench")
    parser.add_argument("--run", choices=CASES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    nodes = min(given.nodes, 10_000) if given.quick else given.nodes
    if given.run:
        from engine_case import measure

        print(json.dumps(measure(case(given.run, nodes, given.decisions, quick=given.quick), given.seed)))
        return
    given.out.mkdir(parents=True, exist_ok=True)
    target = given.out / "summary.json"
    summary = json.loads(target.read_text(encoding="utf-8")) if given.case and target.exists() else {}
    loops, loads = [], []
    for name in given.case or CASES:
        begun = time.perf_counter()
        calibration()
        loops.append(time.perf_counter() - begun)
        loads.append(os.getloadavg()[0])
        summary[name] = run(name, given)
        summary |= {"seed": given.seed, "machine": machine(loops, loads), "versions": versions()}
        target.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    from engine_chart import write

    write(summary, given.out)
    print(table(summary))


if __name__ == "__main__":
    main()
