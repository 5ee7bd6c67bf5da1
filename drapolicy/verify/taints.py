"""Taints of devices, from their drivers and from rules, and which of them a request puts up with (K8s S47-S49)."""

from __future__ import annotations

from collections.abc import Sequence

from drapolicy.api.resource import DeviceTaint, DeviceTaintRule, DeviceToleration
from drapolicy.errors import UnsupportedFeatureError
from drapolicy.release import Release
from drapolicy.verify.pools import Seen

BLOCKING = frozenset({"NoSchedule", "NoExecute"})


def taints(seen: Seen, rules: Sequence[DeviceTaintRule], release: Release) -> list[tuple[str, DeviceTaint]]:
    """Return the taints of a device: its own with an empty name, those of rules with the name of the rule.

    Raises
    ------
    UnsupportedFeatureError
        For a rule that selects by class or CEL, as Kubernetes 1.34 had them.
    """
    found = [("", taint) for taint in seen.device.taints]
    driver, pool, name = seen.id
    for rule in rules:
        selector = rule.spec.device_selector
        if selector is None:
            if not release.behaviour.bare_rules_taint_nothing:
                found.append((rule.metadata.name, rule.spec.taint))
            continue
        if selector.device_class_name is not None or selector.selectors:
            message = f"DeviceTaintRule {rule.metadata.name}: cannot be checked, it selects by class or CEL"
            raise UnsupportedFeatureError(message, ["DeviceTaintRule selectors"])
        wants = (selector.driver, selector.pool, selector.device)
        if all(want is None or want == has for want, has in zip(wants, (driver, pool, name), strict=True)):
            found.append((rule.metadata.name, rule.spec.taint))
    return found


def blocks(taint: DeviceTaint, release: Release) -> bool:
    """Say whether a taint keeps those off that do not tolerate it (S47)."""
    return taint.effect in BLOCKING or not release.behaviour.ignores_unknown_effects


def tolerates(toleration: DeviceToleration, taint: DeviceTaint) -> bool:
    """Say whether a toleration covers a taint (S48)."""
    if toleration.effect not in {"", taint.effect} or toleration.key not in {"", taint.key}:
        return False
    return toleration.operator == "Exists" or (toleration.operator in {"", "Equal"} and toleration.value == taint.value)
