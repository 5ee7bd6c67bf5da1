"""A document of any version of ``resource.k8s.io`` as ``v1`` has it, and back, without loss."""

from __future__ import annotations

from typing import Any, Final

from drapolicy.api.convert import Report
from drapolicy.api.versions import v1beta1
from drapolicy.api.versions.served import GROUP, SERVED, VERSIONS, newest
from drapolicy.errors import InputError

# Fields of a taint rule's selector that v1alpha3 alone has.
_ALPHA_SELECTOR: Final = ("deviceClassName", "selectors")


def version_of(api_version: str) -> str:
    """Return the version of an ``apiVersion`` of the group; empty for other groups.

    Examples
    --------
    >>> version_of("resource.k8s.io/v1beta1"), version_of("apps/v1")
    ('v1beta1', '')
    """
    group, _, version = api_version.partition("/")
    return version if group == GROUP else ""


def as_written(path: str, version: str) -> str:
    """Return where a field of the ``v1`` document stood in the document of another version."""
    return v1beta1.as_written(path) if version == "v1beta1" else path


def to_v1(doc: dict[str, Any], unknown: Report, wrong: Report) -> dict[str, Any]:
    """Return a document in the version that its kind has in Python.

    Parameters
    ----------
    doc
        An object of the group, as plain values with ``apiVersion`` and ``kind``; it is not changed.
    unknown, wrong
        Called with path, as written, and message for each unknown field and each other fault that would be lost.
    """
    made = v1beta1.to_v1(doc, unknown, wrong) if version_of(doc["apiVersion"]) == "v1beta1" else doc
    return {**made, "apiVersion": f"{GROUP}/{newest(doc['kind'])}"}


def from_v1(doc: dict[str, Any], version: str | None, refuse: Report) -> dict[str, Any]:
    """Return a document of `to_v1` in another version.

    Parameters
    ----------
    doc
        An object of the group, as plain values without nulls; it is not changed.
    version
        For example ``v1beta1``; None for the newest that can hold the object.
    refuse
        Called with path and message for everything that the version cannot hold.

    Raises
    ------
    InputError
        For an unknown version.
    """
    kind = doc["kind"]
    alpha = [key for key in _ALPHA_SELECTOR if kind == "DeviceTaintRule" and _selector(doc).get(key)]
    if version is None:
        version = "v1alpha3" if alpha else newest(kind)
    check_version(version)
    if version not in SERVED[kind]:
        refuse("apiVersion", f"{GROUP}/{version} has no {kind}; write it in {', '.join(SERVED[kind])}")
        return doc
    if version != "v1alpha3":
        for key in alpha:
            refuse(
                f"spec.deviceSelector.{key}",
                f"is in v1alpha3 alone, up to Kubernetes 1.34; name driver, pool or device, or write {GROUP}/v1alpha3",
            )
    made = v1beta1.from_v1(doc, refuse) if version == "v1beta1" else doc
    return {**made, "apiVersion": f"{GROUP}/{version}"}


def check_version(version: str) -> None:
    """Refuse what is no version of the group.

    Raises
    ------
    InputError
        With the versions there are.
    """
    if version not in VERSIONS:
        message = f"{version!r} is not a version of {GROUP}; use {', '.join(VERSIONS)}"
        raise InputError(message)


def _selector(rule: dict[str, Any]) -> dict[str, Any]:
    selector: dict[str, Any] = rule.get("spec", {}).get("deviceSelector", {})
    return selector
