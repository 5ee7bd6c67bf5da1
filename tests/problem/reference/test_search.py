"""Order, alternatives, limits and backtracking of the search."""

from __future__ import annotations

import itertools
import math
import sys
from typing import Any

import pytest

from drapolicy.errors import InputError
from drapolicy.problem.outcome import Abort, Fits, NoFit, TimedOut
from drapolicy.problem.solution import Solution


def test_the_first_devices_in_order_win(kit: Any) -> None:
    """First fit over pools, slices and devices; nothing is scored (S33)."""
    slices = [kit.slice(["b", "a"], name="s2", count=2), kit.slice(["c"], name="s1", count=2)]
    assert kit.names(kit.allocate(slices, kit.claim(kit.request(count=2)))) == [["c", "b"]]


def test_claims_and_requests_are_served_in_their_order(kit: Any) -> None:
    """Each takes what is first for it."""
    claims = [kit.claim(kit.request("x"), kit.request("y")), kit.claim(kit.request())]
    assert kit.names(kit.allocate([kit.slice(["a", "b", "c"])], *claims)) == [["a", "b"], ["c"]]


def test_too_few_devices_fit_nothing(kit: Any) -> None:
    """No partial answers."""
    assert kit.allocate([kit.slice(["a", "b"])], kit.claim(kit.request(count=3))) == NoFit()


def test_an_early_choice_is_revised_for_a_later_claim(kit: Any) -> None:
    """Backtracking crosses requests and claims (S35)."""
    only_a = {"selectors": [{"cel": {"expression": "device.attributes['gpu.x'].?only.orValue(false)"}}]}
    slices = [kit.slice([{"name": "a", "attributes": {"only": {"bool": True}}}, "b"])]
    claims = [kit.claim(kit.request()), kit.claim(kit.request(**only_a))]
    assert kit.names(kit.allocate(slices, *claims)) == [["b"], ["a"]]


def test_the_first_alternative_that_can_be_completed_wins(kit: Any) -> None:
    """Order of the list, not size; the name says which (S40)."""
    wish = kit.first("r", kit.request("many", 3), kit.request("two", 2), kit.request("one", 1))
    outcome = kit.allocate([kit.slice(["a", "b"])], kit.claim(wish))
    assert isinstance(outcome, Fits)
    assert [device.request for device in outcome.results[0].devices.results] == ["r/two", "r/two"]


def test_an_alternative_gives_way_when_a_later_request_needs_it(kit: Any) -> None:
    """The choice of an early request is revised (S35)."""
    claim = kit.claim(kit.first("r", kit.request("two", 2), kit.request("one", 1)), kit.request("other"))
    assert kit.names(kit.allocate([kit.slice(["a", "b"])], claim)) == [["a", "b"]]


def test_a_claim_holds_32_devices_at_most(kit: Any) -> None:
    """32 fit; 33 are an error, not a lack (S31)."""
    slices = [kit.slice([f"d{i:02}" for i in range(40)])]
    assert len(kit.names(kit.allocate(slices, kit.claim(kit.request(count=32))))[0]) == 32
    outcome = kit.allocate(slices, kit.claim(kit.request("a", 30), kit.request("b", 3)))
    assert outcome == Abort(
        "claim ns/c, request b: adding 3 devices exceeds the claim limit of 32, with 30 already accounted for"
    )


def test_the_limit_sends_a_prioritized_list_to_a_smaller_alternative(kit: Any) -> None:
    """20 + 30 are too many, 2 + 30 are not (S36); the steps taken show that nothing in between was tried."""
    slices = [kit.slice([f"d{i:02}" for i in range(40)])]
    allocator = kit.allocator(slices)
    claim = kit.claim(kit.first("r", kit.request("big", 20), kit.request("small", 2)), kit.request("rest", 30))
    assert len(kit.names(allocator.allocate(kit.node, [claim]))[0]) == 32
    assert allocator.steps == 59


def test_the_limit_counts_per_claim(kit: Any) -> None:
    """Two claims of 32 are fine."""
    slices = [kit.slice([f"d{i:02}" for i in range(64)])]
    claims = [kit.claim(kit.request(count=32)), kit.claim(kit.request(count=32))]
    assert [len(names) for names in kit.names(kit.allocate(slices, *claims))] == [32, 32]


def test_depth_is_bound_by_memory_alone(kit: Any) -> None:
    """A pod with 32 claims of 32 devices goes deeper than Python's recursion limit and leaves it as it was."""
    limit = sys.getrecursionlimit()
    slices = [kit.slice([f"d{k}-{i}" for i in range(128)], name=f"s{k}", count=8) for k in range(8)]
    claims = [kit.claim(kit.request(count=32), name=f"c{i}") for i in range(32)]
    names = kit.names(kit.allocate(slices, *claims))
    assert len(set(itertools.chain(*names))) == 1024
    assert sys.getrecursionlimit() == limit


def test_all_means_every_device_that_matches(kit: Any) -> None:
    """At least one; busy ones make it fail (Q1)."""
    slices = [kit.slice(["a", "b"])]
    assert kit.names(kit.allocate(slices, kit.claim(kit.request(count="All")))) == [["a", "b"]]
    assert kit.allocate(slices, kit.claim(kit.request("x"), kit.request("y", "All"))) == NoFit()
    assert kit.allocate([kit.slice([], name="e")], kit.claim(kit.request(count="All"))) == NoFit()


def test_no_claims_and_no_requests_fit(kit: Any) -> None:
    """Nothing asked, nothing given (Q15)."""
    assert kit.allocate([kit.slice(["a"])]) == Fits(())
    assert kit.names(kit.allocate([kit.slice(["a"])], kit.claim())) == [[]]


def test_a_given_order_is_the_order_in_which_devices_are_tried(kit: Any) -> None:
    """Sets are still tried, not sequences: the second device comes after the first in that order."""
    allocator = kit.allocator([kit.slice(["a", "b", "c"])])
    assert kit.names(allocator.allocate(kit.node, [kit.claim(kit.request(count=2))], order=[2, 0, 1])) == [["c", "a"]]


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 1], [0, 1, 3]])
def test_an_order_that_is_no_permutation_is_refused(kit: Any, order: list[int]) -> None:
    """Each device once."""
    with pytest.raises(InputError, match="3 devices once"):
        kit.allocator([kit.slice(["a", "b", "c"])]).allocate(kit.node, [kit.claim(kit.request())], order=order)


def test_every_assignment_is_visited_once(kit: Any) -> None:
    """Sets inside a request, sequences over requests: 4!/(2! 1!) assignments of two and one of four devices."""
    seen: list[tuple[str, ...]] = []

    def visit(solution: Solution) -> bool:
        seen.append(tuple(entry.device.id.device for entry in solution.taken[0]))
        return False

    claim = kit.claim(kit.request("two", 2), kit.request("one"))
    outcome = kit.allocator([kit.slice("abcd")]).allocate(kit.node, [claim], visit=visit)
    assert outcome == NoFit()
    assert len(seen) == len(set(seen)) == math.comb(4, 2) * 2
    assert seen[0] == ("a", "b", "c")
    assert all(first < second for first, second, _ in seen)


def test_an_accepted_assignment_is_the_result(kit: Any) -> None:
    """The visitor says when to stop; the solution tells devices by position and alternatives."""
    claim = kit.claim(kit.first("r", kit.request("two", 2), kit.request("one")))
    outcome = kit.allocator([kit.slice("abc")]).allocate(
        kit.node, [claim], visit=lambda solution: [entry.device.index for entry in solution.taken[0]] == [1]
    )
    assert kit.names(outcome) == [["b"]]
    chosen: list[tuple[tuple[int, ...], ...]] = []
    kit.allocator([kit.slice("abc")]).allocate(
        kit.node, [claim], visit=lambda solution: bool(chosen.append(solution.alternatives))
    )
    assert chosen == [((0,),)] * 3 + [((1,),)] * 3


def test_errors_behind_the_first_assignment_do_not_end_a_visit(kit: Any) -> None:
    """Upstream would have stopped at the first; a device that fails its selector just does not match."""
    picky = {"selectors": [{"cel": {"expression": "device.attributes['gpu.x'].ok"}}]}
    fine = {"attributes": {"ok": {"bool": True}}}
    slices = [kit.slice([{"name": "a", **fine}, "b", {"name": "c", **fine}])]
    seen: list[str] = []
    kit.allocator(slices).allocate(
        kit.node,
        [kit.claim(kit.request(**picky))],
        visit=lambda solution: bool(seen.append(solution.taken[0][0].device.id.device)),
    )
    assert seen == ["a", "c"]
    assert isinstance(kit.allocate([kit.slice(["b", {"name": "c", **fine}])], kit.claim(kit.request(**picky))), Abort)


def test_limits_stop_the_search_without_an_answer(kit: Any) -> None:
    """Neither fit nor lack is known then."""
    allocator = kit.allocator([kit.slice("abc")])
    claim = kit.claim(kit.request(count=2))
    assert allocator.allocate(kit.node, [claim], max_steps=2) == TimedOut("search stopped after 2 steps")
    outcome = allocator.allocate(kit.node, [claim], timeout_s=0)
    assert outcome == TimedOut("filter operation aborted: context deadline exceeded")
    assert isinstance(allocator.allocate(kit.node, [claim], max_steps=100, timeout_s=60), Fits)


def test_steps_add_up_over_calls(kit: Any) -> None:
    """One for the device, its request, the claim and the end."""
    allocator = kit.allocator([kit.slice("abc")])
    for calls in (1, 2):
        allocator.allocate(kit.node, [kit.claim(kit.request())])
        assert allocator.steps == 4 * calls


def found(kit: Any, minor: str, devices: list[Any], request: Any, **options: Any) -> list[str]:
    """Return every assignment that a caller's search visits, as text."""
    seen: list[str] = []

    def visit(solution: Any) -> bool:
        seen.append(" ".join(taken.device.id.device for taken in solution.taken[0]))
        return False

    allocator = kit.allocator([kit.slice(devices)], kubernetes=kit.everything(minor))
    allocator.allocate(kit.node, [kit.claim(request)], visit=visit, **options)
    return seen


@pytest.mark.parametrize(
    ("minor", "want"), [("1.34", ["d0 d0", "d0 d1"]), ("1.35", ["d0 d0", "d0 d1"]), ("1.36", ["d0 d1"])]
)
def test_a_callers_search_tries_sets_in_every_release(kit: Any, minor: str, want: list[str]) -> None:
    """Upstream's own tries sequences up to 1.35; what is left of that is that a shareable device counts twice (S34)."""
    shared = {"name": "d0", "allowMultipleAllocations": True}
    assert found(kit, minor, [shared, "d1"], kit.request(count=2)) == want


def test_a_callers_search_keeps_its_alternative(kit: Any) -> None:
    """Upstream's own loses it up to 1.35, so that mode All takes one device of two (Q21)."""
    never = {"selectors": [{"cel": {"expression": "false"}}]}
    listed = kit.first("r", kit.request("a", **never), kit.request("b", "All"))
    assert found(kit, "1.35", ["d0", "d1"], listed) == ["d0 d1"]
    own = kit.allocator([kit.slice(["d0", "d1"])], kubernetes=kit.everything("1.35"))
    assert kit.names(own.allocate(kit.node, [kit.claim(listed)])) == [["d0"]]


def test_a_callers_order_comes_to_invalid_pools_last(kit: Any) -> None:
    """In 1.34 the attempt ends there, in upstream's own search as soon as one is next (S25)."""
    slices = [kit.slice(["a", "a"], pool="first"), kit.slice(["d0", "d1"], name="t", pool="second")]
    allocator = kit.allocator(slices, kubernetes=kit.everything("1.34"))
    ended = Abort("pool first is invalid: duplicate device name a")
    assert allocator.allocate(kit.node, [kit.claim(kit.request())]) == ended
    assert kit.names(allocator.allocate(kit.node, [kit.claim(kit.request())], order=[1, 0])) == [["d1"]]
    assert allocator.allocate(kit.node, [kit.claim(kit.request(count=3))], order=[1, 0]) == ended
