"""Limits of the ready policies' searches."""

from __future__ import annotations

STEPS = 5_000
"""Steps of exact searches; at the limit the best so far is taken."""

RING_STEPS = 50_000
"""The same where rings are looked at: all sets of 8 of 16 devices, and more."""
