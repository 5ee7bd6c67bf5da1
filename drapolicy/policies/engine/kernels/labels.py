"""Labels that rank nothing."""

from __future__ import annotations

UNKNOWN, ODD, REFUSED, NONE = -4, -3, -2, -1
"""Not asked yet, to be asked on its own, no node for the pod, no devices."""
