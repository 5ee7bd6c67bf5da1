from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_bench_of_plays_runs() -> None:
    """At a small size; how fast is for a quiet machine to say."""
    command = [
        sys.executable,
        str(HERE / "bench_play.py"),
        "--one",
        "--nodes",
        "3",
        "--arrivals",
        "40",
        "--policies",
        "packing",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "3 nodes" in ran.stdout
    assert "40 arrivals" in ran.stdout
