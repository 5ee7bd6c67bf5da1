"""Lists straight into the structs: the fast way says the same as the thorough one, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api import fast_json
from drapolicy.api.convert import convert
from drapolicy.api.json_reader import read_json
from drapolicy.api.resource import ResourceSlice
from drapolicy.release import release


def read_list(data: bytes, minor: str = "1.37") -> list[Any] | None:
    return fast_json.read_list(data, release(minor))


def a_slice(name: str = "s", *, typed: bool = False, generation: int = 1) -> dict[str, Any]:
    head = {} if typed else {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice"}
    device = {
        "name": "gpu-0",
        "attributes": {"index": {"int": 0}, "model": {"string": "x"}},
        "capacity": {"memory": {"value": "80Gi"}, "share": {"value": 1.5}},
    }
    pool = {"name": "p", "generation": generation, "resourceSliceCount": 1}
    spec = {"driver": "gpu.example.com", "nodeName": "a", "pool": pool, "devices": [device]}
    return {**head, "metadata": {"name": name, "creationTimestamp": None}, "spec": spec}


def a_list(items: list[Any], *, typed: bool = False, **more: Any) -> dict[str, Any]:
    version, kind = ("resource.k8s.io/v1", "ResourceSliceList") if typed else ("v1", "List")
    return {"apiVersion": version, "items": items, "kind": kind, "metadata": {"resourceVersion": ""}, **more}


def thorough(data: bytes) -> list[Any]:
    (value,) = read_json(data)
    return [convert(item, ResourceSlice) for item in value["items"]]


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("generation", [0, 1])
@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
def test_lists_of_slices_are_read(
    typed: bool, generation: int, indent: int | None, separators: tuple[str, str]
) -> None:
    """However the text is laid out, the slices are those of the thorough way."""
    items = [a_slice(name, typed=typed, generation=generation) for name in "ab"]
    data = json.dumps(a_list(items, typed=typed), indent=indent, separators=separators).encode()
    assert read_list(data) == thorough(data)


def test_lists_may_mix_the_resource_kinds() -> None:
    """A list of classes, claims and slices keeps its order."""
    items = [a_slice(), {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "c"}}]
    objects = read_list(json.dumps(a_list(items)).encode())
    assert [type(item).__name__ for item in objects or []] == ["ResourceSlice", "DeviceClass"]


def change(*path: str | int) -> Callable[[dict[str, Any], Any], None]:
    def apply(value: dict[str, Any], new: Any) -> None:
        inner: Any = value
        for key in path[:-1]:
            inner = inner[key]
        if new is ...:
            del inner[path[-1]]
        else:
            inner[path[-1]] = new

    return apply


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (("apiVersion",), "v2"),
        (("kind",), "PodList"),
        (("other",), 1),
        (("items", 0, "apiVersion"), "resource.k8s.io/v1beta1"),
        (("items", 0, "apiVersion"), ...),
        (("items", 0, "kind"), ...),
        (("items", 0, "kind"), "Pod"),
        (("items", 0, "spec", "devices"), None),
        (("items", 0, "spec", "other"), 1),
        (("items", 0, "spec", "pool", "generation"), 2**63),
        (("items", 0, "spec", "pool", "generation"), 1.0),
        (("items", 0, "spec", "devices", 0, "capacity", "memory", "value"), "80GiB"),
        (("items", 0, "spec", "devices", 0, "capacity", "memory", "value"), True),
        (("items", 0, "metadata", "name"), "s-{{ .Index }}"),
    ],
)
def test_doubts_are_left_to_the_thorough_way(path: tuple[str | int, ...], new: Any) -> None:
    """Whatever is not plainly right is not read."""
    value = a_list([a_slice()])
    change(*path)(value, new)
    assert read_list(json.dumps(value).encode()) is None


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"int":0', '"int":0,"int":0'),
        ('"generation":1', '"generation":0,"generation":1'),
        ('"generation":1', '"generation":1,"generation":0'),
        ('"index":{"int":0}', '"index":{"int":0},"index":{"int":0}'),
        ('"driver":', '"driver":"a\\":","driver":'),
        ('"driver":', '"driver":"a","driver" :'),
        ('"creationTimestamp":null', '"creationTimestamp":null,"creationTimestamp":null'),
        ('"resourceVersion":""', '"resourceVersion":"","resourceVersion":""'),
        ('"metadata":{"resourceVersion":""}', '"metadata":{"resourceVersion":""},"metadata":{}'),
        ('"nodeName":"a"', '"nodeName":"a","uid":"b"'),
        ("]}", "]} x"),
        ("]}", "]"),
    ],
)
def test_keys_given_twice_are_seen(typed: bool, old: str, new: str) -> None:
    """The decoder lets the last of two equal keys win; that never goes unseen, wherever it is."""
    text = json.dumps(a_list([a_slice(typed=typed)], typed=typed), separators=(",", ":"))
    at = text.rindex(old) if old == "]}" else text.index(old)
    assert read_list(text.encode()) is not None
    assert read_list((text[:at] + new + text[at + len(old) :]).encode()) is None


def test_a_missing_version_cannot_hide_a_key_given_twice() -> None:
    """Two departures from the expected number of keys do not cancel out."""
    text = json.dumps(a_list([a_slice("a"), a_slice("b")]))
    twice = '"apiVersion": "resource.k8s.io/v1", ' * 2
    lacking = text.replace('"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice"', '"kind": "ResourceSlice"', 1)
    assert read_list(lacking.replace('"apiVersion": "resource.k8s.io/v1", ', twice, 1).encode()) is None
    typed = json.dumps(a_list([a_slice("a", typed=True), a_slice("b")], typed=True))
    assert read_list(typed.replace('"driver"', '"driver": "x", "driver"', 1).encode()) is None


_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


@given(
    st.lists(
        st.dictionaries(_TEXT, st.one_of(st.builds(dict, string=_TEXT), st.builds(dict, int=st.integers(-5, 5)))),
        max_size=3,
    )
)
def test_the_fast_way_agrees_with_the_thorough_one(attributes: list[dict[str, Any]]) -> None:
    """Any names and texts, quotes and colons among them, give equal slices."""
    items = [a_slice(str(number)) for number in range(len(attributes))]
    for item, given_attributes in zip(items, attributes, strict=True):
        item["spec"]["devices"][0]["attributes"] = given_attributes
    data = json.dumps(a_list(items)).encode()
    found = read_list(data)
    assert found == thorough(data) or (found is None and b"{{" in data)
