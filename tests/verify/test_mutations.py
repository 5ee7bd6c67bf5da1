"""The checker finds every mutation and names the rule that it breaks."""

from __future__ import annotations

import pytest

from drapolicy.errors import VerificationError
from drapolicy.testing.build import Placed
from drapolicy.testing.mutate import MUTATIONS, Mutation
from drapolicy.testing.specimens import specimens
from drapolicy.verify import verify, violations

# Rules that a placement can break, and the limits (S10: configurations and the form of share IDs, S36: results).
RULES = ["S23", "S24", "S25", "S37", "S39", "S41", "S42", "S43", "S44", "S45", "S47", "S48", "S49", "S50", "S51"]
ALPHA = ["S38", "S46", "S52", "S53"]
LIMITS = ["S10", "S36"]
OTHERS = ["S17", "S29", "S30", "S34", "S40", "S55"]


def check(placed: Placed) -> None:
    verify(placed.objects, placed.node, placed.claims, placed.results, placed.release, existing=placed.existing)


@pytest.mark.parametrize("name", specimens())
def test_specimens_are_good(name: str) -> None:
    """What the mutations start from breaks no rule."""
    placed = specimens()[name]
    found = violations(placed.objects, placed.node, placed.claims, placed.results, placed.release)
    assert [str(error) for error in found] == []


@pytest.mark.parametrize("rule", RULES + ALPHA + LIMITS + OTHERS)
def test_every_rule_has_a_mutation(rule: str) -> None:
    """No rule that a placement can break goes without a mutation that breaks it."""
    assert rule in {mutation.rule for mutation in MUTATIONS}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.rule}-{mutation.name}")
def test_mutation_is_named_by_its_rule(mutation: Mutation) -> None:
    """Each mutation of each good placement is found, and the first rule that is named is the one it breaks."""
    mutants = [mutant for placed in specimens().values() for mutant in mutation.mutants(placed)]
    assert mutants, "the mutation applies to no specimen"
    for mutant in mutants:
        with pytest.raises(VerificationError) as caught:
            check(mutant)
        assert caught.value.rule == mutation.rule, str(caught.value)


def test_names_of_mutations_differ() -> None:
    """A failing mutation can be told by its name."""
    names = [mutation.name for mutation in MUTATIONS]
    assert len(names) == len(set(names))
