"""Named formats of strings, and what is wrong with a string that is not of one (K8s S57)."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from drapolicy.cel.dispatch import Library
from drapolicy.cel.urls import request_fault
from drapolicy.cel.values import NONE, Optional

LIBRARY = Library()

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE: Final = f"({_KEY})?"
_LABEL_RULE: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character"
)
_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character"
)
_LABEL_1035_RULE: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character,"
    " and end with an alphanumeric character"
)
_KEY_RULE: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_VALUE_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character"
)
_MAX_LABEL, _MAX_SUBDOMAIN = 63, 253
_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+\\/]{4})*(?:[A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=|[A-Za-z0-9+\\/]{4})")
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME: Final = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))")
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SHORTEST_TIME: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class NamedFormat:
    """A format.

    Attributes
    ----------
    name
        Its name.
    size
        Length of its pattern, which its cost depends on.
    """

    cel_type: ClassVar[str] = "kubernetes.NamedFormat"
    strict_equality: ClassVar[bool] = True
    name: str
    size: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedFormat) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def _pattern_fault(rule: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


def _checked(text: str, most: int, pattern: str, fault: str, unit: str = "characters") -> list[str]:
    faults = []
    if len(text.encode(errors="surrogateescape")) > most:
        faults.append(f"must be no more than {most} {unit}")
    if not re.fullmatch(pattern, text):
        faults.append(fault)
    return faults


def _label(text: str, _: str = "") -> list[str]:
    fault = "must not contain dots"
    if not re.fullmatch(_SUBDOMAIN, text):
        fault = _pattern_fault(_LABEL_RULE, _LABEL, "my-name", "123-abc")
    return _checked(text, _MAX_LABEL, _LABEL, fault)


def _subdomain(text: str, unit: str = "characters") -> list[str]:
    fault = _pattern_fault(_SUBDOMAIN_RULE, _SUBDOMAIN, "example.com")
    return _checked(text, _MAX_SUBDOMAIN, _SUBDOMAIN, fault, unit)


def _label_1035(text: str, _: str = "") -> list[str]:
    return _checked(text, _MAX_LABEL, _LABEL_1035, _pattern_fault(_LABEL_1035_RULE, _LABEL_1035, "my-name", "abc-123"))


def _qualified(text: str, unit: str) -> list[str]:
    rule = _pattern_fault(_KEY_RULE, _KEY, "MyName", "my.name", "123-abc")
    *prefix, name = text.split("/")
    if len(prefix) > 1:
        what = "a valid label key" if unit == "bytes" else "a qualified name"
        return [f"{what} {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    faults = []
    if prefix:
        found = _subdomain(prefix[0], unit) if prefix[0] else ["must be non-empty"]
        faults += [f"prefix part {fault}" for fault in found]
    found = _checked(name, _MAX_LABEL, _KEY, rule, unit)
    return faults + [f"name part {fault}" for fault in (found if name else ["must be non-empty", rule])]


def _label_value(text: str, unit: str) -> list[str]:
    fault = _pattern_fault(_VALUE_RULE, _VALUE, "MyValue", "my_value", "12345")
    return _checked(text, _MAX_LABEL, _VALUE, fault, unit)


def _prefix(check: Callable[[str], list[str]]) -> Callable[[str, str], list[str]]:
    """Return the check of a name that is going to be continued."""

    def checked(text: str, _: str) -> list[str]:
        data = text.encode(errors="surrogateescape")
        if len(data) > 1 and data.endswith(b"-"):
            data = data[:-2] + b"a"
        return check(data.decode(errors="replace"))

    return checked


def _uri(text: str, _: str) -> list[str]:
    fault = request_fault(text)
    return [] if fault is None else [fault]


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = map(int, match.groups())
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] + (month == 2 and isleap(year))


def _is_time(text: str) -> bool:
    date, _, rest = text.lower().partition("t")
    match = _TIME.fullmatch(rest.partition("t")[0])
    if len(text.encode(errors="surrogateescape")) < _SHORTEST_TIME or match is None or not _is_date(date):
        return False
    return match[1] <= "23" and match[2] <= "59" and match[3] <= "59"


def _whole(test: Callable[[str], object], fault: str) -> Callable[[str, str], list[str]]:
    return lambda text, _: [] if test(text) else [fault]


# Name, length of the pattern, and the check by the key in expressions.
_FORMATS: Final[dict[str, tuple[str, int, Callable[[str, str], list[str]]]]] = {
    "dns1123Label": ("DNS1123Label", 30, _label),
    "dns1123Subdomain": ("DNS1123Subdomain", 60, lambda text, _: _subdomain(text)),
    "dns1035Label": ("DNS1035Label", 30, _label_1035),
    "qualifiedName": ("QualifiedName", 60, _qualified),
    "dns1123LabelPrefix": ("DNS1123LabelPrefix", 30, _prefix(_label)),
    "dns1123SubdomainPrefix": ("DNS1123SubdomainPrefix", 60, _prefix(_subdomain)),
    "dns1035LabelPrefix": ("DNS1035LabelPrefix", 30, _prefix(_label_1035)),
    "labelValue": ("LabelValue", 40, _label_value),
    "uri": ("URI", 1103, _uri),
    "uuid": ("uuid", 70, _whole(_UUID.fullmatch, "does not match the UUID format")),
    "byte": ("byte", 84, _whole(_BASE64.fullmatch, "invalid base64")),
    "date": ("date", 71, _whole(_is_date, "invalid date")),
    "datetime": ("datetime", 71, _whole(_is_time, "invalid datetime")),
}
_NAMED: Final = {key: NamedFormat(name, size) for key, (name, size, _) in _FORMATS.items()}
_CHECKS: Final = {name: check for name, _, check in _FORMATS.values()}
NAMES: Final = tuple(_FORMATS)


@LIBRARY.overload("format.named", "string")
def named(key: str) -> Optional:
    """Return a format by its name."""
    found = _NAMED.get(key)
    return NONE if found is None else Optional(present=True, value=found)


def _register(key: str) -> None:
    @LIBRARY.function(f"format.{key}")
    def the_format() -> NamedFormat:
        return _NAMED[key]


for _key in _FORMATS:
    _register(_key)


def faults(wanted: NamedFormat, text: str, unit: str) -> Optional:
    """Return what is wrong with a text, nothing if it is of the format; ``unit`` is what names are measured in."""
    found = _CHECKS[wanted.name](text, unit)
    return Optional(present=True, value=found) if found else NONE


@LIBRARY.overload("validate", "NamedFormat", "string")
def validate(wanted: NamedFormat, text: str) -> Optional:
    """Return what is wrong with a text."""
    return faults(wanted, text, "bytes")
