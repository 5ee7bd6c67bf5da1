"""Rules of object metadata and of status conditions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from drapolicy.api.meta import Condition, ObjectMeta
from drapolicy.api.names import dns_label, dns_subdomain, label_key, label_value, shown
from drapolicy.api.validation.report import Report
from drapolicy.api.values import key_path

MAX_ANNOTATIONS_BYTES: Final = 256 * 1024
MAX_REASON_BYTES: Final = 1024
MAX_MESSAGE_BYTES: Final = 32 * 1024
_REASON: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?")
_TEMPLATE_FIELDS: Final = ("labels", "annotations")


def check_metadata(report: Report, obj: Any, *, namespaced: bool) -> None:
    """Check the metadata of an object; a name still to be generated counts as a name.

    Owner references and managed fields are bookkeeping of others, often abridged in dumps, and nothing here reads them.
    """
    meta: ObjectMeta = obj.metadata
    if meta.name:
        report.name("metadata.name", meta.name, dns_subdomain)
    elif meta.generate_name:
        # Letters will follow, so one final dash is no fault.
        prefix = meta.generate_name
        stem = prefix[:-1] + "a" if prefix.endswith("-") and len(prefix) > 1 else prefix
        if dns_subdomain(stem):
            report.add("metadata.generateName", dns_subdomain(prefix) or "is malformed")
    else:
        report.required("metadata.name", "set name or generateName")
    if namespaced:
        report.name("metadata.namespace", meta.namespace, dns_label)
    elif meta.namespace:
        report.add("metadata.namespace", f"{shown(meta.namespace)} is not allowed on a cluster-scoped kind; remove it")
    report.int64("metadata.generation", meta.generation, 0)
    report.time("metadata.creationTimestamp", meta.creation_timestamp)
    report.time("metadata.deletionTimestamp", meta.deletion_timestamp)
    _check_labels(report, "metadata", meta)
    for index, finalizer in enumerate(meta.finalizers):
        report.name(f"metadata.finalizers[{index}]", finalizer, label_key)
    if {"orphan", "foregroundDeletion"} <= set(meta.finalizers):
        report.add("metadata.finalizers", "holds orphan and foregroundDeletion; keep one of them")


def check_template_metadata(report: Report, path: str, meta: ObjectMeta) -> None:
    """Check the metadata of claims made from a template: labels and annotations alone (S13)."""
    for field, name in zip(meta.__struct_fields__, meta.__struct_encode_fields__, strict=True):
        if field not in _TEMPLATE_FIELDS and getattr(meta, field):
            report.add(f"{path}.{name}", "cannot be set in a template; only labels and annotations can")
    _check_labels(report, path, meta)


def check_conditions(report: Report, path: str, conditions: Sequence[Condition], limit: int) -> None:
    """Check the conditions of a status; drivers of older clusters left ``lastTransitionTime`` unset, so it may be."""
    if not report.at_most(path, conditions, limit):
        return
    report.unique(path, [condition.type for condition in conditions], ".type")
    for index, condition in enumerate(conditions):
        place = f"{path}[{index}]"
        report.name(f"{place}.type", condition.type, label_key)
        report.one_of(f"{place}.status", condition.status, ("True", "False", "Unknown"))
        report.int64(f"{place}.observedGeneration", condition.observed_generation, 0)
        # Times and uids are the server's; printed objects often have them removed, and nothing here needs them.
        report.time(f"{place}.lastTransitionTime", condition.last_transition_time)
        report.name(f"{place}.reason", condition.reason, _reason)
        report.max_bytes(f"{place}.reason", condition.reason, MAX_REASON_BYTES)
        report.max_bytes(f"{place}.message", condition.message, MAX_MESSAGE_BYTES)


def _reason(value: str) -> str | None:
    if _REASON.fullmatch(value):
        return None
    return f"{shown(value)} is not a reason; use letters, digits, '_', ',' and ':', a letter first, no ',' or ':' last"


def _check_labels(report: Report, path: str, meta: ObjectMeta) -> None:
    for key, value in meta.labels.items():
        place = key_path(f"{path}.labels", key)
        report.name(place, key, label_key)
        if message := label_value(value):
            report.add(place, message)
    size = 0
    for key, value in meta.annotations.items():
        report.name(key_path(f"{path}.annotations", key), key.lower(), label_key)
        size += len(key.encode(errors="surrogatepass")) + len(value.encode(errors="surrogatepass"))
    if size > MAX_ANNOTATIONS_BYTES:
        report.add(f"{path}.annotations", f"has {size} bytes; use at most {MAX_ANNOTATIONS_BYTES}")
