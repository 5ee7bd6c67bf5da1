"""Intel's GPU plugin for Kubernetes: shares of cards, spread or packed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from drapolicy.errors import InputError
from drapolicy.policies.peers.question import Peer, Question

POLICIES = ("none", "balanced", "packed")


@dataclass(frozen=True)
class IntelDevicePlugin(Peer):
    """The preferred allocation of Intel's GPU plugin, by one of its three policies.

    * ``none``: the first device of each card in the order in which devices are published, then the others in order.
    * ``balanced``: again and again the least device, by name, of the card that has most left; of equals the card with
      the least name.
    * ``packed``: the least devices by name.

    Names compare as texts, so ``card10`` comes before ``card2``. Devices that are required are as good as any other to
    the plugin; here they are always among the answer, in place of the last chosen.

    Attributes
    ----------
    policy
        ``none``, ``balanced`` or ``packed``.

    References
    ----------
    intel/intel-device-plugins-for-kubernetes 35a85bf, cmd/gpu_plugin/allocationpolicy.go.
    """

    policy: Literal["none", "balanced", "packed"] = "none"
    name: ClassVar[str] = "intel-device-plugin"

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            message = f"intel-device-plugin: policy {self.policy!r} is unknown; use one of {', '.join(POLICIES)}"
            raise InputError(message)

    def propose(self, asked: Question) -> Sequence[int] | None:
        """Return the devices in the order in which they are chosen."""
        ranked = {"none": _spread, "balanced": _balanced, "packed": _packed}[self.policy](asked)
        chosen = list(ranked[: asked.size])
        missing = [d for d in asked.required if d not in chosen]
        spare = [d for d in chosen if d not in asked.required]
        given_up = spare[len(spare) - len(missing) :]
        return [*(d for d in chosen if d not in given_up), *missing]


def _names(asked: Question) -> dict[int, str]:
    return {d: asked.local.devices[d].id.device for d in asked.available}


def _spread(asked: Question) -> list[int]:
    first = {asked.parents[d]: d for d in reversed(asked.available)}
    leading = [d for d in asked.available if first[asked.parents[d]] == d]
    return leading + [d for d in asked.available if first[asked.parents[d]] != d]


def _packed(asked: Question) -> list[int]:
    return sorted(asked.available, key=_names(asked).__getitem__)


def _balanced(asked: Question) -> list[int]:
    left: dict[int, list[int]] = defaultdict(list)
    for d in _packed(asked):
        left[asked.parents[d]].append(d)
    card = {parent: asked.local.devices[parent].id.device for parent in left}
    chosen = []
    for _ in asked.available:
        fullest = min(left, key=lambda parent: (-len(left[parent]), card[parent]))
        chosen.append(left[fullest].pop(0))
    return chosen
