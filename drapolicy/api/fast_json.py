"""Lists of resource objects in JSON, decoded straight into the structs: how a million devices are read."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, Final

import msgspec

from drapolicy.api.convert import hook
from drapolicy.api.kinds import RESOURCE_TYPES
from drapolicy.api.resource import API_VERSION, ResourceSlice
from drapolicy.api.values import ReadFault, Unreadable, number_of_json
from drapolicy.api.versions.fields import may_hold_absent
from drapolicy.api.versions.served import is_served
from drapolicy.release import Release


class _Head(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The outside of a list; its items stay unread."""

    api_version: str
    kind: str
    items: msgspec.Raw
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


def _no_quantity(_: Any) -> int:
    """Stand in for a quantity where only keys matter."""
    return 0


def _number(text: str) -> float | Decimal:
    """Leave what cannot be read to the thorough way."""
    number = number_of_json(text)
    if isinstance(number, Unreadable):
        raise ReadFault(number.message)
    return number


_HEAD: Final = msgspec.json.Decoder(_Head)
_SLICES: Final = msgspec.json.Decoder(list[ResourceSlice], dec_hook=hook, float_hook=_number)
_MIXED: Final[msgspec.json.Decoder[list[Any]]] = msgspec.json.Decoder(
    list[reduce(or_, RESOURCE_TYPES.values())],  # type: ignore[misc]  # a union made of the table of kinds
    dec_hook=hook,
    float_hook=_number,
)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=_no_quantity)


def read_list(data: bytes, release: Release) -> list[Any] | None:
    """Return the objects of a JSON list that holds resource objects alone and no fault of form; None otherwise.

    Any doubt sends the text the thorough way, which names every fault: also a kind that the release does not serve,
    and a field that it may not have. The decoder sets missing fields to their default and lets the last of two equal
    keys win; the first is told by identity, the second by counting keys.
    """
    if b"{{" in data:
        return None
    try:
        head = _HEAD.decode(data)
        if (head.api_version, head.kind) == ("v1", "List"):
            objects = _MIXED.decode(head.items)
            implied = False
        elif (head.api_version, head.kind) == (API_VERSION, "ResourceSliceList"):
            objects = _SLICES.decode(head.items)
            implied = True
        else:
            return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ReadFault):
        return None
    for kind in {type(made).__name__ for made in objects}:
        if not is_served(kind, "v1", release.minor) or may_hold_absent(data, kind, release):
            return None
    default = ResourceSlice().api_version
    given = sum(made.api_version is not default for made in objects)
    if any(made.api_version != API_VERSION for made in objects) or not (implied or given == len(objects)):
        return None
    # Encoding leaves out apiVersion only where it is the very default, and always writes kind.
    absent = len(objects) if implied else 0
    expected = _keys(_ENCODER.encode(objects)) - absent + _keys(_ENCODER.encode(head.metadata)) + 3
    if head.metadata is not msgspec.UNSET:
        expected += 1
    if (implied and given) or _doubtful(data) or _keys(data) != expected:
        return objects if _no_key_twice(data) else None
    return objects


def _doubtful(data: bytes) -> bool:
    """Return whether quotes before colons may be something other than ends of keys."""
    return any(text in data for text in (b'\\":', b" :", b"\n:", b"\t:", b"\r:"))


def _keys(data: bytes) -> int:
    return data.count(b'":')


def _no_key_twice(data: bytes) -> bool:
    """Return whether no object has a key twice, by a full parse that keeps nothing."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):
            raise ReadFault("")

    try:
        json.loads(data, object_pairs_hook=check, parse_float=len, parse_int=len)
    except (ReadFault, ValueError, RecursionError):
        return False
    return True
