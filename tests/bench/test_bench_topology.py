from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_topology_bench_runs() -> None:
    """Measures at once equal their loops on a rack; how fast is for a quiet machine to say."""
    command = [sys.executable, str(HERE / "bench_topology.py"), "--racks", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for measure in ("pairwise", "hops", "levels", "bandwidth", "bottleneck"):
        assert measure in ran.stdout
