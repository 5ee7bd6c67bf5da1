"""Validation as the API server does it for new objects: limits, formats and rules of part A of the semantics.

Objects are looked at as they are stored: a field whose feature gate is off is checked like the others, though the API
server would drop it on create; `examine` tells which. CEL expressions are checked for presence and length only;
compiling them is the business of :mod:`drapolicy.cel`.
"""

from __future__ import annotations

from drapolicy.api.pool_status import ResourcePoolStatusRequest
from drapolicy.api.resource import DeviceClass, DeviceTaintRule, ResourceClaim, ResourceClaimTemplate, ResourceSlice
from drapolicy.api.validation.claims import check_claim, check_template
from drapolicy.api.validation.classes import check_class
from drapolicy.api.validation.pools import check_pool_status_request
from drapolicy.api.validation.report import Report
from drapolicy.api.validation.slices import check_slice
from drapolicy.api.validation.taints import check_taint_rule
from drapolicy.errors import Fault
from drapolicy.release import Release, release

__all__ = ["Report", "examine", "validate"]


def validate(obj: object, rules: Release | None = None) -> list[Fault]:
    """Return everything that the API server would refuse in a new object, in the order of its fields.

    Parameters
    ----------
    obj
        A ResourceSlice, DeviceClass, ResourceClaim, ResourceClaimTemplate or DeviceTaintRule with its defaults
        applied (:func:`drapolicy.api.defaults.apply_defaults`); objects of other kinds have no rules here.
    rules
        The release whose API server is asked; the newest by default.

    Returns
    -------
    list of Fault
        ``file`` is empty and ``document`` -1: who read the object knows them. Empty for a valid object.

    Examples
    --------
    >>> from drapolicy.api.meta import ObjectMeta
    >>> [fault.path for fault in validate(DeviceClass(metadata=ObjectMeta(name="GPU")))]
    ['metadata.name']
    """
    return examine(obj, release() if rules is None else rules).faults


def examine(obj: object, rules: Release) -> Report:
    """Return everything that the API server of a release would refuse in a new object, and what it would drop.

    Parameters
    ----------
    obj
        As in `validate`.
    rules
        The release whose API server is asked.
    """
    report = Report(obj, rules)
    match obj:
        case ResourceSlice():
            check_slice(report, obj)
        case DeviceClass():
            check_class(report, obj)
        case ResourceClaim():
            check_claim(report, obj)
        case ResourceClaimTemplate():
            check_template(report, obj)
        case DeviceTaintRule():
            check_taint_rule(report, obj)
        case ResourcePoolStatusRequest():
            check_pool_status_request(report, obj)
    return report
