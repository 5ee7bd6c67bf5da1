"""How allocators of vendors' device plugins choose devices of one node, as solvers."""

from __future__ import annotations

from drapolicy.policies.peers.amd import AmdDevicePlugin
from drapolicy.policies.peers.gpuallocator import GpuAllocator
from drapolicy.policies.peers.intel import IntelDevicePlugin
from drapolicy.policies.peers.question import Peer, Question

__all__ = ["AmdDevicePlugin", "GpuAllocator", "IntelDevicePlugin", "Peer", "Question"]
