"""Random problems to drapolicy and to upstream: both must answer the same (I2)."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from drapolicy.testing.generate import problem
from drapolicy.testing.lines import Answer, Line, difference, line_of, outcomes, reference, valid
from drapolicy.testing.oracle import Oracle
from drapolicy.testing.shrink import shrink
from drapolicy.testing.traits import traits
from drapolicy.testing.twist import twist

CHUNK = 100
MAX_STEPS = 20_000  # longer searches are left out: the reference takes a second for them
_TIMEOUT_MS = 1000
_PATIENCE_MS = 20_000  # a reference that searches longer than this has lost its way
_SHRUNK_PER_CHUNK = 2
_SIZES = ("tiny", "small", "small", "small", "large")

Ask = Callable[[Line], Answer]


@dataclass
class Tally:
    """What came out so far.

    Attributes
    ----------
    done
        Problems tried, from the first of the seed.
    counts
        How many problems had each trait; ``left out: ...`` are those that were not compared.
    differences
        Problems to which the answers differ, shrunk, by name.
    """

    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    differences: dict[str, Line] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take in what another run of problems gave."""
        self.done += other.done
        self.counts += other.counts
        self.differences |= other.differences

    @property
    def compared(self) -> int:
        """How many problems were answered by both."""
        return self.done - sum(count for name, count in self.counts.items() if name.startswith("left out"))


def random_line(seed: int, index: int) -> Line:
    """Return a random problem, the same in any process."""
    rng = Random(f"fuzz/{seed}/{index}")
    case = problem(rng.getrandbits(48), size=rng.choice(_SIZES))
    line = line_of(case, f"seed-{seed}-{index}", every_node=rng.random() < 0.1)
    twist(rng, line)
    return line


def compare(lines: list[Line], ask: Ask, minor: str = "1.37") -> Tally:
    """Give problems to both and tell where they differ.

    Parameters
    ----------
    ask
        Answers as upstream does.
    """
    tally = Tally(len(lines))
    pairs = []
    for line in lines:
        want = ask({**line, "timeoutMs": _TIMEOUT_MS})
        if _expired(want) or want.get("allocateOne", 0) > MAX_STEPS:
            tally.counts["left out: search takes too long"] += 1
        else:
            pairs.append((line, want))
    answers = reference([{**line, "timeoutMs": _PATIENCE_MS} for line, _ in pairs], minor)
    for (line, want), got in zip(pairs, answers, strict=True):
        tally.counts.update(traits(line, want))
        kind = difference(want, got)
        if not kind:
            continue
        if any(not difference(ask(line), got) for _ in range(20)):
            tally.counts["left out: upstream itself answers differently from call to call"] += 1
            continue
        if len(tally.differences) < _SHRUNK_PER_CHUNK:
            line = shrink(line, partial(_differs, ask, minor, kind, must_be_valid=valid(line)))
        tally.differences[line["name"]] = {**line, "expected": _expected(ask(line)), "source": {"differs": kind}}
    return tally


def _differs(ask: Ask, minor: str, kind: str, line: Line, *, must_be_valid: bool) -> bool:
    want = ask({**line, "timeoutMs": _TIMEOUT_MS})
    if want.get("errorKind") in {"input", "panic"} or _expired(want):
        return False
    got = reference([{**line, "timeoutMs": _PATIENCE_MS}], minor)[0]
    return difference(want, got) == kind and (not must_be_valid or valid(line))


def _expired(want: Answer) -> bool:
    return any(outcome.get("errorKind") == "timeout" for outcome in outcomes(want))


def _expected(want: Answer) -> Answer:
    return {key: value for key, value in want.items() if key not in {"name", "variant"}}


def run(
    n: int,
    *,
    seed: int = 0,
    minor: str = "1.37",
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
    tally = _load(folder, minor)
    started, before = time.monotonic(), tally.done
    spans = list(_spans(tally.done, n))
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(partial(_chunk, seed, minor), spans):
            tally.add(part)
            _save(folder, tally)
            if progress is not None:
                progress(tally, (tally.done - before) / (time.monotonic() - started))
    return tally


def _spans(start: int, stop: int) -> Iterator[range]:
    for first in range(start, stop, CHUNK):
        yield range(first, min(first + CHUNK, stop))


def _chunk(seed: int, minor: str, span: range) -> Tally:
    with Oracle(minor) as oracle:
        return compare([random_line(seed, index) for index in span], oracle.ask, minor)


def _load(folder: Path | None, minor: str) -> Tally:
    """Return what an earlier run left; differences that are none any more are dropped."""
    if folder is None or not (folder / "state.json").is_file():
        return Tally()
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    tally = Tally(state["done"], Counter(state["counts"]))
    for path in sorted(folder.glob("seed-*.json")):
        line = json.loads(path.read_text(encoding="utf-8"))
        if difference(line["expected"], reference([line], minor)[0]):
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
