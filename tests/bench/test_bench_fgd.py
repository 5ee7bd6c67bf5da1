from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_bench_of_shares_runs() -> None:
    """Each policy decides by rows at a small size; how fast is for a quiet machine to say."""
    command = [sys.executable, str(HERE / "bench_fgd.py")]
    environment = {**os.environ, "BENCH_NODES": "40"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("40 nodes")
    assert [line.split()[0] for line in lines[1:]] == [
        "first-fit",
        "best-fit",
        "gpu-clustering",
        "fgd",
        "fgd:rounded=false",
    ]
