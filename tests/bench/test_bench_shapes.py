from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_shapes_bench_runs() -> None:
    """A small fleet of equal nodes is one shape, however its counter sets are called; how fast is for a quiet machine."""
    command = [sys.executable, str(HERE / "bench_shapes.py"), "--nodes", "200"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(" 1 shapes, ") == 3
    assert "2 link tables" in ran.stdout
