from __future__ import annotations

import gc
import gzip
from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.inventory import build, build_from, load
from drapolicy.release import release

SLICE = """
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {name}}}
spec:
  driver: gpu.example.com
  nodeName: {node}
  pool: {{name: {node}, generation: 1, resourceSliceCount: 1}}
  devices:
  - name: gpu-0
    attributes:
      index: {{int: 0}}
      numa: {{int: 1}}
    capacity:
      memory: {{value: 40Gi}}
"""
CLASS = """
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu.example.com}
"""


def written(folder: Path) -> Path:
    """A folder of three files: two documents, a gzipped one, a class."""
    two = SLICE.format(name="b", node="n2") + "---" + SLICE.format(name="c", node="n3")
    (folder / "1.yaml").write_text(two)
    (folder / "2.yaml.gz").write_bytes(gzip.compress(SLICE.format(name="a", node="n1").encode()))
    (folder / "3.yaml").write_text(CLASS)
    return folder


def test_files_become_the_fleet_of_their_objects(tmp_path: Path) -> None:
    """Reading file by file gives the fleet that all objects together give."""
    folder = written(tmp_path)
    fleet = load(folder)
    assert fleet == build(api.load(folder), release("1.37"))
    assert fleet.nodes.names == ("n1", "n2", "n3")
    assert list(fleet.classes) == ["gpu.example.com"]
    assert len(fleet.devices) == 3


def test_parts_become_the_fleet_of_all_of_them(tmp_path: Path) -> None:
    """Objects that come in parts give the fleet that they give together; nothing of a part is needed later."""
    folder = written(tmp_path)
    assert build_from(api.load(file) for file in sorted(folder.iterdir())) == build(api.load(folder))


def test_files_may_come_in_any_order(tmp_path: Path) -> None:
    """Slices of the second file may belong before those of the first."""
    folder = written(tmp_path)
    files = sorted(folder.iterdir())
    assert load(*files) == load(*reversed(files))


def test_faults_of_all_files_are_reported(tmp_path: Path) -> None:
    """A fleet is made of faultless files only, and the error names every one that is not."""
    folder = written(tmp_path)
    for name in ("4.yaml", "5.yaml"):
        (folder / name).write_text("apiVersion: resource.k8s.io/v1\nkind: ResourceSlice\nspec: {drivers: x}\n")
    with pytest.raises(InputError) as caught:
        load(folder)
    assert {Path(fault.file).name for fault in caught.value.faults} == {"4.yaml", "5.yaml"}


def test_unknown_fields_pass_when_asked(tmp_path: Path) -> None:
    """`strict=False` lets fields of a newer Kubernetes pass."""
    file = tmp_path / "slice.yaml"
    file.write_text(SLICE.format(name="a", node="n1") + "  invented: 1\n")
    with pytest.raises(InputError, match="invented"):
        load(file)
    assert len(load(file, strict=False).devices) == 1


def test_the_release_is_kept(tmp_path: Path) -> None:
    """A fleet belongs to one release, 1.37 with its default gates unless told otherwise."""
    folder = written(tmp_path)
    other = release("1.36")
    assert load(folder).release == release("1.37")
    assert load(folder, release=other).release == other


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_left_as_it_was(tmp_path: Path, enabled: bool) -> None:
    """Loading switches it off for itself only, also when it fails."""
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        load(written(tmp_path))
        assert gc.isenabled() is enabled
        with pytest.raises(InputError):
            load(tmp_path / "missing.yaml")
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def test_real_slices_survive(shared: Path) -> None:
    """All slices of real clusters, and those with every field filled, come out of the columns as they went in."""
    seen = 0
    for path in sorted(path for path in (shared / "real").rglob("*") if path.suffix in {".json", ".yaml"}):
        try:
            objects = api.load(path, strict=False, validate=False, expand=False)
        except InputError:
            continue
        if objects.slices:
            found = sorted(build(objects).objects.slices, key=lambda item: item.metadata.name)
            expected = sorted(objects.slices, key=lambda item: item.metadata.name)
            assert found == expected, path
            # Quantities are equal by number; as plain values they are so by spelling.
            assert [*map(api.to_builtins, found)] == [*map(api.to_builtins, expected)], path
            seen += len(objects.slices)
    assert seen > 20
