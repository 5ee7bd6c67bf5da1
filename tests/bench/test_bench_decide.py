from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from drapolicy.policies import POLICIES

HERE = Path(__file__).resolve().parent


def test_the_decision_bench_runs() -> None:
    """The bench decides alike with memory and without, at a small size; how fast is for a quiet machine to say."""
    command = [sys.executable, str(HERE / "bench_decide.py"), "--nodes", "3", "--asks", "12"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for policy in POLICIES:
        assert policy in ran.stdout
