"""The reference: plain depth-first search that decides as Kubernetes 1.37's allocator does."""

from drapolicy.problem.reference.allocator import Allocator

__all__ = ["Allocator"]
