"""What has come over nodes and devices since the fleet was described: who is away, closed, failed or tainted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import msgspec.structs
import numpy as np

from drapolicy.api.resource import DeviceTaintRule, ResourceSlice
from drapolicy.errors import InputError, UnknownReferenceError, UnsupportedFeatureError
from drapolicy.inventory.pool_device import DeviceId, PoolId
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.problem.site import Site
from drapolicy.problem.sites import Sites


class Conditions:
    """Conditions of a fleet's nodes and devices; changes by events of its :class:`~drapolicy.problem.state.State`.

    Parameters
    ----------
    sites
        The fleet's nodes as described.

    Attributes
    ----------
    away
        Positions of nodes that are not there: nobody looks at them.
    cordoned
        Positions of nodes that take only pods that tolerate ``node.kubernetes.io/unschedulable``, and no claims on
        their own.
    version
        Grows with every change, those included that take others back; 0 where there never was any.
    """

    def __init__(self, sites: Sites) -> None:
        self.away: frozenset[int] = frozenset()
        self.cordoned: frozenset[int] = frozenset()
        self.version = 0
        self._sites = sites
        self._failed: set[DeviceId] = set()
        self._rules: dict[str, DeviceTaintRule] = {}
        self._altered: Counter[int] = Counter()
        self._everywhere = 0

    @property
    def failed(self) -> frozenset[DeviceId]:
        """Devices that their slices do not publish any more."""
        return frozenset(self._failed)

    @property
    def rules(self) -> Mapping[str, DeviceTaintRule]:
        """Taint rules that came after the fleet's own, by name."""
        return MappingProxyType(self._rules)

    @property
    def altered(self) -> Mapping[int, int]:
        """Nodes some of whose own devices may be failed or tainted, by position."""
        return self._altered

    @property
    def everywhere(self) -> bool:
        """Whether devices that several nodes can use may be failed or tainted."""
        return self._everywhere > 0

    @property
    def any(self) -> bool:
        """Whether anything is not as the fleet describes it."""
        return bool(self.away or self.cordoned or self._altered or self._everywhere)

    def site(self, n: int) -> Site:
        """Return a node as it is now."""
        return self._now[n] if n in self._altered or self._everywhere else self._sites[n]

    @cached_property
    def _now(self) -> _Altered:
        return _Altered(self._sites, self._failed, self._rules)

    # --- changes, each of which returns the nodes that it touches; None for all ------------------------------

    def set_away(self, n: int, away: bool) -> tuple[int, ...]:
        """Take a node away, or bring it back."""
        self._check(n in self.away, away, f"node {self._sites.fleet.nodes.names[n]}", "away")
        self.away = self.away | {n} if away else self.away - {n}
        return self._changed((n,))

    def set_cordoned(self, n: int, cordoned: bool) -> tuple[int, ...]:
        """Close a node to new pods, or open it."""
        self._check(n in self.cordoned, cordoned, f"node {self._sites.fleet.nodes.names[n]}", "cordoned")
        self.cordoned = self.cordoned | {n} if cordoned else self.cordoned - {n}
        return self._changed((n,))

    def set_failed(self, device: DeviceId, failed: bool) -> tuple[int, ...] | None:
        """Let a device fail, or repair it."""
        if not self._sites.directory.rows_of(device):
            message = f"device {device}: no slice of the fleet publishes it"
            raise UnknownReferenceError(message)
        self._check(device in self._failed, failed, f"device {device}", "failed")
        (self._failed.add if failed else self._failed.remove)(device)
        return self._devices_changed(DeviceId(device.driver, device.pool, ""), 1 if failed else -1)

    def set_rule(self, name: str, rule: DeviceTaintRule | None) -> tuple[int, ...] | None:
        """Add a taint rule, or remove it with None.

        Raises
        ------
        UnsupportedFeatureError
            Where the release does not heed such rules.
        InputError
            For a name that is taken, or that is not there.
        """
        fleet = self._sites.fleet
        if not fleet.release.heeds_taint_rules:
            message = f"taint {name}: Kubernetes {fleet.release.minor} with these gates heeds no DeviceTaintRules"
            raise UnsupportedFeatureError(message, ["DRADeviceTaintRules"])
        self._check(name in self._rules, rule is not None, f"taint {name}", "there")
        if rule is not None:
            self._rules[name] = rule
            return self._devices_changed(_chosen(rule), 1)
        return self._devices_changed(_chosen(self._rules.pop(name)), -1)

    @staticmethod
    def _check(known: bool, wanted: bool, what: str, state: str) -> None:
        if known is wanted:
            message = f"{what}: is {state if known else 'not ' + state} already"
            raise InputError(message)

    def _changed(self, nodes: tuple[int, ...]) -> tuple[int, ...]:
        self.version += 1
        return nodes

    def _devices_changed(self, chosen: DeviceId, step: int) -> tuple[int, ...] | None:
        """Note that devices change; an empty name stands for any."""
        self.version += 1
        nodes: set[int] = set()
        shared = False
        for pool in self._pools(chosen):
            home = self._sites.home(pool)
            if home is None:
                shared = True
            else:
                nodes.add(home)
        for n in nodes:
            self._altered[n] += step
            if not self._altered[n]:
                del self._altered[n]
        self._everywhere += step * shared
        touched = None if shared else tuple(sorted(nodes))
        self._now.forget(touched)
        return touched

    def _pools(self, chosen: DeviceId) -> list[PoolId]:
        if chosen.driver and chosen.pool:
            pool = PoolId(chosen.driver, chosen.pool)
            return [pool] if self._sites.directory.slices_of(pool) else []
        slices = self._sites.fleet.slices
        rows = np.ones(len(slices), np.bool_)
        for column, wanted in ((slices.driver, chosen.driver), (slices.pool, chosen.pool)):
            if wanted:
                rows &= np.isin(column.codes, [code for code, value in enumerate(column.values) if value == wanted])
        found = [PoolId(slices.driver[row] or "", slices.pool[row] or "") for row in np.flatnonzero(rows).tolist()]
        return list(dict.fromkeys(found))


def _chosen(rule: DeviceTaintRule) -> DeviceId:
    """Return which pools a rule may choose devices of, an empty name for any; its other selectors only choose fewer."""
    selector = rule.spec.device_selector
    if selector is None:
        return DeviceId("", "", "")
    return DeviceId(selector.driver or "", selector.pool or "", "")


class _Altered(Sites):
    """The sites of a fleet as its slices are now."""

    def __init__(self, sites: Sites, failed: set[DeviceId], rules: Mapping[str, DeviceTaintRule]) -> None:
        super().__init__(sites.fleet)
        self._failed = failed
        self._rules = rules
        self._described = sites

    def slice(self, row: int) -> ResourceSlice:
        """Return a slice with the taints of all rules and without the devices that failed."""
        fleet = self.fleet
        (known,) = with_taint_rules(
            [self._described.slice(row)], tuple(self._rules.values()), fleet.release, fleet.classes
        )
        spec = known.spec
        kept = [d for d in spec.devices if DeviceId(spec.driver, spec.pool.name, d.name) not in self._failed]
        if len(kept) == len(spec.devices):
            return known
        return msgspec.structs.replace(known, spec=msgspec.structs.replace(spec, devices=kept))

    def forget(self, nodes: tuple[int, ...] | None) -> None:
        """Forget what nodes looked like; None for all."""
        for n in self._made.copy() if nodes is None else nodes:
            self._made.pop(n, None)
