"""Where claims that hold devices already can be used, as masks over the nodes."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import NodeSelector
from drapolicy.api.node_selection import Selector, dump
from drapolicy.inventory import Fleet
from drapolicy.policies.held import OPTIONAL_OPERATIONS, Held

_KEPT = 64

Flags = NDArray[np.bool_]


class Usable:
    """Masks of node selectors over a fleet's nodes; those that name one node are made without a look at the others.

    Parameters
    ----------
    fleet
        The fleet.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._nodes = fleet.nodes
        self._masks: OrderedDict[str, Flags] = OrderedDict()

    def __call__(self, held: Held) -> Flags | None:
        """Return which nodes can use all that is held; ndarray of shape (N,), bool. None where all can."""
        masks = [self._mask(selector) for selector in held.selectors]
        if held.optional:
            masks.append(self._optional)
        return np.logical_and.reduce(masks) if masks else None

    @cached_property
    def _optional(self) -> Flags:
        found = np.zeros(len(self._nodes), np.bool_)
        found[: len(self._nodes.given)] = [OPTIONAL_OPERATIONS in n.status.declared_features for n in self._nodes.given]
        return found

    def _mask(self, selector: NodeSelector) -> Flags:
        name = _named(selector)
        if name is not None and "" not in self._nodes.index:
            found = np.zeros(len(self._nodes), np.bool_)
            if name in self._nodes.index:
                found[self._nodes.index[name]] = True
            return found
        text = dump(selector)
        known = self._masks.get(text)
        if known is None:
            matches = Selector(selector).matches
            known = self._masks[text] = np.fromiter(map(matches, self._nodes), np.bool_, len(self._nodes))
            if len(self._masks) > _KEPT:
                self._masks.popitem(last=False)
        return known


def _named(selector: NodeSelector) -> str | None:
    """Return the one node that a selector names; None where it says anything else."""
    if len(selector.node_selector_terms) != 1:
        return None
    (term,) = selector.node_selector_terms
    if term.match_expressions or len(term.match_fields) != 1:
        return None
    (field,) = term.match_fields
    alone = (field.key, field.operator, len(field.values)) == ("metadata.name", "In", 1)
    return field.values[0] if alone else None
