"""How many devices a request got, and that all are there where all are asked for (K8s S30)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from drapolicy.api.resource import DeviceRequestAllocationResult
from drapolicy.errors import VerificationError
from drapolicy.verify import shares
from drapolicy.verify.capacity import NotRepresentableError
from drapolicy.verify.choices import Choice
from drapolicy.verify.expressions import SelectorError
from drapolicy.verify.pools import DeviceID
from drapolicy.verify.taking import Taking
from drapolicy.verify.wishes import Wish


def number(
    taking: Taking, claim: str, choice: Choice, items: Sequence[DeviceRequestAllocationResult]
) -> Iterator[VerificationError]:
    """Check the devices of a request against what it, or the alternative that won, asks for."""
    has = _devices(choice.wish, items)
    if choice.mixes:
        others = _devices(choice.first, items)
        faults = list(_one_and_others(taking, claim, choice, has, others))
        if not faults or others:
            yield from faults
            return
    where = f"{claim}, request {choice.wish.name}"
    if not choice.wish.everything:
        count = choice.wish.asked.count
        if len(has) != count:
            yield VerificationError("S30", f"{where}: has {len(has)} devices, should have {count}")
        return
    should = yield from _everything(taking, where, choice.wish)
    if not should:
        yield VerificationError("S30", f"{where}: asks for all devices, but none matches")
    for device in sorted(should.difference(has)):
        yield VerificationError("S30", f"{where}: asks for all devices, but {'/'.join(device)} is missing")


def _one_and_others(
    taking: Taking, claim: str, choice: Choice, has: list[DeviceID], others: list[DeviceID]
) -> Iterator[VerificationError]:
    where = f"{claim}, request {choice.wish.name}"
    should = yield from _everything(taking, where, choice.wish)
    if len(has) != 1 or has[0] not in should:
        yield VerificationError("S30", f"{where}: has {len(has)} devices, should have the first that matches")
    where = f"{claim}, request {choice.first.name}"
    wanted = choice.first.asked.count
    if choice.first.everything:
        should = yield from _everything(taking, where, choice.first)
        wanted = len(should)
        if not should.issuperset(others):
            yield VerificationError("S30", f"{where}: has devices that do not match")
    if len(others) != max(wanted - 1, 0) or (choice.first.everything and not wanted):
        yield VerificationError("S30", f"{where}: has {len(others)} devices, should have one less than {wanted}")


def _devices(wish: Wish, items: Sequence[DeviceRequestAllocationResult]) -> list[DeviceID]:
    return [(item.driver, item.pool, item.device) for item in items if item.request == wish.name]


def _everything(taking: Taking, where: str, wish: Wish) -> Generator[VerificationError, None, set[DeviceID]]:
    """Return the devices that mode All stands for, after telling of those that end the attempt."""
    should = set()
    for pool in taking.sight.pools.values():
        for seen in pool.devices.values():
            place = f"{where}, device {'/'.join(seen.id)}"
            try:
                if not taking.mismatch(wish, seen) and shares.could_hold(wish, seen, taking.books, taking.release):
                    should.add(seen.id)
            except SelectorError as error:
                yield VerificationError("S39", f"{place}: {error}")
            except NotRepresentableError as error:
                yield VerificationError("S42", f"{place}: {error}")
    return should
