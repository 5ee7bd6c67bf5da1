"""What every policy must hold, to be run on a policy of one's own: ``check(policy)``.

Each check is a function of a policy that returns nothing or raises :class:`BrokenContract`; :data:`CHECKS` lists them.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from drapolicy import api
from drapolicy.api.core import Pod, PodSpec
from drapolicy.errors import DrapolicyError, VerificationError
from drapolicy.inventory import build
from drapolicy.policies import POLICIES, Engine, Policy
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.outcome import Fits
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import FEATURES
from drapolicy.testing.generate import Case, problem
from drapolicy.testing.simple import ask, ask_with, row
from drapolicy.testing.worlds import mixed
from drapolicy.verify import verify

CASES = 80
_NOT_THERE = 75  # how the other process says that it cannot import the policy's module


class BrokenContract(DrapolicyError):  # noqa: N818 - it names what happened
    """A policy does not keep what every policy must keep; the message says what and where."""


def check(policy: Policy, *, cases: int = CASES) -> None:
    """Run every check on a policy.

    Parameters
    ----------
    policy
        The policy.
    cases
        Random problems for each check that uses them.

    Raises
    ------
    BrokenContract
        For the first check that fails.
    """
    for run in CHECKS.values():
        run(policy, cases)


# Newest first, each as it comes and with every allocator feature: each random problem is for one, in turn.
RELEASES: tuple[Release, ...] = tuple(
    kubernetes
    for minor in reversed(MINORS)
    for kubernetes in (release(minor), release(minor).with_features(FEATURES[minor]))
)


def _case(seed: int) -> Case:
    return problem(seed, release=RELEASES[seed % len(RELEASES)])


def _state(case: Case) -> State:
    return State(build(case.objects, case.release), case.existing)


def _ask(case: Case) -> Ask:
    return ask_with(None, *case.claims)


def _decide(policy: Policy, state: State, wanted: Ask, seed: int = 0) -> Placement:
    return policy.place(Problem(state, (wanted,)), np.random.default_rng(seed))


def _cases(count: int) -> Iterator[tuple[int, Case]]:
    return ((seed, _case(seed)) for seed in range(count))


def placements_verify(policy: Policy, cases: int = CASES) -> None:
    """Every placement passes the independent checker."""
    for seed, case in _cases(cases):
        state = _state(case)
        placement = _decide(policy, state, _ask(case))
        if placement.node is None:
            continue
        node = state.fleet.nodes[state.fleet.nodes.index[placement.node]]
        try:
            verify(case.objects, node, case.claims, placement.results, case.release, existing=case.existing)
        except VerificationError as error:
            message = f"{policy.name}: problem {seed}: {error}"
            raise BrokenContract(message) from error


def nothing_feasible_is_left_pending(policy: Policy, cases: int = CASES) -> None:
    """On one node a policy places an ask if and only if the reference finds devices for it."""
    reference = POLICIES["first-fit"]
    for seed, case in _cases(cases):
        # A node name keeps the other nodes out before devices are looked at.
        pod = Pod(spec=PodSpec(node_name=case.node.metadata.name))
        here = ask_with(pod, *case.claims)
        expected = _decide(reference, _state(case), here)
        got = _decide(policy, _state(case), here)
        if expected.placed != got.placed:
            message = f"{policy.name}: problem {seed}: the reference says {expected.outcome}, the policy {got.outcome}"
            raise BrokenContract(message)
        if not got.placed and type(expected.outcome) is not type(got.outcome):
            message = f"{policy.name}: problem {seed}: stopped by {got.outcome}, the reference by {expected.outcome}"
            raise BrokenContract(message)


def inputs_stay_unchanged(policy: Policy, cases: int = CASES) -> None:
    """Deciding changes neither the state nor the claims."""
    for seed, case in _cases(cases):
        state = _state(case)
        before, seen = api.dump(case.objects, "json"), _seen(state)
        _decide(policy, state, _ask(case))
        if _seen(state) != seen or state.allocated != _state(case).allocated:
            message = f"{policy.name}: problem {seed}: the state was changed by deciding"
            raise BrokenContract(message)
        if api.dump(case.objects, "json") != before:
            message = f"{policy.name}: problem {seed}: an object was changed by deciding"
            raise BrokenContract(message)


def _seen(state: State) -> tuple[object, ...]:
    return state.version, state.cursor, dict(state.held), dict(state.running), repr(state.rooms)


def same_seed_same_placement(policy: Policy, cases: int = CASES) -> None:
    """Remembered or not, the same problem and seed give the same placement."""
    for seed, case in _cases(cases):
        state = _state(case)
        first = _decide(policy, state, _ask(case), seed)
        engine = Engine(state.fleet, policy)
        for again in (_decide(policy, _state(case), _ask(case), seed), *(_engine(engine, state, case, seed))):
            if (first.node, first.results) != (again.node, again.results):
                message = (
                    f"{policy.name}: problem {seed}: {first.node} {first.results} and then {again.node} {again.results}"
                )
                raise BrokenContract(message)


def _engine(engine: Engine, state: State, case: Case, seed: int) -> Iterator[Placement]:
    for _ in range(2):
        yield engine.place(Problem(state, (_ask(case),)), np.random.default_rng(seed))


def engine_equals_policy(policy: Policy, cases: int = CASES) -> None:
    """After any sequence of events, remembered answers decide as the policy does."""
    for memory in (0, 1, 1000):
        rng = np.random.default_rng(memory)
        counts = rng.integers(1, 4, size=cases).tolist()
        asks = [ask(f"ask-{step}", count) for step, count in enumerate(counts)]
        _same_history(policy, State(build(row(nodes=3, devices=4), release())), asks, memory)
        for seed in range(max(cases // 10, 1)):
            _same_history(policy, _state(_case(seed)), list(_drawn_asks(seed, cases // 3)), memory)
            world = mixed(seed)
            _same_history(policy, State(build(world.objects, release())), world.asks, memory)


def _drawn_asks(seed: int, count: int) -> Iterator[Ask]:
    """Yield asks of a few kinds that come again, some for claims that others use too."""
    rng = np.random.default_rng(seed)
    kinds = [problem(100 * seed + k, release=RELEASES[seed % len(RELEASES)]).claims for k in range(4)]
    for step in range(count):
        k = int(rng.integers(len(kinds)))
        prefix = f"shared-{k}" if rng.random() < 0.3 else f"own-{step}"
        claims = [
            msgspec.structs.replace(
                claim, metadata=msgspec.structs.replace(claim.metadata, name=f"{prefix}-{claim.metadata.name}")
            )
            for claim in kinds[k]
        ]
        yield ask_with(None, *claims, name=f"test/ask-{step}")


def _same_history(policy: Policy, state: State, asks: Sequence[Ask], memory: int) -> None:
    engine = Engine(state.fleet, policy, answers=memory)
    rng = np.random.default_rng(len(asks))
    running: list[str] = []
    for step, wanted in enumerate(asks):
        if running and rng.random() < 0.4:
            state.apply(Finish(running.pop(int(rng.integers(len(running))))))
        plain = policy.place(Problem(state, (wanted,)), np.random.default_rng(step))
        kept = engine.place(Problem(state, (wanted,)), np.random.default_rng(step))
        for field, one, other in zip(_SAID, _said(plain), _said(kept), strict=True):
            if one != other:
                message = f"{policy.name}: step {step}: {field} {one} without memory, {other} with {memory} answers"
                raise BrokenContract(message)
        state.cursor = plain.cursor
        if plain.node is not None:
            state.apply(Start(wanted, plain.node, plain.results))
            running.append(wanted.name)


_SAID = ("node", "results", "status", "outcome", "score", "reasons", "considered", "cursor", "unmodelled")


def _said(placement: Placement) -> tuple[object, ...]:
    """Return all of a placement but the way that it was found."""
    return tuple(getattr(placement, field) for field in _SAID)


def renaming_only_renames(policy: Policy, cases: int = CASES) -> None:
    """Other device names give the same devices under their new names."""
    plain = build(row(nodes=2, devices=5), release())
    renamed = build(row(nodes=2, devices=5, device="zz-{}"), release())
    for count in range(1, 6):
        wanted = ask("ask", count)
        for seed in range(max(cases // 10, 1)):
            one = _decide(policy, State(plain), wanted, seed)
            other = _decide(policy, State(renamed), wanted, seed)
            names = [f"zz-{name.removeprefix('device-')}" for name in _names(one)]
            if one.node != other.node or names != _names(other):
                message = f"{policy.name}: {count} devices: {_names(one)} become {_names(other)} under other names"
                raise BrokenContract(message)


def small_problems_are_answered(policy: Policy, cases: int = CASES) -> None:  # noqa: ARG001
    """No node, no device, no claim and one device are all answered."""
    expectations = (
        (row(nodes=0, devices=0), 1, False),
        (row(nodes=1, devices=0), 1, False),
        (row(nodes=1, devices=1), 1, True),
        (row(nodes=1, devices=1), 2, False),
        (row(nodes=1, devices=1), 0, True),
    )
    for objects, count, placed in expectations:
        state = State(build(objects, release()))
        placement = _decide(policy, state, ask("ask", count))
        if placement.placed != placed:
            message = f"{policy.name}: {len(objects.slices)} slices, {count} devices: {placement.outcome}"
            raise BrokenContract(message)
        if placed and count and not isinstance(placement.outcome, Fits):
            message = f"{policy.name}: placed with the outcome {placement.outcome}"
            raise BrokenContract(message)


def unmet_claims_get_results(policy: Policy, cases: int = CASES) -> None:
    """Each claim that had no allocation gets one result, in order."""
    for seed, case in _cases(cases):
        state = _state(case)
        ask = _ask(case)
        placement = _decide(policy, state, ask)
        wanted = len(ask.unmet(state.held)) if placement.placed else 0
        if len(placement.results) != wanted:
            message = f"{policy.name}: problem {seed}: {len(placement.results)} results for {wanted} claims"
            raise BrokenContract(message)


def other_processes_agree(policy: Policy, cases: int = CASES) -> None:
    """Another process with another hash seed decides the same; for policies that can be sent to one."""
    try:
        sent = pickle.dumps(policy)
    except (pickle.PicklingError, AttributeError, TypeError):
        return
    if "__main__" in repr(sent):
        return
    count = min(cases, 20)
    here = [_fingerprint(policy, seed) for seed in range(count)]
    script = (
        "import pickle, sys\n"
        "from drapolicy.testing.contract import _fingerprint\n"
        "try:\n"
        "    policy = pickle.loads(sys.stdin.buffer.read())\n"
        "except (ImportError, AttributeError):\n"
        f"    sys.exit({_NOT_THERE})\n"
        f"print('\\n'.join(_fingerprint(policy, seed) for seed in range({count})))\n"
    )
    run = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script],
        input=sent,
        capture_output=True,
        check=False,
        env={"PYTHONHASHSEED": "12345", "PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    if run.returncode == _NOT_THERE:
        return
    there = run.stdout.decode().splitlines()
    if here != there:
        message = f"{policy.name}: another process decides otherwise: {run.stderr.decode()[-500:] or (here, there)}"
        raise BrokenContract(message)


def _fingerprint(policy: Policy, seed: int) -> str:
    case = _case(seed)
    placement = _decide(policy, _state(case), _ask(case), seed)
    results: Any = [api.to_builtins(result) for result in placement.results]
    return msgspec.json.encode([placement.node, results, type(placement.outcome).__name__]).decode()


CHECKS: MappingProxyType[str, Callable[[Policy, int], None]] = MappingProxyType(
    {
        run.__name__: run
        for run in (
            placements_verify,
            nothing_feasible_is_left_pending,
            inputs_stay_unchanged,
            same_seed_same_placement,
            engine_equals_policy,
            renaming_only_renames,
            small_problems_are_answered,
            unmet_claims_get_results,
            other_processes_agree,
        )
    }
)


def _names(placement: Placement) -> list[str]:
    return [result.device for allocation in placement.results for result in allocation.devices.results]
