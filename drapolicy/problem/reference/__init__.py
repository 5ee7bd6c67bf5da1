"""The reference: plain depth-first search that decides as the allocator of its Kubernetes release does."""

from drapolicy.problem.reference.allocator import Allocator

__all__ = ["Allocator"]
