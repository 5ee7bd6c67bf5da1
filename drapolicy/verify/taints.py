"""Taints of devices, from their drivers and from rules, and which of them a request puts up with (K8s S47-S49)."""

from __future__ import annotations

from collections.abc import Sequence

from drapolicy.api.resource import DeviceTaint, DeviceTaintRule, DeviceToleration
from drapolicy.release import Release
from drapolicy.verify.expressions import Expressions
from drapolicy.verify.pools import Seen

BLOCKING = frozenset({"NoSchedule", "NoExecute"})


def taints(
    seen: Seen, rules: Sequence[DeviceTaintRule], expressions: Expressions, release: Release
) -> list[tuple[str, DeviceTaint]]:
    """Return the taints of a device: its own with an empty name, those of rules with the name of the rule."""
    found = [("", taint) for taint in seen.device.taints]
    for rule in rules:
        selector = rule.spec.device_selector
        if selector is None:
            selected = not release.behaviour.bare_rules_taint_nothing
        else:
            wants = (selector.driver, selector.pool, selector.device)
            selected = all(want is None or want == has for want, has in zip(wants, seen.id, strict=True))
            selected = selected and expressions.chosen_by_rule(selector, seen)
        if selected:
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
