"""Independent checker of placements: shares no code with the allocator. See docs/architecture.md."""

from drapolicy.verify.check import Verifier, verify, violations

__all__ = ["Verifier", "verify", "violations"]
