"""Compares drapolicy with upstream on random problems. Run by `make fuzz`, which builds the oracle first."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from drapolicy.errors import InputError
from drapolicy.testing.compare import Tally
from drapolicy.testing.fuzz import run
from drapolicy.testing.modes import Mode, modes

OUT = Path(__file__).resolve().parents[1] / "out" / "fuzz"


def main() -> int:
    """Return 0 if all answers are the same, 1 if some differ, 2 for bad arguments, 130 when interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=20_000, help="problems per mode, those of earlier runs included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--k8s", default="1.37")
    parser.add_argument(
        "--variant",
        default="",
        help="experimental: every gate on; incubating: default gates; by default both, where the release has an order",
    )
    # One more than there are cores: while one process waits for upstream, another computes.
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--restart", action="store_true", help="begin again with the first problem")
    given = parser.parse_args()
    try:
        differing = [_run(mode, given) for mode in modes(given.k8s, given.variant)]
    except InputError as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same call goes on from here", file=sys.stderr)
        return 130
    return 1 if any(differing) else 0


def _run(mode: Mode, given: argparse.Namespace) -> int:
    folder = OUT / f"{mode.name}-{given.seed}"
    if given.restart:
        for path in folder.glob("*.json"):
            path.unlink()
    last = f"seed-{given.seed}-{given.n - 1}"
    print(f"Kubernetes {mode.name}, seed {given.seed}: problems seed-{given.seed}-0 to {last}", flush=True)
    tally = run(given.n, seed=given.seed, mode=mode, folder=folder, processes=given.jobs, progress=_progress)
    print()
    for name, count in sorted(tally.counts.items()):
        print(f"{count:>9,}  {name}")
    print(f"{tally.compared:,} of {tally.done:,} problems compared, {len(tally.differences)} differences")
    for name, line in tally.differences.items():
        print(f"differs in {line['source']['differs']}: {(folder / name).with_suffix('.json')}")
    return len(tally.differences)


def _progress(tally: Tally, per_second: float) -> None:
    end = "\r" if sys.stdout.isatty() else "\n"
    if end == "\r" or tally.done % 5000 == 0:
        text = f"{tally.done:,} problems, {len(tally.differences)} differences, {per_second:.0f} a second"
        print(text, end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())
