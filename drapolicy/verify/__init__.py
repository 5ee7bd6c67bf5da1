"""Independent checker of placements: shares no code with the allocator. See docs/architecture.md."""

from drapolicy.verify.check import verify, violations

__all__ = ["verify", "violations"]
