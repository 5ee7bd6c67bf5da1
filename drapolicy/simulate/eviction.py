"""How long asks may stay on devices with a taint that throws them off (K8s S49b)."""

from __future__ import annotations

from collections.abc import Iterator

from drapolicy.api.resource import DeviceTaint, DeviceToleration
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Taint, Untaint
from drapolicy.problem.state import State
from drapolicy.simulate.incidents import Befalls
from drapolicy.workload.table import NS

NO_EXECUTE = "NoExecute"


class Tolerance:
    """Tells when asks must leave their devices.

    A device's own taints, and those of the fleet's rules, are there from the start. Who starts on a device that is
    tainted already stays as long as it tolerates that (Kubernetes counts from when the taint was added, and would
    evict and place such a pod again and again).

    Parameters
    ----------
    state
        The state that asks run in.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._since: dict[str, int] = {}
        fleet = state.fleet
        own = any(taint.effect == NO_EXECUTE for kind in fleet.devices.rest.values for taint in kind.taints)
        ruled = any(rule.spec.taint.effect == NO_EXECUTE for rule in fleet.taint_rules)
        self._from_the_start = own or (ruled and fleet.release.heeds_taint_rules)

    def note(self, what: Befalls, now_ns: int) -> None:
        """Note when a taint comes, and when it goes."""
        if isinstance(what, Taint):
            self._since[what.rule.metadata.name] = now_ns
        elif isinstance(what, Untaint):
            del self._since[what.name]

    def due_ns(self, ask: Ask, n: int, started_ns: int) -> int | None:
        """Return when a running ask must leave; None for as long as nothing changes.

        Parameters
        ----------
        n
            Position of its node.
        started_ns
            When it started.
        """
        if not self._from_the_start and not self._since:
            return None
        rules = self._state.conditions.rules
        since = {id(rules[name].spec.taint): time for name, time in self._since.items()}
        at = {device.id: device for device in self._state.site(n).devices}
        found = []
        for key in ask.keys:
            for item in self._state.held[key].devices.results:
                device = at.get(DeviceId(item.driver, item.pool, item.device))
                for taint in () if device is None else device.api.taints:
                    if taint.effect == NO_EXECUTE:
                        stays = list(_tolerated_s(item.tolerations, taint))
                        begin = max(since.get(id(taint), 0), started_ns)
                        if not stays:
                            found.append(begin)
                        elif None not in stays:
                            found.append(begin + NS * min(max(s, 0) for s in stays if s is not None))
        return min(found, default=None)

    def devices(self, ask: Ask) -> set[DeviceId]:
        """Return the devices that a running ask uses."""
        held = self._state.held
        return {DeviceId(item.driver, item.pool, item.device) for key in ask.keys for item in held[key].devices.results}


def _tolerated_s(tolerations: list[DeviceToleration], taint: DeviceTaint) -> Iterator[int | None]:
    """Yield how long each toleration that counts puts up with a taint; None for ever.

    Other than for allocation, an empty effect does not count.
    """
    for toleration in tolerations:
        same = toleration.operator == "Exists" or (
            toleration.operator in {"", "Equal"} and toleration.value == taint.value
        )
        if toleration.effect == NO_EXECUTE and toleration.key in {"", taint.key} and same:
            yield toleration.toleration_seconds
