"""Writes datasets/: fleets with workloads, from seeds. Run by `make data`; a test holds the files equal to it."""

from __future__ import annotations

import sys
from pathlib import Path

from drapolicy.workload.embedded import write_all

if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "datasets")
