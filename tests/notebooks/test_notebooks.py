"""Notebooks run from a clean kernel, keep their promises, and stay short."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: make setup")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: make setup")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 60
ADDRESS = re.compile(r"https?:[^\"'\s<>]*")
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
IMPORTS = {
    "import numpy as np",
    "from pathlib import Path",
    "from drapolicy.evaluate import fgd",
    "from drapolicy.policies.groups import Greedy, Patterns",
    "from drapolicy.policies.place import place_groups",
    "from drapolicy.problem.ask import asks",
    "from drapolicy.problem.problem import Problem",
    "from drapolicy.problem.state import State",
    "from drapolicy.testing import contract",
}

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The kernel imports this checkout, and keeps its own files away from it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))


def run(notebook: nbformat.NotebookNode, folder: Path, seconds: int = SECONDS) -> None:
    """Execute a notebook's cells in a kernel of its own."""
    client = nbclient.NotebookClient(
        notebook, timeout=seconds, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    asyncio.run(asyncio.wait_for(client.async_execute(), seconds))


@each
def test_a_notebook_runs_from_a_clean_kernel(path: Path, here: None, tmp_path: Path) -> None:
    """Every cell runs, the last one's assertions among them, within the time limit (G34)."""
    notebook = nbformat.read(path, as_version=4)
    run(notebook, tmp_path)
    pictures = [
        output.data["image/svg+xml"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/svg+xml" in output.get("data", {})
    ]
    assert len(pictures) >= 4
    assert not [address for picture in pictures for address in ADDRESS.findall(picture) if address not in NAMESPACES]


@each
def test_a_notebook_is_short_and_mostly_prose(path: Path) -> None:
    """At most 20 cells, code of three lines in the median and never over 25, more words than code (G33)."""
    cells = nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    lengths = [len(source.splitlines()) for source in code]
    assert len(cells) <= 20
    assert statistics.median(lengths) <= 3
    assert max(lengths) <= 25
    assert sum(map(len, prose)) > sum(map(len, code))
    assert not any("class " in line[:6] for source in code for line in source.splitlines())


@each
def test_a_notebook_imports_what_is_public_and_hides_nothing(path: Path) -> None:
    """Imports first, and only what policies are written and tested with; no magic, no machine's paths, no outputs (G35)."""
    cells = nbformat.read(path, as_version=4).cells
    lines = [line for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert imports[0] == "import drapolicy as dp"
    assert set(imports[1:]) <= IMPORTS
    assert lines[: len(imports)] == imports
    assert not [line for line in lines if line.lstrip().startswith(("%", "!")) or "._" in line or '"/' in line]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells if cell.cell_type == "code")
    assert any(line.startswith("assert ") for line in cells[-1].source.splitlines())


@pytest.mark.skipif(not os.environ.get("FGD_ALL"), reason="takes a minute; make fgd runs it")
def test_the_fgd_notebook_comes_to_the_published_figures(shared: Path, here: None, tmp_path: Path) -> None:
    """With the folder of the original at its top, notebook 06 plays the original, and its assertions hold there too."""
    path = next(path for path in NOTEBOOKS if path.stem.startswith("06-"))
    notebook = nbformat.read(path, as_version=4)
    top = next(cell for cell in notebook.cells if cell.source.startswith('original = ""'))
    top.source = top.source.replace('original = ""', f"original = {str(shared / 'traces' / 'fgd')!r}", 1)
    top.source += "\nassert stream is not None and len(trace.pods) == 8152"
    run(notebook, tmp_path, 10 * SECONDS)


def test_there_are_notebooks() -> None:
    """The parametrised tests above cannot pass by having nothing to look at."""
    assert NOTEBOOKS
    assert sys.version_info >= (3, 11)
