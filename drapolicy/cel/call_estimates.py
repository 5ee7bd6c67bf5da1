"""What a call may cost beside its arguments, and how large its result may be.

Kubernetes' library says so first, except for the functions whose own library does; cel-go's standard costs follow.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from drapolicy.cel.cost import LIST_BASE, MAX, NOTHING, ONE, PATTERN, TRAVERSAL, UNKNOWN, Range, exactly
from drapolicy.cel.declared import Path, declared_size, extended
from drapolicy.cel.environment import MAX_INCLUDED, Environment
from drapolicy.cel.syntax import Call, Const, Node, Type


class Shape(NamedTuple):
    """What is known of an operand before it has a value.

    Attributes
    ----------
    path
        Where below ``device`` it is, if it is.
    type
        Static type.
    node
        The expression, None for the elements of a list.
    size
        Its size, if known.
    """

    path: Path | None
    type: Type
    node: Node | None
    size: Range | None


class Estimate(NamedTuple):
    """A call's cost, and the size of its result where it has one."""

    cost: Range
    size: Range | None


# Functions of cost 1 whatever they are given.
NOMINAL = frozenset(
    {"masked", "prefixLength", "family", "isUnspecified", "isLoopback", "isLinkLocalMulticast", "isLinkLocalUnicast"}
    | {"isGlobalUnicast", "sign", "asInteger", "isInteger", "asApproximateFloat", "isGreaterThan", "isLessThan"}
    | {"compareTo", "add", "sub", "major", "minor", "patch", "format.named"}
    | {"getScheme", "getHostname", "getHost", "getPort", "getEscapedPath", "getQuery"}
)
# Functions that walk over a list, or over a string.
WALKS = frozenset({"isSorted", "sum", "max", "min", "indexOf", "lastIndexOf", "includes"})
# Functions that read their only argument as a text.
PARSES = frozenset({"url", "cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"})
TRANSFORMS = frozenset({"lowerAscii", "upperAscii", "substring", "trim"})
# Functions that compare every element with every other.
SELF_COMPARED = frozenset({"distinct", "sort", "@sortByAssociatedKeys"})
SETS = {"sets.contains": 1.0, "sets.intersects": 1.0, "sets.equivalent": 2.0}
COMPARES = frozenset(
    {"equals", "not_equals"}
    | {f"_{operator}_({kind},{kind})" for operator in ("<", "<=", ">", ">=") for kind in ("string", "bytes")}
)

_MAX_FORMAT, _MAX_FORMAT_PATTERN = 64, 128
_ADDRESS = Range(4, 16)
# Types whose values are compared at cost 1.
ATOMS = frozenset({"net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"})


def estimate_call(
    node: Call, overload: str, target: Shape | None, args: list[Shape], environment: Environment
) -> Estimate:
    """Return what one overload of a call may cost beside its arguments."""
    if node.function == "includes" and environment.includes == "short":
        return Estimate(Range(0, MAX_INCLUDED), None)
    if overload == "matches" and not environment.engine.charges_global_matches:
        return Estimate(ONE, None)
    for find in (_of_lists, _of_kubernetes, _of_standard):
        found = find(node.function, overload, target, args)
        if found is not None:
            return found
    return Estimate(ONE, None)


def _literal(shape: Shape, default: int) -> int:
    """Return the value of an int literal, not below 0."""
    node = shape.node
    if isinstance(node, Const) and type(node.value) is int:
        return max(node.value, 0)
    return default


def _allocated(factor: float, size: Range) -> Estimate:
    return Estimate(size.by(factor).plus(exactly(1 + LIST_BASE)), size)


def _of_lists(function: str, overload: str, target: Shape | None, args: list[Shape]) -> Estimate | None:
    match function:
        case "slice" if target is not None:
            start, end = _literal(args[0], 0), _literal(args[1], _size(target).max)
            # Upstream's subtraction wraps around.
            return _allocated(1, exactly((end - start) & MAX))
        case "lists.range":
            return _allocated(1, exactly(_literal(args[0], MAX)))
        case "reverse" if target is not None:
            return _allocated(1, _size(target))
        case "flatten" if target is not None:
            return _allocated(float(_literal(args[0], MAX) if args else 1), _size(target))
        case "distinct" if target is not None:
            return _allocated(2, _size(target).times(_size(target)))
        case "sort" | "@sortByAssociatedKeys" if target is not None:
            size = _size(target if function == "sort" else args[0])
            text = overload.startswith(("list_string_", "list_bytes_"))
            return _allocated(2 + TRAVERSAL if text else 2, size.times(size))
    if function in SETS:
        return Estimate(_size(args[0]).times(_size(args[1])).by(SETS[function]).plus(ONE), None)
    return None


def _of_kubernetes(function: str, overload: str, target: Shape | None, args: list[Shape]) -> Estimate | None:
    if function in NOMINAL or (function == "ip" and overload == "ip(net.CIDR)"):
        return Estimate(ONE, None)
    if function in WALKS and target is not None:
        return Estimate(_walked(function, target), None)
    if function in PARSES or function == "ip":
        size = _size(args[0])
        return Estimate(size.by(TRAVERSAL), size if function == "url" else None)
    if function in TRANSFORMS and target is not None:
        size = _size(target)
        return Estimate(size.by(TRAVERSAL), size)
    match function:
        case "replace" if target is not None and len(args) >= 2:
            size = _size(target)
            return Estimate(size.by(2 * TRAVERSAL), _replaced(size, _size(args[0]), _size(args[1])))
        case "split" if target is not None:
            size = _size(target)
            most = size.max
            if len(args) > 1 and isinstance(args[1].node, Const) and type(args[1].node.value) is int:
                most = args[1].node.value & MAX
            return Estimate(size.by(2 * TRAVERSAL), Range(0, most))
        case "join" if target is not None:
            size = _joined(target, args)
            return Estimate(size.by(TRAVERSAL), size)
        case "find" | "findAll" if target is not None and args:
            size = _size(target)
            price = size.plus(ONE).by(TRAVERSAL).times(_size(args[0]).by(PATTERN))
            return Estimate(price, Range(0, size.max))
        case "ip.isCanonical":
            return Estimate(_size(args[0]).by(2 * TRAVERSAL), None)
        case "containsIP" | "containsCIDR":
            price = _ADDRESS.plus(_ADDRESS).by(TRAVERSAL)
            if function == "containsCIDR":
                price = price.plus(_ADDRESS.by(TRAVERSAL)).plus(ONE)
            if overload.endswith(",string)"):
                price = price.plus(_size(args[0]).by(TRAVERSAL))
            return Estimate(price, None)
        case "validate":
            return Estimate(_size(args[0]).by(TRAVERSAL).by(_MAX_FORMAT_PATTERN * PATTERN), None)
        case "_==_":
            return _equality(args)
    return None


def _walked(function: str, target: Shape) -> Range:
    size = _size(target)
    if not target.type[1]:
        return size.times(ONE) if function == "includes" else size.by(TRAVERSAL)
    element = _element(target)
    text = element.type[0] in {"string", "bytes"}
    return size.times(ONE.plus(_size(element).by(TRAVERSAL)) if text else ONE)


def _element(shape: Shape) -> Shape:
    """Return the elements of a list, or of anything else with a type parameter, as upstream does."""
    path = None
    if shape.path is not None:
        # Unlike everywhere else, upstream copies the path.
        names = shape.path.names[: shape.path.length]
        path = extended(Path(names, len(names)), "@items")
    return Shape(path, shape.type[1][0], None, None)


def _replaced(size: Range, old: Range, new: Range) -> Range:
    """Return the size of a text with parts replaced."""
    count_max = count_min = kept_max = kept_min = 0
    if old.min == 0:
        count_max, kept_max = min(size.max + 1, MAX), size.max
    elif new.max <= old.min:
        kept_max = size.max
    else:
        count_max = math.ceil(float(size.max) / float(old.min))
    if old.max == 0:
        count_min, kept_min = min(size.min + 1, MAX), size.min
    elif old.max <= new.min:
        kept_min = size.min
    else:
        count_min = math.ceil(float(size.min) / float(old.max))
    return Range(count_min, min(count_max, MAX)).times(new).plus(Range(kept_min, kept_max))


def _joined(target: Shape, args: list[Shape]) -> Range:
    count = _size(target)
    size = NOTHING
    if target.type[1]:
        size = count.times(_size(_element(target)))
    if args:
        gaps = Range(max(count.min - 1, 0), max(count.max - 1, 0))
        size = size.plus(_size(args[0]).times(gaps))
    return size


def _equality(args: list[Shape]) -> Estimate | None:
    left, right = args
    if left.type != right.type:
        return None
    if left.type[0] in ATOMS:
        return Estimate(ONE, None)
    if left.type[0] == "kubernetes.NamedFormat":
        return Estimate(Range(1, _MAX_FORMAT).by(TRAVERSAL), None)
    if left.type[0] == "kubernetes.URL":
        # Upstream looks at the right side only.
        most = right.size.max if right.size is not None else 1
        return Estimate(Range(1, most).by(TRAVERSAL), None)
    return None


def _size(shape: Shape) -> Range:
    return shape.size or declared_size(shape.path) or UNKNOWN


def _known(shape: Shape) -> Range:
    """Return a size as the standard costs know it, without asking what is declared."""
    return shape.size or UNKNOWN


def _of_standard(function: str, overload: str, target: Shape | None, args: list[Shape]) -> Estimate | None:
    match overload:
        case "string_to_bytes":
            size = _known(args[0])
            return Estimate(size.by(TRAVERSAL), Range(size.min, size.max * 4 & MAX))
        case "bytes_to_string":
            size = _known(args[0])
            return Estimate(size.by(TRAVERSAL), Range(size.min // 4, size.max))
        case "strings.quote(string)":
            size = _known(args[0])
            return Estimate(size.by(TRAVERSAL), Range(size.min + 2 & MAX, size.max * 2 + 2 & MAX))
        case "starts_with_string" | "ends_with_string":
            return Estimate(_known(args[0]).by(TRAVERSAL), None)
        case "in_list":
            return Estimate(_known(args[1]).by(1), None)
        case "matches" | "matches_string":
            text, pattern = args if target is None else (target, args[0])
            return Estimate(_known(text).plus(ONE).by(TRAVERSAL).times(_known(pattern).by(PATTERN)), None)
        case "contains_string" if target is not None:
            return Estimate(_known(target).by(TRAVERSAL).times(_known(args[0]).by(TRAVERSAL)), None)
        case "add_list" | "add_string" | "add_bytes":
            size = _known(args[0]).plus(_known(args[1]))
            return Estimate(ONE if overload == "add_list" else size.by(TRAVERSAL), size)
    if function == "format" and target is not None:
        return Estimate(_known(target).by(TRAVERSAL), None)
    if overload in COMPARES:
        most = min(_known(args[0]).max, _known(args[1]).max)
        return Estimate(Range(int(most > 0), most).by(TRAVERSAL), None)
    return None
