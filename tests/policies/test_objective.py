"""Objectives: terms with a sense and bounds, sums, levels, and the way to another process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drapolicy.errors import InputError, SolverError, UnsupportedFeatureError
from drapolicy.policies import Objective, Rule, inside, links_lost, objective, still_placeable
from drapolicy.policies.objective import Term, as_objective
from drapolicy.problem.local import LocalProblem
from drapolicy.testing.simple import claim, request, row


@objective(sense="max", unit="devices", bounds=(0, 10))
def most(node: LocalProblem, chosen: Any) -> int:
    """Number of devices."""
    return int(chosen.size)


@objective(sense="min", unit="devices", bounds=(0, 10))
def unused(node, left):
    return left.size


@objective(sense="max", unit="devices", bounds=(0, 100))
def both(node, chosen, left):
    return 10 * chosen.size + left.size


@pytest.mark.parametrize(
    ("value", "levels"),
    [
        (most, [[(1, "most")]]),
        (unused, [[(-1, "unused")]]),
        (most - 3 * unused, [[(1, "most"), (-3, "unused")]]),
        (2 * most + both, [[(2, "most"), (1, "both")]]),
        (most * 4 - unused, [[(4, "most"), (-1, "unused")]]),
        (-unused, [[(-1, "unused")]]),
        (np.int64(2) * as_objective(most), [[(2, "most")]]),
        (Objective().then(unused, most), [[(-1, "unused")], [(1, "most")]]),
        ((most - unused).then(both), [[(1, "most"), (-1, "unused")], [(1, "both")]]),
        (None, []),
    ],
)
def test_algebra(value: Objective | Term | None, levels: list[list[tuple[int, str]]]) -> None:
    """Terms add up with weights, min terms by subtraction; then() puts sums in order."""
    assert [[(w, term.name) for w, term in level] for level in as_objective(value).levels] == levels


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: most + unused, "objective unused: sense is min, so subtract it"),
        (lambda: most - both, "objective both: sense is max, so add it"),
        (lambda: Rule(-most), "objective most: sense is max, so add it"),
        (lambda: Rule(2 * unused), "objective unused: sense is min, so subtract it"),
        (lambda: most.__mul__(1.5), "objective: weight 1.5 is not an integer; scale the unit instead"),
        (
            lambda: Objective().then(most, unused) + most,
            "objective: only single sums can be added; use then() to put objectives in order",
        ),
    ],
)
def test_wrong_sums_are_refused(make: Callable[[], object], message: str) -> None:
    """A term against its sense, a weight that is no integer and a sum of levels are errors that say what to do."""
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("function", "options", "error", "message"),
    [
        (lambda: 0, {}, InputError, "parameters are none; use node and then chosen, left, before, room, rank"),
        (lambda node: 0, {}, InputError, "parameters are node; use node"),
        (lambda chosen: 0, {}, InputError, "parameters are chosen; use node"),
        (lambda node, devices: 0, {}, InputError, "parameters are node, devices; use node"),
        (lambda node, members: 0, {}, UnsupportedFeatureError, "parameter members is not supported yet"),
        (lambda node, left: 0, {"sense": "best"}, InputError, "sense 'best' is neither 'max' nor 'min'"),
        (lambda node, left: 0, {"bounds": (1, 0)}, InputError, "bounds 1..0 are empty; put the lower first"),
    ],
)
def test_wrong_terms_are_refused(
    function: Callable[..., int], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """A function that asks for what there is not, and a sense or bounds that are none, are errors."""
    with pytest.raises(error) as caught:
        objective(**{"sense": "max", "unit": "", "bounds": (0, 1)} | options)(function)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (11, "returned 11, outside its bounds 0..10; widen them"),
        (-1, "returned -1, outside its bounds 0..10; widen them"),
        (0.5, "returned 0.5, which is not an integer; round it"),
        (None, "returned None, which is not an integer; round it"),
        (np.array([1]), "which is not an integer; round it"),
    ],
)
def test_values_keep_their_promise(local: Any, value: object, message: str) -> None:
    """What a term returns is an integer within its bounds, or the term is named."""
    term = objective(sense="max", unit="", bounds=(0, 10))(lambda node, chosen: value)
    node = local(row(nodes=1, devices=2), claim("c", request(1)))
    with pytest.raises(SolverError) as caught:
        as_objective(term).of(node, np.array([0]))
    assert str(caught.value).startswith("objective <lambda>: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_integers_of_all_kinds_count(local: Any, value: object) -> None:
    """Python's and numpy's integers are integers."""
    term = objective(sense="max", unit="", bounds=(0, 10))(lambda node, chosen: value)
    node = local(row(nodes=1, devices=2), claim("c", request(1)))
    score = as_objective(term).of(node, np.array([0]))
    assert score == (3,)
    assert type(score[0]) is int


def test_a_term_sees_what_it_names(local: Any) -> None:
    """``chosen`` and ``left`` are indices; left are the free devices of the drivers that are not chosen."""
    node = local(row(nodes=1, devices=5), claim("c", request(2)))
    chosen = np.array([1, 3])
    rule = Objective().then(most - unused, both)
    assert rule.of(node, chosen) == (2 - 3, 20 + 3)
    assert rule.by_term(node, chosen) == {"most": 2, "unused": 3, "both": 23}
    assert rule.neutral == (0, 0)
    assert (most.sees, unused.sees, both.sees) == (("chosen",), ("left",), ("chosen", "left"))
    assert most.doc == "Number of devices."


def test_shipped_terms_are_the_same_after_pickling() -> None:
    """A shipped objective comes back as it was, term for term."""
    made = Objective().then(inside, links_lost, still_placeable)
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_term_of_a_module_reaches_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's term is pickled by its name; where its module is missing that is an error, not an empty term."""
    code = (
        "from drapolicy.policies import objective\n"
        "@objective(sense='max', unit='devices', bounds=(0, 9))\n"
        "def size(node, chosen):\n"
        "    return chosen.size\n"
    )
    (tmp_path / "my_terms.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import my_terms  # type: ignore[import-not-found]

    sent = pickle.dumps(Rule(my_terms.size, name="mine"))
    script = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).objective.terms[0].sees)"
    path = ":".join(filter(None, sys.path))

    def elsewhere(where: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", script], input=sent, capture_output=True, check=False, env={"PYTHONPATH": where}
        )

    assert elsewhere(path).stdout == b"('chosen',)\n"
    assert b"No module named 'my_terms'" in elsewhere(path.replace(str(tmp_path), "")).stderr


def test_a_term_that_is_gone_is_named() -> None:
    """A module without the term is an error that names both."""
    from drapolicy.policies.term import _named

    with pytest.raises(
        SolverError, match=r"objective gone: module drapolicy\.policies\.objectives\.bandwidth has no term of this name"
    ):
        _named("drapolicy.policies.objectives.bandwidth", "gone")


def test_a_local_term_cannot_be_pickled() -> None:
    """A term inside a function cannot be found from outside, and pickling says so."""

    @objective(sense="max", unit="", bounds=(0, 1))
    def hidden(node, chosen):
        return 0

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(hidden)


@objective(
    sense="max",
    unit="",
    bounds=(0, 100),
    over=lambda node, chosen: (chosen * np.arange(chosen.shape[1])).sum(axis=1),
)
def places(node: LocalProblem, chosen: Any) -> int:
    """Sum of the devices' positions, with a form for many choices at once."""
    return int(chosen.sum())


def test_many_choices_score_as_each_alone(local: Callable[..., LocalProblem]) -> None:
    """Whether a term has a form for many choices or not, and with weights."""
    node = local(row(nodes=1, devices=4), claim("c", request(2)))
    masks = np.array([[True, True, False, False], [False, True, False, True], [False] * 4])
    aim = (2 * places).then(unused, both - unused)
    scores = aim.of_many(node, masks)
    assert [tuple(score) for score in scores.tolist()] == [aim.of(node, np.flatnonzero(mask)) for mask in masks]


@objective(sense="max", unit="", bounds=(0, 2**62))
def huge(node: LocalProblem, chosen: Any) -> int:
    """Leaves 64 bits once it has a weight."""
    return 2**62


def test_scores_beyond_64_bits_stay_exact(local: Callable[..., LocalProblem]) -> None:
    """Weights may make more of a term than an int64 holds."""
    node = local(row(nodes=1, devices=2), claim("c", request(1)))
    masks = np.array([[True, False], [False, True]])
    assert (8 * huge).of_many(node, masks).tolist() == [[2**65], [2**65]]


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (lambda node, chosen: chosen.sum(axis=1) / 2, "over returned float64"),
        (lambda node, chosen: chosen.sum(axis=0), r"of shape \(3,\), not 1 integers"),
        (lambda node, chosen: chosen.sum(axis=1) + 100, "returned 101, outside its bounds 0..100"),
    ],
)
def test_what_a_form_for_many_choices_returns_is_checked(
    local: Callable[..., LocalProblem], over: Any, message: str
) -> None:
    """It must be one integer a choice, within the bounds."""
    node = local(row(nodes=1, devices=3), claim("c", request(1)))
    wrong = objective(sense="max", unit="", bounds=(0, 100), over=over)(places.function)
    with pytest.raises(SolverError, match=message):
        wrong.of_many(node, np.array([[True, False, False]]), np.zeros((1, 3), bool))


def test_a_form_for_many_choices_sees_what_the_term_sees() -> None:
    """Other parameters are refused when the term is made."""
    with pytest.raises(InputError, match="over has other parameters than the function; use node, chosen"):
        objective(sense="max", unit="", bounds=(0, 1), over=lambda node, left: left)(places.function)
