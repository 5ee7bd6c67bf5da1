"""The capacity that is asked of a device, and what a result says about its share of it (K8s S41-S44)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceRequestAllocationResult
from drapolicy.errors import VerificationError
from drapolicy.release import Release
from drapolicy.verify.books import Books
from drapolicy.verify.capacity import NotRepresentableError, consumed, violation
from drapolicy.verify.pools import Seen
from drapolicy.verify.wishes import Wish

_SHARE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def shareable(seen: Seen, release: Release) -> bool:
    """Say whether several claims may hold the device at once."""
    return "ConsumableCapacity" in release.features and bool(seen.device.allow_multiple_allocations)


def could_hold(wish: Wish, seen: Seen, books: Books, release: Release) -> bool:
    """Say whether the device has the capacity that is asked for, empty or as claims before left it (S30).

    Raises
    ------
    NotRepresentableError
        If an amount leaves the arithmetic of its range, where that ends the attempt (S42).
    """
    if "ConsumableCapacity" not in release.features:
        return True
    fractional, wraps = "FractionalCapacityRange" in release.features, not release.behaviour.capacity_errors_abort
    asked, has = _asked(wish), seen.device.capacity
    if asked.keys() - has.keys():
        return False
    try:
        amounts = {
            name: consumed(asked.get(name), item, fractional=fractional, wraps=wraps) for name, item in has.items()
        }
    except NotRepresentableError:
        if release.behaviour.capacity_errors_abort:
            raise
        return False
    taken = {name: 0 if release.behaviour.all_ignores_use else books.held(seen.id, name) for name in has}
    return all(
        taken[name] + amounts[name].nano <= item.value.nano
        and not violation(amounts[name], item, fractional=fractional)
        for name, item in has.items()
    )


def hold(
    where: str, wish: Wish, seen: Seen, books: Books, release: Release
) -> Iterator[VerificationError | tuple[str, Quantity]]:
    """Iterate over what a result takes of each capacity, and over what is wrong with it (S41-S43)."""
    if "ConsumableCapacity" not in release.features:
        return
    fractional, wraps = "FractionalCapacityRange" in release.features, not release.behaviour.capacity_errors_abort
    asked, has = _asked(wish), seen.device.capacity
    for name in sorted(asked.keys() - has.keys()):
        yield VerificationError("S41", f"{where}: capacity {name} is asked for, the device has none")
    for name, capacity in has.items():
        try:
            amount = consumed(asked.get(name), capacity, fractional=fractional, wraps=wraps)
        except NotRepresentableError as error:
            yield VerificationError("S42", f"{where}: capacity {name}: {error}")
            continue
        yield name, amount
        reason = violation(amount, capacity, fractional=fractional)
        if reason:
            yield VerificationError("S43", f"{where}: capacity {name}: amount {amount} {reason}")
        used = Quantity.from_nano(books.used(seen.id, name), capacity.value.format)
        if used.nano + amount.nano > capacity.value.nano:
            text = f"{amount} and {used} taken before exceed {capacity.value}"
            yield VerificationError("S41", f"{where}: capacity {name}: {text}")


def share(
    where: str, seen: Seen, result: DeviceRequestAllocationResult, amounts: dict[str, Quantity], books: Books
) -> Iterator[VerificationError]:
    """Note the share of a shareable device and list what is wrong with it (S42, S44, and the form of its ID, S10)."""
    if result.share_id is None:
        yield VerificationError("S44", f"{where}: is a share without shareID")
    elif not _SHARE_ID.fullmatch(result.share_id):
        yield VerificationError("S10", f"{where}: shareID {result.share_id!r} is not a lower-case UUID")
    if not books.share(seen.id, result.share_id, amounts):
        yield VerificationError("S44", f"{where}: shareID {result.share_id} is used by another share of the device")
    has = result.consumed_capacity
    if has.keys() != seen.device.capacity.keys():
        text = f"consumedCapacity names {sorted(has)}, the device has {sorted(seen.device.capacity)}"
        yield VerificationError("S44", f"{where}: {text}")
    for name in sorted(has.keys() & amounts.keys()):
        if has[name] != amounts[name]:
            text = f"consumedCapacity {name} is {has[name]}, should be {amounts[name]}"
            yield VerificationError("S42", f"{where}: {text}")


def _asked(wish: Wish) -> dict[str, Quantity]:
    return wish.asked.capacity.requests if wish.asked.capacity is not None else {}
