"""Philly's job log, after its published fields: what an entry becomes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload import Wanted, read_philly


def attempt(start: str | None, end: str | None, *gpus: int) -> dict[str, Any]:
    """Return an attempt on servers with so many GPUs each."""
    detail = [{"ip": f"m{n}", "gpus": [f"gpu{g}" for g in range(count)]} for n, count in enumerate(gpus)]
    return {"start_time": start, "end_time": end, "detail": detail}


def entry(name: str, submitted: Any, *attempts: Any, vc: Any = "v1") -> dict[str, Any]:
    """Return a job of the log."""
    return {
        "status": "Pass",
        "vc": vc,
        "jobid": name,
        "user": "u",
        "submitted_time": submitted,
        "attempts": list(attempts),
    }


def written(folder: Path, value: Any) -> Path:
    path = folder / "cluster_job_log"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


AT = "2017-10-07 01:00:00"
JOBS = [
    entry("a", AT, attempt("2017-10-07 01:00:10", "2017-10-07 01:01:10", 8)),
    # Pods are those of the first attempt; the run time reaches to the end of the last.
    entry("b", AT, attempt(AT, "2017-10-07 01:00:30", 2, 4), attempt("2017-10-07 01:10:00", "2017-10-07 01:20:00", 6)),
    entry("c", "2017-10-07 02:00:00", attempt("2017-10-07 02:00:00", None, 1), vc="v2"),
    entry("d", AT),
    entry("e", AT, attempt("None", "None", 1)),
    entry("f", AT, attempt(AT, AT)),
]


def test_entries_become_pods(tmp_path: Path) -> None:
    """A pod for each server of the first attempt; a job that was running still never leaves; what never ran is counted."""
    found = read_philly(written(tmp_path, JOBS))
    assert [(a.time_ns // 10**9, a.duration_ns, a.pod, a.group, a.at_least) for a in found.workload.arrivals] == [
        (0, 60 * 10**9, "v1/gpu8", "", 0),
        (0, 1200 * 10**9, "v1/gpu2", "b", 2),
        (0, 1200 * 10**9, "v1/gpu4", "b", 2),
        (3600, None, "v2/gpu1", "", 0),
    ]
    assert found.notes == (
        "not tried on the original: the reader of philly follows its description",
        "2 jobs without an attempt, or whose first has no start were left out",
        "1 jobs whose first attempt has no GPUs were left out",
    )


BAD = [
    ("no object", 5, "entry 0", "", "5 is no object"),
    ("id of another kind", entry(7, AT), "entry 0", "jobid", "7 is no text of one line"),  # type: ignore[arg-type]
    ("an id of two lines", entry("a\n", AT), "entry 0", "jobid", "is no text of one line"),
    ("no id", {"submitted_time": AT}, "entry 0", "jobid", "is empty; give each job its id"),
    ("no submission", entry("x", ""), "entry 0 (x)", "submitted_time", "is empty; say when the job was submitted"),
    ("no time", entry("x", "noon"), "entry 0 (x)", "submitted_time", "'noon' is not a time like 2017-10-07 01:11:39"),
    (
        "backwards",
        entry("x", AT, attempt(AT, "2017-10-07 00:59:59", 1)),
        "entry 0 (x)",
        "attempts[0].end_time",
        "2017-10-07 00:59:59 is not within ten years after start_time",
    ),
    (
        "last ends before first begins",
        entry("x", AT, attempt(AT, None, 1), attempt("2016-01-01 00:00:00", "2016-01-01 00:00:01", 1)),
        "entry 0 (x)",
        "attempts[1].end_time",
        "is before the first attempt's start_time",
    ),
    (
        "a GPU twice",
        entry("x", AT, {"start_time": AT, "detail": [{"gpus": ["g", "g"]}]}),
        "entry 0 (x)",
        "attempts[0].detail[0].gpus",
        "names a GPU twice",
    ),
    (
        "too many GPUs",
        entry("x", AT, attempt(AT, AT, 33)),
        "entry 0 (x)",
        "attempts[0].detail[0].gpus",
        "33 GPUs; a claim holds at most 32",
    ),
]


@pytest.mark.parametrize(("name", "value", "where", "path", "told"), BAD, ids=[row[0] for row in BAD])
def test_faulty_entries_are_told(tmp_path: Path, *, name: str, value: Any, where: str, path: str, told: str) -> None:
    """Each with its position, id, field and value; a lenient reader leaves it out."""
    log = written(tmp_path, [value, *JOBS])
    with pytest.raises(InputError) as caught:
        read_philly(log)
    (fault,) = caught.value.faults
    assert (fault.file, fault.object, fault.path) == (str(log), where, path)
    assert told in fault.message
    assert len(read_philly(log, Wanted(lenient=True)).workload.arrivals) == 4


def test_all_faults_of_an_entry_come_together(tmp_path: Path) -> None:
    """Each field that is wrong, also a key that is given twice, which other readers let pass."""
    text = f'''[{{"jobid": "a", "vc": 5, "vc": 6, "submitted_time": NaN, "attempts": [7, {{"start_time": "{AT}",
        "detail": 5, "end_time": "noon"}}]}}]'''
    with pytest.raises(InputError) as caught:
        read_philly(written(tmp_path, text))
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [
        ("entry 0 (a)", path) for path in ("vc", "submitted_time", "vc", "attempts[0]", "attempts[1].end_time")
    ]


def test_clocks_that_are_put_back_do_no_harm(tmp_path: Path) -> None:
    """In the night to 2017-11-05 one hour came twice: a run may end at an earlier time than it began, on that night."""
    early, late = "2017-11-05 01:10:00", "2017-11-05 01:50:00"
    found = read_philly(written(tmp_path, [entry("a", late, attempt(late, early, 1))]))
    assert found.workload.arrivals[0].duration_ns == 20 * 60 * 10**9
    other = [text.replace("05 ", "06 ") for text in (late, early)]
    with pytest.raises(InputError, match="is not within ten years after start_time"):
        read_philly(written(tmp_path, [entry("a", late, attempt(*other, 1))]))


def test_all_faults_come_together(tmp_path: Path) -> None:
    """Also a job that is there twice."""
    with pytest.raises(InputError) as caught:
        read_philly(written(tmp_path, [*(row[1] for row in BAD), *JOBS, JOBS[0]]))
    assert {fault.object.partition(" (")[0] for fault in caught.value.faults} >= {f"entry {n}" for n in range(len(BAD))}
    assert caught.value.faults[-1].message == f"'a' is entry {len(BAD)} too; keep one"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1: not JSON: the text ends too early"),
        ('{"a": 1}', "is not one list of jobs; give cluster_job_log"),
        ("", "is not one list of jobs"),
        ("[]\n[]", "is not one list of jobs"),
        ('[\n"a" "b"]', "line 2: not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """Whatever it is, lenient or not."""
    for wanted in (Wanted(), Wanted(lenient=True)):
        with pytest.raises(InputError, match=told):
            read_philly(written(tmp_path, text), wanted)


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just([]) | st.just({}) | st.just([7])
TIMES = st.sampled_from([AT, "2017-10-07 02:00:00", "None", "", "noon", "9999-12-31 23:59:59"])


def test_jobs_of_other_ages_are_refused(tmp_path: Path) -> None:
    """A wrong century would be an arrival that nobody lives to see; a few days of it can be taken."""
    late = entry("late", "2117-10-07 01:00:00", attempt("2117-10-07 01:00:00", None, 1))
    path = written(tmp_path, [*JOBS, late])
    with pytest.raises(InputError, match="job a: is submitted more than ten years before job late"):
        read_philly(path)
    assert len(read_philly(path, Wanted(days=1)).workload.arrivals) == 4


def mostly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is expected, and now and then anything."""
    return st.one_of(strategy, strategy, strategy, JSON)


GPUS = mostly(st.lists(st.sampled_from(["gpu0", "gpu1"]), max_size=3))
DETAIL = mostly(
    st.lists(mostly(st.fixed_dictionaries({"gpus": GPUS}, optional={"ip": mostly(st.just("m1"))})), max_size=2)
)
ATTEMPT = mostly(
    st.fixed_dictionaries({}, optional={"start_time": mostly(TIMES), "end_time": mostly(TIMES), "detail": DETAIL})
)
ENTRY = mostly(
    st.fixed_dictionaries(
        {"jobid": mostly(st.sampled_from("abc")), "submitted_time": mostly(TIMES)},
        optional={"attempts": mostly(st.lists(ATTEMPT, max_size=3)), "vc": mostly(st.text(max_size=3))},
    )
)


@given(st.lists(ENTRY, max_size=4))
def test_nothing_else_can_happen(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    """Any entries are read, or refused with faults that name them; the lenient reader takes exactly the sound ones."""
    path = written(tmp_path_factory.mktemp("log"), value)
    lenient = read_philly(path, Wanted(lenient=True))
    try:
        found = read_philly(path)
    except InputError as error:
        wrong = {int(fault.object.split()[1]) for fault in error.faults}
        sound = [item for number, item in enumerate(value) if number not in wrong]
        assert wrong <= set(range(len(value)))
        found = read_philly(written(tmp_path_factory.mktemp("log"), sound))
    assert lenient.workload.arrivals == found.workload.arrivals
