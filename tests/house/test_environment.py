"""environment.yml says what pyproject.toml says."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

CONDA = {"networkx", "numpy", "scipy", "pulp", "ipywidgets", "altair"}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, dict[str, SpecifierSet]]:
    """Requirements of pyproject.toml: core and the extra ``lab``."""
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = {r.name: r.specifier for r in map(Requirement, table["dependencies"])}
    lab = {r.name: r.specifier for r in map(Requirement, table["optional-dependencies"]["lab"])}
    return {"core": core, "lab": lab}


@pytest.fixture(scope="module")
def conda(root: Path) -> dict[str, dict[str, SpecifierSet]]:
    """Requirements of environment.yml: from conda-forge and from PyPI."""
    entries = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    plain = {r.name: r.specifier for r in map(Requirement, (e for e in entries if isinstance(e, str)))}
    pip = next(e["pip"] for e in entries if isinstance(e, dict))
    return {"conda": plain, "pip": {r.name: r.specifier for r in map(Requirement, pip)}}


def test_the_six_fixed_packages_come_from_conda_forge(project: dict, conda: dict) -> None:
    """Names on conda-forge are known for these six only; the rest comes from PyPI."""
    assert {n: s for n, s in conda["conda"].items() if n not in {"python", "pip"}} == {
        n: s for n, s in project["core"].items() if n in CONDA
    }


def test_the_rest_comes_from_pypi_with_the_same_bounds(project: dict, conda: dict) -> None:
    """A dependency added to one file only would leave conda users behind."""
    rest = {n: s for n, s in project["core"].items() if n not in CONDA}
    assert conda["pip"] == rest | project["lab"]


def test_what_is_installed_meets_the_bounds(project: dict) -> None:
    """The bounds name versions that exist and that the tests ran with."""
    unmet = [name for name, specifier in project["core"].items() if version(name) not in specifier]
    assert unmet == []


def test_python_bound_is_the_same(root: Path, conda: dict) -> None:
    """Both files ask for the same Python."""
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert conda["conda"]["python"] == SpecifierSet(table["requires-python"])


def test_every_dependency_says_what_needs_it(root: Path) -> None:
    """A dependency pays rent: its line in pyproject.toml names the part that uses it (G46)."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    block = text.split("dependencies = [", 1)[1].split("]", 1)[0]
    lines = [line for line in block.splitlines() if line.strip()]
    assert [line for line in lines if "# " not in line] == []
