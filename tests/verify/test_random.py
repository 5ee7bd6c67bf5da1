"""The checker agrees with the reference search: no alarm on what it finds, and nothing accepted that it would not find."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from drapolicy.errors import VerificationError
from drapolicy.inventory.pools import Gatherer
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, Fits
from drapolicy.problem.reference import Allocator
from drapolicy.problem.solution import Solution, Taken
from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import FEATURES
from drapolicy.testing.build import Placed
from drapolicy.testing.generate import Case, problem
from drapolicy.testing.mutate import MUTATIONS, Mutation
from drapolicy.verify import verify, violations
from drapolicy.verify.capacity import NotRepresentableError, consumed

DEFAULT = release("1.37")
# Every allocator feature of each release, and the default gates of the newest.
RELEASES = {"1.37, default gates": DEFAULT} | {
    minor: release(minor).with_features(FEATURES[minor]).with_variant("experimental") for minor in MINORS
}
CHUNKS, PLACEMENTS = 20, 500


def reference(case: Case) -> tuple[Allocator, Gatherer]:
    slices = with_taint_rules(case.objects.slices, case.objects.taint_rules, case.release)
    pools = Gatherer(slices, case.release)
    allocated = AllocatedState.from_claims(case.existing, case.release)
    classes = {item.metadata.name: item for item in case.objects.classes}
    return Allocator(case.release, allocated, classes, slices, pools=pools), pools


def placements(seeds: Iterator[int], kubernetes: Release = DEFAULT, orders: int = 2) -> Iterator[Placed]:
    """Good placements: what the reference finds with the devices in random orders."""
    for seed in seeds:
        case = problem(seed, release=kubernetes)
        allocator, pools = reference(case)
        order = list(range(sum(len(pool.devices) for pool in pools(case.node))))
        for again in range(orders):
            random.Random(f"{seed}/{again}").shuffle(order)
            found = allocator.allocate(case.node, case.claims, order=order, max_steps=2000)
            if not isinstance(found, Fits):
                break
            yield Placed(case.objects, case.node, case.claims, found.results, case.existing, kubernetes)


def alarms(placed: Placed) -> list[str]:
    found = violations(
        placed.objects, placed.node, placed.claims, placed.results, placed.release, existing=placed.existing
    )
    return [str(error) for error in found]


@pytest.mark.parametrize("name", RELEASES)
def test_no_alarm_on_good_placements(name: str) -> None:
    """A placement that the reference found breaks no rule of its release, in whatever order it looked at the devices."""
    for placed in itertools.islice(placements(itertools.count(), RELEASES[name]), 200):
        assert alarms(placed) == []


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_alarm_on_ten_thousand_good_placements(chunk: int) -> None:
    """The same for ten thousand more, so that rare meetings of rules are seen too."""
    seeds = itertools.count((chunk + 1) * 1_000_000)
    kubernetes = [*RELEASES.values()][chunk % len(RELEASES)]
    for placed in itertools.islice(placements(seeds, kubernetes), PLACEMENTS):
        assert alarms(placed) == []


def assignments(case: Case, pools: Gatherer, most: int) -> Iterator[Solution]:
    """All ways to give each request some devices, right or wrong; none if there are more than ``most``."""
    devices = [device for pool in pools(case.node) for device in pool.devices]
    fractional = "FractionalCapacityRange" in case.release.features
    wraps = not case.release.behaviour.capacity_errors_abort
    choices: list[list[tuple[Taken, ...]]] = []
    total = 1
    for number, claim in enumerate(case.claims):
        for index, request in enumerate(claim.spec.devices.requests):
            here: list[tuple[Taken, ...]] = []
            for other, asked in enumerate([request.exactly] if request.exactly else request.first_available):
                wanted = asked.capacity.requests if asked.capacity else {}
                shares = {}
                for device in devices:
                    try:
                        amounts = {
                            name: consumed(wanted.get(name), capacity, fractional=fractional, wraps=wraps)
                            for name, capacity in device.api.capacity.items()
                        }
                    except NotRepresentableError:
                        amounts = {}
                    shares[device.index] = amounts if device.shareable else None
                counts = range(1, len(devices) + 1) if asked.allocation_mode == "All" else [asked.count]
                here += [
                    tuple(Taken(number, index, other, device, shares[device.index]) for device in chosen)
                    for count in counts
                    for chosen in itertools.combinations(devices, count)
                ]
            choices.append(here)
            total *= len(here)
    if total > most:
        return
    for combination in itertools.product(*choices):
        taken: list[list[Taken]] = [[] for _ in case.claims]
        alternatives: list[list[int]] = [[] for _ in case.claims]
        for chosen in combination:
            taken[chosen[0].claim] += chosen
            alternatives[chosen[0].claim].append(chosen[0].alternative)
        yield Solution(tuple(map(tuple, taken)), tuple(map(tuple, alternatives)))


def devices_of(solution: Solution) -> tuple[frozenset[object], ...]:
    return tuple(
        frozenset((entry.request, entry.alternative, entry.device.id) for entry in taken) for taken in solution.taken
    )


def compare(seed: int, kubernetes: Release) -> bool:
    """Compare the answers to one tiny problem; False where they cannot be listed."""
    case = problem(seed, size="tiny", release=kubernetes)
    allocator, pools = reference(case)
    findable = set()

    def visit(solution: Solution) -> bool:
        findable.add(devices_of(solution))
        return False

    if isinstance(allocator.allocate(case.node, case.claims, visit=visit), Abort):
        return False
    valid, tried = set(), 0
    for solution in assignments(case, pools, most=1000):
        tried += 1
        made = allocator.results(case.node, case.claims, solution)
        assert isinstance(made, Fits)
        if not alarms(Placed(case.objects, case.node, case.claims, made.results, case.existing, kubernetes)):
            valid.add(devices_of(solution))
    if forgetful(case):
        assert not tried or valid >= findable, f"seed {seed}"
    else:
        assert not tried or valid == findable, f"seed {seed}"
    return tried > 0


def forgetful(case: Case) -> bool:
    """Whether the search may miss, or may find by luck, what its release allows: constraints up to 1.36."""
    constrained = any(claim.spec.devices.constraints for claim in case.claims)
    return constrained and not case.release.behaviour.remembers_all_distinct


@pytest.mark.parametrize("name", ["1.37, default gates", "1.37", "1.36"])
def test_valid_is_what_the_search_can_find(name: str) -> None:
    """Of all assignments of a tiny problem exactly those pass that the exhaustive search completes (I6)."""
    assert sum(compare(seed, RELEASES[name]) for seed in range(80)) >= 35


@pytest.fixture(scope="module")
def good() -> list[Placed]:
    """Random good placements of each release to break."""
    return [
        placed
        for name in RELEASES
        for placed in itertools.islice(placements(itertools.count(5_000_000), RELEASES[name], orders=1), 80)
    ]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.rule}-{mutation.name}")
def test_mutations_of_random_placements_are_found(mutation: Mutation, good: list[Placed]) -> None:
    """A broken random placement is never accepted, and the broken rule is among those that are named."""
    mutants = [mutant for placed in good for mutant in mutation.mutants(placed)[:2]]
    assert mutants, "the mutation applies to no placement"
    for mutant in mutants:
        with pytest.raises(VerificationError):
            verify(mutant.objects, mutant.node, mutant.claims, mutant.results, mutant.release, existing=mutant.existing)
        assert any(text.startswith(f"{mutation.rule}: ") for text in alarms(mutant))
