"""Laws of plays in which everything happens: nothing is lost, and a play that was written down is the play."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.policies import POLICIES
from drapolicy.policies.groups import Greedy
from drapolicy.problem.state import State
from drapolicy.simulate import Moment, Play, Scenario, play, replay, state_at, stays
from drapolicy.simulate import log as log_of
from drapolicy.simulate.run import _Run
from drapolicy.testing.scenarios import a_scenario
from drapolicy.workload import Arrival
from drapolicy.workload.arrivals import redrawn


@pytest.fixture(autouse=True, scope="module")
def few_evictions() -> Iterator[None]:
    """Give up soon where a taint throws a pod off again and again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stays, "MOST_EVICTIONS", 4)
        yield


QUICK = ("first-fit", "random", "kube-scheduler")
SEEDS = st.integers(0, 10**6)
NAMES = st.sampled_from(QUICK)


def played(scenario: Scenario, name: str, seed: int = 1, **more: Any) -> Play:
    return play(scenario, POLICIES[name], seed, quality=False, **more)


@settings(max_examples=20)
@given(SEEDS, NAMES)
def test_nothing_is_given_twice_and_nothing_is_lost(seed: int, name: str) -> None:
    """After each time the books are those of claims and pods, and each placement passes the independent checker."""
    found = played(a_scenario(seed), name, check=True)
    records, series = found.records, found.series
    started = records.column("started_ns") >= 0
    assert int(series.evicted[-1]) == records.column("evictions").sum()
    left = started & (records.column("finished_ns") < 0)
    assert (int(series.running[-1]), int(series.waiting[-1])) == (left.sum(), (~started).sum())
    assert (series.drawn >= 0).all()
    for record in records:
        assert (record.reason == "") is (record.started_ns is not None)
        assert record.started_ns is None or record.started_ns >= record.arrived_ns + record.lost_ns
        assert record.preemptions <= record.evictions


@settings(max_examples=12)
@given(SEEDS, NAMES)
def test_lines_and_hints_change_nothing(seed: int, name: str) -> None:
    """Who is not tried because another one like it was refused would have been refused."""
    scenario = a_scenario(seed)
    alone = itertools.count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Run, "_kind", lambda *_: next(alone))
        patch.setattr(_Run, "_freed", lambda self, _: self.queue.freed())
        naive = played(scenario, "first-fit" if name == "random" else name)
    found = played(scenario, "first-fit" if name == "random" else name)
    assert [outcome(r) for r in found.records] == [outcome(r) for r in naive.records]
    assert found.series == naive.series
    assert found.decisions <= naive.decisions


@settings(max_examples=15)
@given(SEEDS, NAMES, st.booleans())
def test_of_a_gang_enough_run_or_none(seed: int, name: str, joint: bool) -> None:
    """At any time so many of a group run as must, or as many as are not done; whatever befalls the fleet."""
    scenario = a_scenario(seed, incidents=10)
    groups: dict[str, list[tuple[str, Arrival]]] = {}
    for number, arrival in enumerate(redrawn(scenario.workload.arrivals, 1)):
        if arrival.group and arrival.at_least:
            name_of = scenario.workload.ask(arrival, number).name
            groups.setdefault(arrival.group, []).append((name_of, arrival))
    states: list[set[str]] = []

    def watch(moment: Moment) -> None:
        states.append(set(moment.state.running))

    found = played(scenario, name, watch=watch, groups=Greedy(POLICIES[name]) if joint else None)
    done = {r.name: r.finished_ns for r in found.records if r.finished_ns is not None}
    for now, running in zip(found.series.time_ns.tolist(), states, strict=True):
        for members in groups.values():
            names = {member for member, _ in members}
            left = {member for member in names if done.get(member, now + 1) > now}
            running_now = len(names & running)
            assert running_now == 0 or running_now >= min(members[0][1].at_least, len(left))


def outcome(record: Any) -> tuple[Any, ...]:
    return record.name, record.started_ns, record.finished_ns, record.node, record.devices, record.evictions


def snapshot(state: State) -> tuple[Any, ...]:
    """Return all that a policy could see of a state."""
    rooms = [(dict(state.rooms.taken(n)), room.pods) for n, room in enumerate(state.rooms)]
    running = {name: one.node for name, one in state.running.items()}
    conditions = state.conditions
    told = conditions.away, conditions.cordoned, conditions.failed, dict(conditions.rules)
    return dict(state.held), dict(state.allocated.taken), rooms, running, told


@settings(max_examples=10)
@given(SEEDS, NAMES)
def test_every_moment_can_be_seen_again(tmp_path_factory: pytest.TempPathFactory, seed: int, name: str) -> None:
    """The log tells the state after each time of the play."""
    path = tmp_path_factory.mktemp("log") / "play.jsonl"
    scenario = a_scenario(seed)
    moments: dict[int, tuple[Any, ...]] = {}

    def watch(moment: Moment) -> None:
        moments[moment.now_ns] = snapshot(moment.state)

    played(scenario, name, log=path, watch=watch)
    told: dict[int, tuple[Any, ...]] = {}
    for happened in replay(scenario, path):
        told[happened.now_ns] = snapshot(happened.state)
    for now_ns, seen in told.items():
        assert seen == moments[now_ns]
    middle = sorted(moments)[len(moments) // 2]
    assert snapshot(state_at(scenario, path, middle)) == moments[middle]


@settings(max_examples=10)
@given(SEEDS, NAMES, st.floats(0, 1), st.integers(1, 7), st.sampled_from(["", "backfill"]))
def test_a_play_that_broke_off_goes_on_as_if_it_had_not(  # noqa: PLR0917 - what a play depends on
    tmp_path_factory: pytest.TempPathFactory, seed: int, name: str, part: float, marked: int, queue: str
) -> None:
    """Cut off at any byte and continued, with the policy's own draws: the same play, and the same bytes."""
    folder = tmp_path_factory.mktemp("log")
    scenario = a_scenario(seed, arrivals=15, incidents=5, queue=queue)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_of, "MARKED", marked)
        whole = played(scenario, name, log=folder / "whole.jsonl")
        text = (folder / "whole.jsonl").read_bytes()
        (folder / "cut.jsonl").write_bytes(text[: int(part * len(text))])
        again = played(scenario, name, log=folder / "cut.jsonl")
    assert again == whole == played(scenario, name)
    assert (folder / "cut.jsonl").read_bytes() == text


def test_a_whole_log_is_read_and_nobody_is_asked(tmp_path: Path) -> None:
    """The same play without a decision; its file stays as it is."""
    scenario = a_scenario(4)
    first = played(scenario, "random", log=tmp_path / "play.jsonl")
    text = (tmp_path / "play.jsonl").read_bytes()
    second = played(scenario, "random", log=tmp_path / "play.jsonl")
    assert (second, second.answers_found) == (first, 0)
    assert (tmp_path / "play.jsonl").read_bytes() == text


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from drapolicy.policies import POLICIES
from drapolicy.simulate import play
from drapolicy.testing.scenarios import a_scenario
for seed in (3, 4, 5):
    play(a_scenario(seed), POLICIES["random"], 2, quality=False, log=f"{sys.argv[1]}/{seed}.jsonl")
"""


def test_the_same_seed_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Logs of other processes, with other hashes of texts, are equal byte for byte."""
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
        command = [sys.executable, "-c", CHILD, str(tmp_path / number)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": number})
    for seed in (3, 4, 5):
        texts = [(tmp_path / number / f"{seed}.jsonl").read_bytes() for number in ("1", "2")]
        assert texts[0] == texts[1] != b""


def lines_of(path: Path) -> Iterator[bytes]:
    return iter(path.read_bytes().splitlines(keepends=True))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace(b'"seed":1', b'"seed":2', 1), "log of another play \\(seed\\)"),
        (lambda text: text.replace(b'"format":1', b'"format":9', 1), "line 1: is of format 9; this version reads 1"),
        (lambda text: b"{}\n" + text, "line 1: is no line of a log"),
        (lambda text: b"\x80\x04K\x01.\n", "line 1: is no line of a log"),
        (lambda text: text + text, "a log has one head, its first line"),
        (lambda text: text.replace(b'"do":"finish"', b'"do":"vanish"', 1), "is no line of a log"),
        (lambda text: text.replace(b'"t":', b'"t":9,"u":', 1), "is no line of a log"),
        (lambda text: text.replace(b'"unit":0', b'"unit":3', 1), "is not what this play comes to"),
        (
            lambda text: text.replace(b'"node":"node-0"', b'"node":"node-9"', 1),
            "starts twice or on a node that is not there",
        ),
        (
            lambda text: text.replace(b'"device":"device-0"', b'"device":"device-9"', 1),
            "gets a device that node-1 does not have",
        ),
    ],
    ids=[
        "seed",
        "format",
        "no head",
        "pickle",
        "twice",
        "unknown line",
        "unknown field",
        "another unit",
        "no node",
        "no device",
    ],
)
def test_what_is_no_log_of_the_play_is_refused(tmp_path: Path, spoil: Any, message: str) -> None:
    """By line, and the file stays as it was."""
    scenario = a_scenario(0)
    path = tmp_path / "play.jsonl"
    played(scenario, "first-fit", log=path)
    spoilt = spoil(path.read_bytes())
    path.write_bytes(spoilt)
    with pytest.raises(InputError, match=message):
        played(scenario, "first-fit", log=path)
    assert path.read_bytes() == spoilt


def test_logs_of_other_scenarios_are_refused(tmp_path: Path) -> None:
    """A replay needs the inputs of the play."""
    played(a_scenario(0), "first-fit", log=tmp_path / "play.jsonl")
    with pytest.raises(InputError, match="log of another scenario \\(other .*workload"):
        next(replay(a_scenario(1), tmp_path / "play.jsonl"))
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        next(replay(a_scenario(1), tmp_path / "empty.jsonl"))
    with pytest.raises(InputError, match="cannot be read"):
        next(replay(a_scenario(1), tmp_path / "missing.jsonl"))
