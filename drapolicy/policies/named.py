"""Ready policies: a table of functions whose keywords are the policy's parameters and whose docstring is its page.

``policy("go-gpuallocator", policy="simple")`` and ``policy("go-gpuallocator:policy=simple")`` are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.policies.parameters import checked, split, written
from drapolicy.policies.plugins import third_party
from drapolicy.policies.ready import amounts, general, places, priced, rings, stock, vendors
from drapolicy.policies.rule import Policy, Rule
from drapolicy.text import instead

# One line a policy. The first is what every comparison is against.
TABLE: Mapping[str, Callable[..., Rule]] = MappingProxyType(
    {
        "kube-scheduler": stock.kube_scheduler,
        "first-fit": stock.first_fit,
        "random": stock.random,
        "packing": general.packing,
        "bandwidth": general.bandwidth,
        "best-fit": amounts.best_fitting,
        "spread": amounts.spread,
        "dot-product": amounts.dot,
        "gpu-clustering": amounts.gpu_clustered,
        "gpu-packing": amounts.gpu_packed,
        "fgd": amounts.fgd,
        "shadow-price": priced.shadow_price,
        "mapa-greedy": rings.mapa_greedy,
        "mapa-preserve": rings.mapa_preserve,
        "go-gpuallocator": vendors.go_gpuallocator,
        "amd-device-plugin": vendors.amd_device_plugin,
        "intel-device-plugin": vendors.intel_device_plugin,
        "numa-align": places.numa_align,
        "nic-align": places.nic_align,
        "hived-buddy": places.hived_buddy,
        "kueue-tas": places.kueue_tas,
        "hami-mig": places.hami_mig,
        "ilp-bandwidth": general.ilp_bandwidth,
        "ilp-packing": general.ilp_packing,
        "portfolio": general.portfolio,
    }
)

STOCK = "kube-scheduler"

COMPARED = ("kube-scheduler", "first-fit", "random", "packing", "bandwidth")
"""Policies that are compared where none is named."""


def made(name: str, make: Callable[..., Policy], given: Mapping[str, object]) -> Policy:
    """Return the policy that a function makes, named after its parameters."""
    wanted = checked(name, make, given)
    found = make(**wanted)
    return replace(found, name=written(name, make, wanted)) if isinstance(found, Rule) else found


class _Ready(Mapping[str, Rule]):
    """The table's policies as they are by default, each made when it is first asked for.

    Libraries of integer programmes take time to import; who does not use them does not wait for them.
    """

    def __init__(self) -> None:
        self._made: dict[str, Rule] = {}

    def __getitem__(self, name: str) -> Rule:
        if name not in self._made:
            self._made[name] = replace(TABLE[name](), name=name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(TABLE)

    def __len__(self) -> int:
        return len(TABLE)


POLICIES: Mapping[str, Rule] = _Ready()
"""The table's policies as they are by default."""


def policy(name: str | Policy, **given: object) -> Policy:
    """Return a policy by name; a policy is returned as it is.

    Parameters
    ----------
    name
        Name in the table or of another package's policy; parameters may follow as ``name:key=value,key=value``.
    **given
        Parameters, instead of or beside those in the name.

    Raises
    ------
    UnknownReferenceError
        For a name that is not in the table and no package registers.
    InputError
        For what is neither a name nor a policy, and for parameters that the policy does not have.
    """
    if not isinstance(name, str):
        if isinstance(name, type) or not isinstance(name, Policy):
            message = f"policy: {name!r} is neither a name nor a policy; a policy has a name and place(problem, rng)"
            raise InputError(message)
        if given:
            message = f"policy {name.name}: is made already; parameters {', '.join(given)} cannot be set"
            raise InputError(message)
        return name
    own, told = split(name)
    twice = sorted(told.keys() & given.keys())
    if twice:
        message = f"policy {own}: parameter {twice[0]} is given twice; give it once"
        raise InputError(message)
    given = {**told, **given}
    if own in TABLE:
        return made(own, TABLE[own], given) if given else POLICIES[own]
    others = third_party()
    if own in others:
        return others[own].policy(given)
    message = f"policy {own!r}: unknown; {instead(own, [*TABLE, *others])}"
    raise UnknownReferenceError(message)
