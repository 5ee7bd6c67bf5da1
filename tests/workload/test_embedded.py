"""The datasets that come with drapolicy are what their generator writes, and they load."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate.scenarios import embedded, of_dataset
from drapolicy.workload.embedded import ABOUT, DATASETS, TWIN, dataset_folder, files_of, is_dataset, parts_of, write_all

FILES = {name: files_of(name) for name in ABOUT}


@pytest.mark.parametrize("name", FILES)
def test_files_are_what_the_generator_writes(root: Path, name: str) -> None:
    """Every file of a dataset is there byte for byte, and no other; compressed ones are compared unpacked."""
    folder = root / "datasets" / name
    made = FILES[name]
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(made)
    for path, content in made.items():
        found = (folder / path).read_bytes()
        if path.endswith(".gz"):
            found, content = gzip.decompress(found), gzip.decompress(content)
        assert found == content, path


def test_write_all_writes_them(tmp_path: Path) -> None:
    """One call writes all datasets."""
    write_all(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert DATASETS.keys() < ABOUT.keys()
    assert (tmp_path / "mig-a100" / "workload" / "arrivals.csv").is_file()


def test_datasets_load_with_validation() -> None:
    """Both fleets and workloads load strictly; the bridged one has links on every node."""
    bridged, mig = embedded()
    assert (len(bridged.fleet.nodes), len(mig.fleet.nodes)) == (12, 6)
    assert len(bridged.workload.arrivals) == len(mig.workload.arrivals) == 420
    assert sorted(bridged.fleet.links) == list(bridged.fleet.nodes.names)
    assert not mig.fleet.links


def test_every_dataset_is_a_scenario() -> None:
    """By its name; the twin with the times of its list."""
    for name in ABOUT:
        scenario = of_dataset(name)
        assert scenario.name == name
        assert set(parts_of(name)) >= {"fleet", "workload"}
        assert all(path.exists() for path in parts_of(name).values())
    assert (len(scenario.workload.arrivals), len(scenario.fleet.nodes)) == (8_152, 1_213)
    assert name == TWIN
    assert of_dataset("bridged-a100").fleet.links
    assert "topology" in parts_of("bridged-a100")
    with pytest.raises(
        UnknownReferenceError, match="dataset 'x': unknown; use one of bridged-a100, mig-a100, philly-day"
    ):
        of_dataset("x")


def test_files_come_before_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a file that is called as a dataset means the file."""
    monkeypatch.chdir(tmp_path)
    assert is_dataset("acme-day")
    assert not is_dataset("nobody")
    (tmp_path / "acme-day").touch()
    assert not is_dataset("acme-day")


def test_datasets_are_beside_the_package(root: Path) -> None:
    """In a checkout the folder is the checkout's."""
    assert dataset_folder() == root / "datasets"
