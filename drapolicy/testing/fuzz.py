"""Random problems to drapolicy and to upstream, any number of them, going on where a run stopped (I2)."""

from __future__ import annotations

import gc
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

from drapolicy.api.reader import without_garbage_collection
from drapolicy.testing.compare import LONG_MS, SHORT_MS, Tally, compare, still_differs
from drapolicy.testing.generate import problem
from drapolicy.testing.lines import Line, line_of
from drapolicy.testing.modes import MODES, Mode
from drapolicy.testing.oracle import Oracle
from drapolicy.testing.twist import twist

CHUNK = 100
_SIZES = ("tiny", "small", "small", "small", "large")
_PATIENT = 0.01
_ONE_POOL = 0.5


def random_line(seed: int, index: int, mode: Mode = MODES[0]) -> Line:
    """Return a random problem, the same in any process.

    Parameters
    ----------
    seed, index
        Any integers.
    mode
        By default the newest release with its default gates.
    """
    rng = Random(f"fuzz/{mode.name}/{seed}/{index}")
    made_for, solved_with = mode.releases(rng)
    case = problem(rng.getrandbits(48), size=rng.choice(_SIZES), release=made_for)
    line = line_of(case, f"seed-{seed}-{index}", variant=mode.variant, every_node=rng.random() < 0.1)
    line["features"] = dict.fromkeys(sorted(solved_with.features), True)
    one_pool = not mode.ordered and rng.random() < _ONE_POOL
    if one_pool:
        _one_pool(rng, line)
    elif not mode.ordered:
        _own_names(line)
    twist(rng, line, made_for, calm=not mode.ordered and not one_pool)
    if not mode.ordered:
        # The order in which drapolicy tries slices; upstream takes them as they come.
        line["slices"].sort(key=lambda item: item["metadata"]["name"])
    line["timeoutMs"] = LONG_MS if rng.random() < _PATIENT else SHORT_MS
    return line


def _one_pool(rng: Random, line: Line) -> None:
    """Drop all pools but one, so that nothing depends on their order."""
    pools = sorted({_pool(item) for item in line["slices"]})
    kept = rng.choice(pools)
    line["slices"] = [item for item in line["slices"] if _pool(item) == kept]


def _own_names(line: Line) -> None:
    """Let no pools of two drivers have one name, which mixes their counters up to 1.36."""
    held = [result for claim in line["allocated"]["claims"] for result in _results(claim)]
    for each in [item["spec"] for item in line["slices"]]:
        each["pool"]["name"] = f"{each['driver'].split('.')[0]}-{each['pool']['name']}"
    for result in held:
        result["pool"] = f"{result['driver'].split('.')[0]}-{result['pool']}"


def _results(claim: Line) -> list[Line]:
    found: list[Line] = claim["status"]["allocation"]["devices"]["results"]
    return found


def _pool(item: Line) -> tuple[str, str]:
    return item["spec"]["driver"], item["spec"]["pool"]["name"]


def run(
    n: int,
    *,
    seed: int = 0,
    mode: Mode = MODES[0],
    folder: Path | None = None,
    processes: int = 1,
    progress: Callable[[Tally, float], None] | None = None,
) -> Tally:
    """Compare the first ``n`` problems of a seed, going on where an earlier run in the same folder stopped.

    Parameters
    ----------
    folder
        Keeps the state of the run and a file for each difference; None keeps nothing.
    processes
        How many run at once.
    progress
        Called after each chunk with what came out so far and the problems per second.

    Raises
    ------
    InputError
        When the oracle of the release is not built.
    """
    tally = _load(folder, mode)
    started, before = time.monotonic(), tally.done
    spans = list(_spans(tally.done, n))
    # What is loaded once need not be walked through again and again in search of cycles.
    with ProcessPoolExecutor(processes, initializer=gc.freeze) as pool:
        for part in pool.map(partial(_chunk, seed, mode), spans):
            tally.add(part)
            _save(folder, tally)
            if progress is not None:
                progress(tally, (tally.done - before) / (time.monotonic() - started))
    return tally


def _spans(start: int, stop: int) -> Iterator[range]:
    for first in range(start, stop, CHUNK):
        yield range(first, min(first + CHUNK, stop))


def _chunk(seed: int, mode: Mode, span: range) -> Tally:
    # Objects of a hundred problems hold no cycles to look for.
    with without_garbage_collection(), Oracle(mode.minor) as oracle:
        return compare([random_line(seed, index, mode) for index in span], oracle.answers, mode)


def _load(folder: Path | None, mode: Mode) -> Tally:
    """Return what an earlier run left; differences that are none any more are dropped."""
    if folder is None or not (folder / "state.json").is_file():
        return Tally()
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    tally = Tally(state["done"], Counter(state["counts"]))
    for path in sorted(folder.glob("seed-*.json")):
        line = json.loads(path.read_text(encoding="utf-8"))
        if still_differs(line, mode):
            tally.differences[line["name"]] = line
        else:
            path.unlink()
    return tally


def _save(folder: Path | None, tally: Tally) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, line in tally.differences.items():
        text = json.dumps(line, indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    # Renamed into place, so that an interruption leaves the old state or the new one.
    fresh = folder / "state.json.new"
    fresh.write_text(json.dumps({"done": tally.done, "counts": tally.counts}, indent=1) + "\n", encoding="utf-8")
    fresh.replace(folder / "state.json")
