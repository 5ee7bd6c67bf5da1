"""Devices and interconnects of a machine as a graph, read from what machines print, joined to DRA devices.

========================  ==========================================================================
`links`                   kinds of links and their bandwidths: the table
`graph`                   `Topology`: a validated networkx graph with units
`nvidia_smi`              reads ``nvidia-smi topo -m``; `matrix`, `listing`: its record and its lines
`rocm_smi`                reads ``rocm-smi --showtopo``; `amd_links`, `tables`: its record and its tables
`amd_smi`, `xpu_smi`      read ``amd-smi topology`` and ``xpu-smi topology -m``: experimental
`nccl_xml`                reads topologies of NCCL and RCCL; `nccl`, `nccl_checks`, `nccl_graph`: its parts
`hwloc_xml`               reads hwloc's XML, `hwloc_console` what ``lstopo`` prints; `hwloc`, `hwloc_graph`: their parts
`sockets`                 which link joins the sockets of a CPU
`kfd`                     reads sysfs captures of AMD's driver; `kfd_record`, `kfd_sysfs`, `kfd_graph`: its parts
`xml`                     XML of strangers: elements with their places
`slurm_conf`              reads Slurm's ``topology.conf``, `slurm_yaml` its ``topology.yaml``; `slurm`: their networks
`topograph`               reads models of topograph, `topograph_output` what it gets from NetQ and NMX
`kubernetes_nodes`        reads Kubernetes nodes; `labels`: where their labels say hosts are; `label_table`: which do
`dra_slices`              reads ResourceSlices: what DRA attributes alone say of GPUs and NICs, signatures of shapes
`document`, `hostlist`    YAML and JSON of strangers with the place of every field; names like ``node[01-16]``
`attributes`              what DRA attributes alone say; `attribute_links`, `common`; `spellings`: their table
`bind`                    graph and devices of a node -> link table and report; `matching`: which device is which vertex
`parts`, `pci`            which devices are parts of one; addresses in any spelling; `vertices`: what a graph tells
`measures`                how well a set of devices is linked
`read`                    reads a file of any format; the table of formats
`generate`                machines and networks that nobody has at hand; `generate`
`diff`                    what differs between two pictures, and what that does to bandwidths; `diff`
`drawing`                 Altair charts; `draw`, `draw_bandwidths`
`node_link`               a picture as JSON: `save`, `load`
`source`, `lookalikes`    text of a file; what a text is that no format fits
`fleet`                   joins a machine's graph to the nodes of a fleet, or hosts to nodes of their names
========================  ==========================================================================
"""

from drapolicy.topology.attributes import Common, attribute_links, common
from drapolicy.topology.bind import BindReport, Bound, LinkTable, bind
from drapolicy.topology.diff import Diff, diff
from drapolicy.topology.drawing import draw, draw_bandwidths
from drapolicy.topology.generate import generate
from drapolicy.topology.graph import Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.measures import bandwidth_mb_s, best_sets
from drapolicy.topology.node_link import load, save
from drapolicy.topology.nvidia_smi import Matrix
from drapolicy.topology.products import LinkRates, link_rates
from drapolicy.topology.read import read

__all__ = [
    "BindReport",
    "Bound",
    "Common",
    "Diff",
    "LinkKind",
    "LinkRates",
    "LinkTable",
    "Matrix",
    "Topology",
    "attribute_links",
    "bandwidth_mb_s",
    "best_sets",
    "bind",
    "common",
    "diff",
    "draw",
    "draw_bandwidths",
    "generate",
    "link_rates",
    "load",
    "read",
    "save",
]
