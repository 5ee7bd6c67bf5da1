from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_columns_bench_runs() -> None:
    """The bench measures and reports at a small size; how fast is for a quiet machine to say."""
    command = [sys.executable, str(HERE / "bench_columns.py"), "--devices", "800", "--large", "800", "--times", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("800 devices, seed 0")
    assert ran.stdout.count("compiled") == 6
    assert "800 devices: first call on a new table" in ran.stdout
