"""Labels of Kubernetes nodes that tell where a node is, by who gives them: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drapolicy.errors import InputError

HOSTNAME: Final = "kubernetes.io/hostname"
"""Label of the node itself; the last level of Kueue's topologies."""

WIDTHS: Final = ("leaf", "rack", "spine", "domain", "core")
"""Places of hosts from the narrowest to the widest; a switch is named by its layer."""

FABRIC: Final = ("leaf", "spine", "core")
"""Layers of switches that hosts are below, from the narrowest to the widest."""


@dataclass(frozen=True, slots=True)
class Level:
    """A label that tells one thing of where a node is.

    Attributes
    ----------
    key
        The label.
    kind
        Kind of the vertex that a value becomes: ``rack``, ``domain`` or ``switch``.
    layer
        Of a switch: ``leaf``, ``spine`` or ``core``.
    optional
        Whether many nodes lack it although they are placed well.
    cabled
        Whether a switch has links to what is below it; a zone is only where hosts are.

    Raises
    ------
    InputError
        If kind and layer are none of these.
    """

    key: str
    kind: str
    layer: str = ""
    optional: bool = False
    cabled: bool = True

    def __post_init__(self) -> None:
        known = self.layer in FABRIC if self.kind == "switch" else self.kind in ("rack", "domain") and not self.layer
        if not known:
            message = f"{self.kind!r} {self.layer!r} is no place of hosts; use rack, domain, or switch with its layer"
            raise InputError(f"level {self.key}: {message}")

    @property
    def width(self) -> int:
        """Position in `WIDTHS`."""
        return WIDTHS.index(self.layer or self.kind)


@dataclass(frozen=True, slots=True)
class Family:
    """Labels that one source gives, of which each is inside the one before.

    Attributes
    ----------
    levels
        From the widest to the narrowest. Several labels of one level are spellings: the first that a node has counts.
    source
        Who gives them, and where that is told.
    needs, bars
        Label without which, and label with which, a node's labels are not these.
    """

    levels: tuple[tuple[Level, ...], ...]
    source: str
    needs: str = ""
    bars: str = ""

    def path(self, labels: Mapping[str, str]) -> Path:
        """Return where a node with these labels is; the first spelling stands for all of its level."""
        if (self.needs and not labels.get(self.needs)) or labels.get(self.bars):
            return ()
        found = []
        for spellings in self.levels:
            value = next(filter(None, (labels.get(level.key) for level in spellings)), "")
            if value:
                found.append((spellings[0], value))
        return tuple(found)


Path = tuple[tuple[Level, str], ...]
"""Levels and their values, from the widest to the narrowest."""


def _switch(layer: str, *keys: str) -> tuple[Level, ...]:
    return tuple(Level(key, "switch", layer) for key in keys)


def _zone(*keys: str) -> tuple[Level, ...]:
    return tuple(Level(key, "switch", "core", cabled=False) for key in keys)


def _place(kind: str, *keys: str) -> tuple[Level, ...]:
    return tuple(Level(key, kind) for key in keys)


_EKS: Final = "topology.k8s.aws/network-node-layer-"

FAMILIES: Final[tuple[Family, ...]] = (
    Family(
        (
            _zone("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"),
            _zone("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"),
        ),
        "Kubernetes, well-known labels; a zone counts as the core that all its hosts meet at",
    ),
    Family(
        (
            _place(
                "domain",
                "nvidia.com/gpu.clique",
                "accelerator.topograph.run/domain",
                "network.topology.nvidia.com/accelerator",
                "network.topology.kubernetes.io/accelerator",
                "topology.k8s.aws/ultraserver-id",
            ),
            (Level("accelerator.topograph.run/sub-domain", "rack", optional=True),),
        ),
        "NVIDIA GPU feature discovery; topograph docs/engines/k8s.md of v1, before that v0.x; EKS, UltraServers",
    ),
    Family(
        (
            _switch("core", "fabric.topograph.run/tier-2"),
            _switch("spine", "fabric.topograph.run/tier-1"),
            _switch("leaf", "fabric.topograph.run/tier-0"),
        ),
        "topograph docs/engines/k8s.md of v1: tier 0 is next to the node",
    ),
    Family(
        (
            _switch(
                "core",
                "network.topology.nvidia.com/core",
                "network.topology.nvidia.com/datacenter",
                "network.topology.kubernetes.io/datacenter",
            ),
            _switch("spine", "network.topology.nvidia.com/spine", "network.topology.kubernetes.io/spine"),
            _switch(
                "leaf",
                "network.topology.nvidia.com/leaf",
                "network.topology.nvidia.com/block",
                "network.topology.kubernetes.io/block",
            ),
        ),
        "topograph docs/engines/k8s.md of v0.3; other spellings are of v0.1 and of docs/k8s.md before it",
    ),
    Family(
        tuple(_switch(layer, f"{_EKS}{n}") for n, layer in enumerate(("core", "spine", "leaf"), 1)),
        "Amazon EKS user guide, ml-workload-topology: layer 1 is the widest",
        bars=f"{_EKS}4",
    ),
    Family(
        tuple(_switch(layer, f"{_EKS}{n}") for n, layer in enumerate(("core", "core", "spine", "leaf"), 1)),
        "Amazon EKS user guide, ml-workload-topology: few instance types have a fourth layer",
        needs=f"{_EKS}4",
    ),
    Family(
        (
            _switch("spine", "cloud.google.com/gce-topology-block"),
            _place("rack", "cloud.google.com/gce-topology-subblock"),
        ),
        "Google Cloud, schedule-gke-workloads-tas; gce-topology-host is the machine below the node",
    ),
    Family(
        (
            _switch("core", "oci.oraclecloud.com/rdma.hpc_island_id"),
            _switch("spine", "oci.oraclecloud.com/rdma.network_block_id"),
            _switch("leaf", "oci.oraclecloud.com/rdma.local_block_id"),
        ),
        "oracle-quickstart/oci-hpc-oke, using RDMA network locality; rdma.host_id is the node",
    ),
    Family(
        (
            _switch("spine", "oci.oraclecloud.com/host.network_block_id"),
            _place("rack", "oci.oraclecloud.com/host.rack_id"),
        ),
        "Oracle OKE, labels of its bare-metal hosts",
    ),
    Family(
        (
            _switch("spine", "topology.kubernetes.io/block", "cloud.provider.com/topology-block"),
            _place("rack", "topology.kubernetes.io/rack", "cloud.provider.com/topology-rack"),
        ),
        "not given by Kubernetes; conventions of examples of Kueue and Grove, the second of Kueue's own documentation",
    ),
)
"""Labels that are known, by source."""
