from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_batch_bench_runs() -> None:
    """The bench closes its gaps at a small size, by state and by node alike; how fast is for a quiet machine to say."""
    options = ["--nodes", "20", "--claims", "6", "--seeds", "1", "--fill", "70", "--named", "8"]
    command = [sys.executable, str(HERE / "bench_batch.py"), *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert '"gap_bandwidth_percent": {"median": 0.0, "worst": 0.0}' in ran.stdout
    assert "by_state" in ran.stdout
    assert "by_node" in ran.stdout
