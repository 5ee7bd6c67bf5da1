"""What a node's answer says of itself."""

from __future__ import annotations

import pytest

from drapolicy.policies.answer import Answer, Proof
from drapolicy.policies.objective import Score
from drapolicy.problem.outcome import NoFit


@pytest.mark.parametrize(
    ("status", "score", "bound", "gap"),
    [
        ("optimal", (5, 3), (), 0),
        ("optimal", (5, 3), (5, 3), 0),
        ("feasible", (5, 3), (), None),
        ("feasible", (5, 3), (9,), 4),
        ("feasible", (5, 3), (5,), None),
        ("feasible", (5, 3), (5, 10), 7),
        ("feasible", (-5,), (-2,), 3),
        ("infeasible", (), (), None),
    ],
)
def test_gap_is_that_of_the_first_level_not_proven(status: Proof, score: Score, bound: Score, gap: int | None) -> None:
    """Levels that reach their bound are proven; the next one says how far, if anything is known of it."""
    assert Answer(NoFit(), score, status, bound=bound).gap == gap


def test_time_does_not_tell_answers_apart() -> None:
    """Two machines that come to the same have the same answer."""
    assert Answer(NoFit(), seconds=1.0) == Answer(NoFit(), seconds=2.0)
    assert Answer(NoFit(), bound=(1,)) != Answer(NoFit(), bound=(2,))
