"""All runs together: the same in any number of processes, named as the paper's tables name them."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.evaluate.fgd import Experiment, named, run_all, write_tables
from drapolicy.workload.openb import NodeRow, Order, PodRow, Stream, Trace

TRACE = Trace(
    "made",
    tuple(PodRow(f"p-{n}", 500 * (n % 4), 1, n % 3 and 1, (n % 3) * 400, ()) for n in range(20)),
    tuple(NodeRow(f"n-{n}", 8_000, 1_000, 1 + n % 2, "T4") for n in range(4)),
)
STREAM = Stream(1.2, {7: Order((0, 1, 2, 4, 5, 7, 8), (3, 1, 0, 2))})


def test_runs_are_the_same_in_any_number_of_processes() -> None:
    """In the order of policies, then seeds; progress is told of each."""
    given = Experiment(TRACE, ("fgd", "random", "fgd:rounded=false"), (42, 43))
    told: list[tuple[int, int]] = []
    one = run_all(given, jobs=1, progress=lambda done, total, _: told.append((done, total)))
    two = run_all(given, jobs=2)
    assert [(run.policy, run.seed) for run in one] == [
        (policy, seed) for policy in ("06-FGD", "01-Random", "fgd:rounded=false") for seed in (42, 43)
    ]
    assert told == [(n, 6) for n in range(1, 7)]
    for run, other in zip(one, two, strict=True):
        assert (run.policy, run.seed) == (other.policy, other.seed)
        assert np.array_equal(run.allocated, other.allocated)
        assert np.array_equal(run.wasted, other.wasted)


def test_recorded_orders_are_played(tmp_path) -> None:
    """A stream says what arrives, and which ratio the tables tell."""
    given = Experiment(TRACE, ("best-fit",), (7,), STREAM)
    (run,) = run_all(given, jobs=1)
    assert len(run.arrived) == 7
    files = write_tables([run], TRACE.name, given.ratio, tmp_path)
    allocation, fragmentation = (path.read_text().splitlines() for path in files[:2])
    assert allocation[0].startswith("workload,sc_policy,tune,seed,total_gpus,0,1,2,")
    assert fragmentation[0].startswith("workload,sc_policy,tune,seed,0,1,2,")
    assert all(lines[0].endswith(",129,130") for lines in (allocation, fragmentation))
    assert allocation[1].startswith("made,05-BestFit,1.2,7,6,")
    assert fragmentation[1].startswith("made,05-BestFit,1.2,7,")
    assert {len(line.split(",")) for line in allocation} == {136}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("policies", "seeds", "stream", "error", "words"),
    [
        ((), (1,), None, InputError, "no policy is given"),
        (("fgd",), (), None, InputError, "no seed is given"),
        (("fgd", "fgd"), (1,), None, InputError, "policy fgd is given twice"),
        (("fgd",), (1, 1), None, InputError, "seed 1 is given twice"),
        (("nobody",), (1,), None, UnknownReferenceError, "policy 'nobody': unknown"),
        (("fgd",), (7, 8, 9), STREAM, UnknownReferenceError, "seeds 8, 9: not in the stream, which has 7"),
    ],
)
def test_what_cannot_be_played_is_refused_first(policies, seeds, stream, error, words) -> None:
    """Before anything is played, with what there is."""
    with pytest.raises(error, match=words):
        Experiment(TRACE, policies, seeds, stream)


def test_the_papers_names_are_for_its_policies_as_published() -> None:
    """A policy with other parameters has its own name."""
    assert named("dot-product") == "02-DotProd"
    assert named("fgd:rounded=false") == "fgd:rounded=false"
    assert named("packing") == "packing"
