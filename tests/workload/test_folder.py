"""Workloads as folders: what is written is read back, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.evaluate.scenarios import of_folder
from drapolicy.workload import GENERATED, Imported, Size, generate, read
from drapolicy.workload.folder import write_folder


@pytest.fixture(scope="module")
def made() -> Imported:
    return generate("helios-like", 1, Size(nodes=3, jobs=60))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    """Pods, claims, arrivals and gangs to the byte of their digest; and the fleet."""
    given = generate(name, 2, Size(nodes=6, jobs=80))
    paths = write_folder(given, tmp_path / "w")
    assert sorted(map(str, paths)) == sorted(str(tmp_path / "w" / path) for path in everything(tmp_path / "w"))
    assert read(tmp_path / "w" / "workload").digest == given.workload.digest
    assert api.load(tmp_path / "w" / "fleet.json.gz") == given.fleet
    scenario = of_folder(tmp_path / "w")
    assert (len(scenario.fleet.nodes), len(scenario.workload.arrivals)) == (6, len(given.workload.arrivals))


def test_the_readme_tells_where_it_is_from(tmp_path: Path, made: Imported) -> None:
    """Source, seed and what was left out."""
    write_folder(made, tmp_path / "w")
    text = (tmp_path / "w" / "README.md").read_text()
    assert text.startswith("# helios-like\nSynthetic training jobs")
    assert all(f"- note: {note}" in text for note in made.notes)


def test_the_same_is_written_in_the_same_bytes(tmp_path: Path, made: Imported) -> None:
    """Whenever it is written."""
    for name in "ab":
        write_folder(made, tmp_path / name)
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


def test_a_workload_without_a_fleet(tmp_path: Path, made: Imported) -> None:
    """Has no file for it."""
    write_folder(Imported(made.workload, made.source), tmp_path / "w")
    assert sorted(everything(tmp_path / "w")) == ["README.md", "workload/arrivals.csv", "workload/pods.json"]


def test_folders_of_others_are_left_alone(tmp_path: Path, made: Imported) -> None:
    """A folder with any other file is refused, whatever was asked; a workload is replaced only when asked."""
    folder = tmp_path / "w"
    folder.mkdir()
    write_folder(made, folder)  # an empty folder is as none
    before = everything(folder)
    with pytest.raises(InputError, match="holds a workload already; give another folder, or replace it"):
        write_folder(made, folder)
    write_folder(Imported(made.workload, made.source), folder, replace=True)
    assert "fleet.json.gz" in before
    assert "fleet.json.gz" not in everything(folder)
    (folder / "thesis.tex").write_text("x")
    kept = everything(folder)
    for replace in (False, True):
        with pytest.raises(InputError, match="holds thesis.tex, which no workload has; give another folder"):
            write_folder(made, folder, replace=replace)
    assert everything(folder) == kept
    with pytest.raises(InputError, match="is a file; give a folder"):
        write_folder(made, folder / "thesis.tex")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w"]


def test_links_are_followed(tmp_path: Path, made: Imported) -> None:
    """What they point to is written, replaced or made; they stay."""
    for name in ("there", "nowhere"):
        (tmp_path / f"to-{name}").symlink_to(name)
    (tmp_path / "there").mkdir()
    for name in ("there", "nowhere", "there"):
        paths = write_folder(made, tmp_path / f"to-{name}", replace=True)
        assert paths[0] == tmp_path / f"to-{name}" / "README.md"
        assert (tmp_path / f"to-{name}").is_symlink()
        assert len(everything(tmp_path / name)) == 4


def test_where_one_is_cannot_be_replaced(tmp_path: Path, made: Imported, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell would be left in a folder that is gone."""
    (tmp_path / "w" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "w" / "x")
    for folder in (".", "..", tmp_path / "w"):
        with pytest.raises(InputError, match="is where you are; give a folder inside it"):
            write_folder(made, folder)
    assert Path.cwd().exists()


def test_what_was_there_comes_back(tmp_path: Path, made: Imported, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new folder cannot be put in its place."""
    folder = tmp_path / "w"
    write_folder(made, folder)
    before = everything(folder)
    real = Path.rename

    def stuck(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(16, "Device or resource busy")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", stuck)
    with pytest.raises(OSError, match="busy"):
        write_folder(Imported(made.workload, made.source), folder, replace=True)
    assert everything(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_nothing_half_written_is_left(tmp_path: Path, made: Imported, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails in the middle, what was there stays, and nothing beside it."""
    folder = tmp_path / "w"
    write_folder(made, folder)
    before = everything(folder)
    real = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.name == "fleet.json.gz":
            raise OSError(28, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    for target in (folder, tmp_path / "new"):
        with pytest.raises(OSError, match="No space"):
            write_folder(made, target, replace=True)
    assert everything(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["w"]
