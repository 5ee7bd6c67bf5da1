"""The container of what was read."""

from __future__ import annotations

import pytest

from drapolicy.api import DeviceClass, Namespace, Node, ObjectMeta, Objects, Pod, loads
from drapolicy.errors import Fault


def named(kind: type, name: str) -> object:
    return kind(metadata=ObjectMeta(name=name))


def test_objects_are_sorted_by_kind_and_keep_their_order() -> None:
    """Each kind has the order of the input."""
    objects = Objects.of([named(Pod, "b"), named(Node, "n"), named(Pod, "a")])
    assert [pod.metadata.name for pod in objects.pods] == ["b", "a"]
    assert [item.metadata.name for item in objects] == ["n", "b", "a"]
    assert len(objects) == 3


def test_merging_appends_and_adds_up() -> None:
    """Objects and ignored fields are appended kind by kind, counts are added."""
    fault = Fault("f", 0, "o", "p", "m")
    first = Objects.of([named(Node, "a")], {"v1/Service": 1, "v1/Secret": 1}, [fault])
    second = Objects.of([named(Node, "b"), named(Namespace, "x")], {"v1/Service": 2})
    merged = first.merged(second, Objects.of([named(DeviceClass, "c")]))
    assert [node.metadata.name for node in merged.nodes] == ["a", "b"]
    assert (len(merged.namespaces), len(merged.classes)) == (1, 1)
    assert merged.skipped == {"v1/Service": 3, "v1/Secret": 1}
    assert merged.ignored_fields == (fault,)
    assert len(first) == 1


def test_other_types_are_refused() -> None:
    """Only objects of the API can be held."""
    with pytest.raises(TypeError, match="ObjectMeta is no kind"):
        Objects.of([ObjectMeta()])


def test_counts_cannot_be_changed() -> None:
    """What was read is frozen."""
    with pytest.raises(TypeError):
        Objects.of([], {"v1/Service": 1}).skipped["v1/Service"] = 2  # type: ignore[index]


def test_faults_of_whole_objects_are_placed() -> None:
    """A check that sees objects only can still say in which file and document each stands."""
    text = "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: %s}\n"
    objects = loads(text % "a" + "---\n" + text % "b", name="classes.yaml")
    found = objects.merged(Objects()).located(
        [Fault("", -1, "DeviceClass b", "spec", "x"), Fault("", -1, "c", "", "x")]
    )
    assert [(fault.file, fault.document) for fault in found] == [("classes.yaml", 1), ("", -1)]
