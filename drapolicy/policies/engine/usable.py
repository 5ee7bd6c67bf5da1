"""Which nodes node selectors match, as masks, and where claims that hold devices already can be used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import NodeSelector
from drapolicy.api.node_selection import Selector, dump
from drapolicy.inventory import Fleet
from drapolicy.policies.engine.faces import Faces, labels_of, names_nodes
from drapolicy.policies.held import OPTIONAL_OPERATIONS, Held

_KEPT = 64

Flags = NDArray[np.bool_]


class Usable:
    """Masks over a fleet's nodes.

    Parameters
    ----------
    fleet
        The fleet.
    faces
        Gives the nodes that have the same labels; called when it is needed.
    """

    def __init__(self, fleet: Fleet, faces: Callable[[], Faces]) -> None:
        self._nodes = fleet.nodes
        self._faces = faces
        self._masks: OrderedDict[str, Flags] = OrderedDict()

    def __call__(self, held: Held) -> Flags | None:
        """Return which nodes can use all that is held; ndarray of shape (N,), bool. None where all can."""
        masks = [self.mask(selector) for selector in held.selectors]
        if held.optional:
            masks.append(self._optional)
        return np.logical_and.reduce(masks) if masks else None

    @cached_property
    def _optional(self) -> Flags:
        found = np.zeros(len(self._nodes), np.bool_)
        declares = [OPTIONAL_OPERATIONS in rest.status.declared_features for rest in self._nodes.rest.values]
        found[: len(self._nodes.rest)] = np.array(declares, np.bool_)[self._nodes.rest.codes]
        return found

    def looks(self, selector: NodeSelector) -> int:
        """Return how many nodes must be looked at for a mask."""
        if self._named(selector) is not None:
            return 1
        terms = selector.node_selector_terms
        return len(self._nodes) if any(map(names_nodes, terms)) else len(self._faces().by(labels_of(terms)).samples)

    def mask(self, selector: NodeSelector) -> Flags:
        """Return which nodes that a pod may go to a selector matches; ndarray of shape (N,), bool.

        Raises
        ------
        SelectorError
            When it cannot be read.
        """
        name = self._named(selector)
        if name is not None:
            found = np.zeros(len(self._nodes), np.bool_)
            if name in self._nodes.index:
                found[self._nodes.index[name]] = True
            return found
        text = dump(selector)
        known = self._masks.get(text)
        if known is None:
            known = self._masks[text] = self._matched(selector)
            if len(self._masks) > _KEPT:
                self._masks.popitem(last=False)
        return known

    def _matched(self, selector: NodeSelector) -> Flags:
        matches = Selector(selector).matches
        if any(map(names_nodes, selector.node_selector_terms)):
            every = map(self._nodes.bare, range(len(self._nodes)))
            return np.fromiter(map(matches, every), np.bool_, len(self._nodes))
        found = np.zeros(len(self._nodes), np.bool_)
        face, samples = self._faces().by(labels_of(selector.node_selector_terms))
        found[: self._nodes.candidates] = np.fromiter(map(matches, samples), np.bool_, len(samples))[face]
        return found

    def _named(self, selector: NodeSelector) -> str | None:
        """Return the one node that a selector names; None where it says anything else."""
        if len(selector.node_selector_terms) != 1 or "" in self._nodes.index:
            return None
        (term,) = selector.node_selector_terms
        if term.match_expressions or len(term.match_fields) != 1:
            return None
        (field,) = term.match_fields
        alone = (field.key, field.operator, len(field.values)) == ("metadata.name", "In", 1)
        return field.values[0] if alone else None
