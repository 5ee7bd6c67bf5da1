"""What makes two nodes alike, as bytes: structure only, so that equal nodes have equal signatures in any language.

The signature of a node is sha256 over the ASCII text ``drapolicy shape 1`` and a line feed, the number of its pools,
and its pools in the order in which Kubernetes tries them (K8s S26). Numbers are 4 bytes, little-endian, unsigned. A
text is the number of its UTF-8 bytes, then these. A list is the number of its items, then these. An amount is a text:
the decimal digits of its nano units, ``-`` before them if negative; no amount is the empty text.

* A pool is the text of its driver, a number (0 sound, 1 incomplete, 2 a name of a device or counter set twice), the
  list of its counter sets, and the list of its slots: its devices by slice name, as published (K8s S27, S28).
* Counter sets, the counters of a set and the compatibility groups of a set are numbered from 0 as slots first meet
  them: slots in order, what a slot draws as published, counters by name (code points), groups as published. What no
  slot draws has no number. A counter set is the list of the amounts of its counters, by number; a counter that its
  pool does not define has no amount. Sets of a name are one for the pool, or one for each slice where the release
  has it so (`Behaviour.counters`).
* A slot is a number (1 if it may be allocated to many, plus 2 if it binds to its node), three lists of texts as
  published (binding conditions, binding failure conditions, operations that its slice skips), and the lists of its
  capacities, of what it draws and of what it takes of its node.
* A capacity is its qualified name. Of slots for many, the amount and the request policy follow: the number 0 for
  none; else 1, the default, the list of valid values, and the number 0, or 1 with the least, greatest and step of
  the range, all amounts. Capacities are by qualified name.
* What is drawn of a set is the number of the set, the list of counters (number and amount, by name), and the list
  of the numbers of its groups.
* What is taken of a node is the name of the resource, the name of the capacity (empty for none) and five amounts:
  the capacity's multiplier, the device's, the overhead of a pod and of a container, and the multiplier of older
  releases. It is by name of the resource.

Attributes, taints, and names of nodes, pools, slices, devices, counter sets and counters are in none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias, TypeVar

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Counter, CounterSet, Device, DeviceCapacity, DeviceCounterConsumption

SOUND, INCOMPLETE, TWICE = range(3)
"""States of a pool."""

_START = b"drapolicy shape 1\n"
_NOTHING = Device()
_NONE = bytes(4)

T = TypeVar("T")

_Set: TypeAlias = tuple[int, str]


class Slot(NamedTuple):
    """One device as far as its structure goes.

    Attributes
    ----------
    device
        The device; None if nothing but its capacity is structure.
    capacity
        Its capacities by name as published.
    skipped
        Operations that its slice skips.
    place
        Which slice of its pool it is in, where counter sets belong to slices; else 0.
    """

    device: Device | None
    capacity: Mapping[str, DeviceCapacity]
    skipped: Sequence[str] = ()
    place: int = 0


def signature(pools: Sequence[bytes]) -> str:
    """Return the sha256 of a node's pools, in hex."""
    return sha256(_START + _number(len(pools)) + b"".join(pools)).hexdigest()


def pool_bytes(driver: str, state: int, sets: Iterable[tuple[int, CounterSet]], slots: Sequence[Slot]) -> bytes:
    """Write a pool.

    Parameters
    ----------
    driver
        Its driver.
    state
        `SOUND`, `INCOMPLETE` or `TWICE`.
    sets
        Its counter sets, each with the place of its slice as for `Slot.place`.
    slots
        Its devices in order.
    """
    numbers = _Numbers()
    written = _list(slots, lambda slot: _slot(driver, slot, numbers))
    defined: dict[_Set, Mapping[str, Counter]] = {}
    for place, known in sets:
        if (place, known.name) in defined:
            state = state or TWICE
        defined[place, known.name] = known.counters

    def drawn_from(key: _Set) -> bytes:
        held = defined.get(key, {})
        return _list(numbers.counters[key], lambda name: _amount(held[name].value if name in held else None))

    return _text(driver) + _number(state) + _list(numbers.sets, drawn_from) + written


class _Numbers:
    """Numbers of counter sets, of their counters and of their groups, as they are first met."""

    def __init__(self) -> None:
        self.sets: dict[_Set, int] = {}
        self.counters: dict[_Set, dict[str, int]] = {}
        self.groups: dict[_Set, dict[str, int]] = {}

    def draw(self, place: int, drawn: DeviceCounterConsumption) -> bytes:
        key = place, drawn.counter_set
        number = self.sets.setdefault(key, len(self.sets))
        counters, groups = self.counters.setdefault(key, {}), self.groups.setdefault(key, {})

        def counter(name: str) -> bytes:
            return _number(counters.setdefault(name, len(counters))) + _amount(drawn.counters[name].value)

        def group(name: str) -> bytes:
            return _number(groups.setdefault(name, len(groups)))

        return _number(number) + _list(sorted(drawn.counters), counter) + _list(drawn.compatibility_groups, group)


def _slot(driver: str, slot: Slot, numbers: _Numbers) -> bytes:
    device = slot.device or _NOTHING
    many = bool(device.allow_multiple_allocations)
    named = {name if "/" in name else f"{driver}/{name}": held for name, held in slot.capacity.items()}
    return b"".join(
        (
            _number(many + 2 * bool(device.binds_to_node)),
            _list(device.binding_conditions, _text),
            _list(device.binding_failure_conditions, _text),
            _list(slot.skipped, _text),
            _list(sorted(named), lambda name: _text(name) + (_capacity(named[name]) if many else b"")),
            _list(device.consumes_counters, lambda drawn: numbers.draw(slot.place, drawn)),
            _list(
                sorted({*device.node_allocatable_resources, *device.node_allocatable_resource_mappings}),
                lambda name: _taken(device, name),
            ),
        )
    )


def _capacity(held: DeviceCapacity) -> bytes:
    policy = held.request_policy
    if policy is None:
        return _amount(held.value) + _number(0)
    span = policy.valid_range
    limits = b"" if span is None else _amount(span.min) + _amount(span.max) + _amount(span.step)
    valid = _list(policy.valid_values, _amount)
    return _amount(held.value) + _number(1) + _amount(policy.default) + valid + _number(span is not None) + limits


def _taken(device: Device, name: str) -> bytes:
    resource = device.node_allocatable_resources.get(name)
    older = device.node_allocatable_resource_mappings.get(name)
    mapping = resource.mapping if resource else None
    overhead = resource.overhead if resource else None
    key = (mapping.capacity_key if mapping else None) or (older.capacity_key if older else None) or ""
    amounts = (
        mapping.capacity_multiplier if mapping else None,
        mapping.device_multiplier if mapping else None,
        overhead.per_pod if overhead else None,
        overhead.per_container if overhead else None,
        older.allocation_multiplier if older else None,
    )
    return _text(name) + _text(key) + b"".join(map(_amount, amounts))


def _number(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return _number(len(encoded)) + encoded


def _amount(value: Quantity | None) -> bytes:
    return _text("" if value is None else str(value.nano))


def _list(items: Collection[T], write: Callable[[T], bytes]) -> bytes:
    return _number(len(items)) + b"".join(map(write, items)) if items else _NONE
