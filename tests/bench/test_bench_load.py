from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_load_bench_runs() -> None:
    """The bench measures and reports at a small size; how fast is for a quiet machine to say."""
    command = [sys.executable, str(HERE / "bench_load.py"), "--devices", "10000", "--times", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("10,000 devices, ")
    for line in ("ratio by wall: best", "ratio by cpu: best", "peak of the loading process", "fleet: arrays"):
        assert line in ran.stdout
