"""Link tables of nodes: checked when made, and never written."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks
from drapolicy.testing.simple import DRIVER, row

IDS = ((DRIVER, "node-0", "device-0"), (DRIVER, "node-0", "device-1"))


def table(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array(rows, np.int64)


@pytest.mark.parametrize(
    ("devices", "mb_s", "message"),
    [
        (IDS, table((0, 1), (2, 0)), "must be symmetric, not negative, and zero between a device and itself"),
        (IDS, table((1, 1), (1, 0)), "must be symmetric, not negative"),
        (IDS, table((0, -1), (-1, 0)), "must be symmetric, not negative"),
        (IDS, table((0,)), r"int64 \(1, 1\); give int64 of shape \(2, 2\)"),
        (IDS, np.zeros((2, 2)), r"float64 \(2, 2\); give int64"),
        ((IDS[0], IDS[0]), table((0, 1), (1, 0)), "a device is given twice"),
    ],
)
def test_wrong_tables_are_refused(devices: tuple[tuple[str, str, str], ...], mb_s: np.ndarray, message: str) -> None:
    """Shape, type, symmetry, sign, diagonal and names are checked."""
    with pytest.raises(InputError, match=message):
        NodeLinks(devices, mb_s)


def test_tables_cannot_be_written() -> None:
    """A table is a copy, read-only, after pickling too."""
    given = table((0, 7), (7, 0))
    made = NodeLinks(IDS, given)
    given[0, 1] = 9
    assert made.mb_s[0, 1] == 7
    for one in (made, pickle.loads(pickle.dumps(made))):
        with pytest.raises(ValueError, match="read-only"):
            one.mb_s[0, 1] = 1


def test_a_fleet_takes_links_by_node() -> None:
    """Links are added node by node, count for equality, and leave the fleet they were given to as it was."""
    plain = build(row(nodes=2, devices=2))
    one = plain.with_links({"node-0": NodeLinks(IDS, table((0, 7), (7, 0)))})
    other = one.with_links({"node-0": NodeLinks(IDS, table((0, 8), (8, 0)))})
    assert (dict(plain.links), sorted(one.links)) == ({}, ["node-0"])
    assert plain != one
    assert one != other
    assert one.digest == plain.digest
    assert one == build(row(nodes=2, devices=2)).with_links(one.links)
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(UnknownReferenceError, match="links: node gone is not in the fleet"):
        plain.with_links({"gone": NodeLinks((), np.zeros((0, 0), np.int64))})
