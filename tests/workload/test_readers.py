"""Formats by name."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.workload import Wanted
from drapolicy.workload.readers import SOURCES, read_source


@pytest.mark.parametrize(
    ("name", "files", "wanted", "told"),
    [
        ("x", ["a"], Wanted(), "format 'x': unknown; use one of philly, helios, acme, openb, history"),
        ("helios", ["a", "b"], Wanted(), "helios: 2 files; give cluster_log.csv of one cluster"),
        ("openb", ["a"], Wanted(), "openb: 1 files; give a list of pods and a list of nodes"),
        ("openb", ["a", "b"], Wanted(device_class="c"), "openb: claims ask for the class of its nodes"),
        ("history", ["a"], Wanted(days=1), "history: is read whole; leave days, jobs and classes out"),
    ],
)
def test_wrong_requests_are_refused(name: str, files: list[str], wanted: Wanted, told: str) -> None:
    """Before any file is opened."""
    with pytest.raises(UnknownReferenceError if name == "x" else InputError) as caught:
        read_source(name, files, wanted)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("name", SOURCES)
def test_sources_say_what_they_are(name: str) -> None:
    """Files, address, meaning; and a caveat where the original was never seen."""
    source = SOURCES[name]
    assert source.name == name
    assert all((source.what, source.files, source.where, source.meaning))
    assert bool(source.caveat) is (not source.tried)
    assert source.tried is (name == "openb")


def test_classes_that_nobody_could_have_are_refused() -> None:
    """A class is a DNS name."""
    with pytest.raises(InputError, match="device class 'No Class': "):
        Wanted(device_class="No Class")
