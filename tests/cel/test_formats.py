"""Named formats: what is of one, and what the fault is of what is not."""

from __future__ import annotations

import pytest

from drapolicy import cel
from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.release import release


def faults(form: str, text: str, minor: str = "1.37") -> list[str]:
    """Return the faults of a text, none if it is of the format."""
    view = cel.device_view("x", Device(name="d", attributes={"t": DeviceAttribute(string_value=text)}))
    expression = f'cel.bind(f, format.{form}().validate(device.attributes["x"].t), {{0}})'
    kubernetes = release(minor)
    if not cel.compile(expression.format("f.hasValue()"), kubernetes).evaluate(view):
        return []
    return cel.compile_attribute(expression.format("f.value()"), kubernetes).evaluate(view).string_values


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("dns1123Label", ["a", "a-1", "x" * 63], ["", "A", "-a", "a.b", "x" * 64]),
        ("dns1123Subdomain", ["a.b", "a-b.c"], ["a..b", "a_b", ".a"]),
        ("dns1035Label", ["a1"], ["1a", "a-"]),
        ("qualifiedName", ["a", "x.io/A_b"], ["", "/a", "a/", "a/b/c", "X.io/a"]),
        ("dns1123LabelPrefix", ["a-", "a"], ["-", "-a"]),
        ("dns1123SubdomainPrefix", ["a.b-"], ["a.-b-"]),
        ("dns1035LabelPrefix", ["a-", "1-"], ["1a-"]),
        ("labelValue", ["", "A_b"], ["-a", "a b"]),
        ("uri", ["https://a", "/a"], ["a", ""]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"], ["123e4567"]),
        ("byte", ["aGVsbG8=", "aGVs"], ["", "aGVsb", "a-_="]),
        ("date", ["2024-02-29", "0000-01-01"], ["2023-02-29", "2024-1-01", "2024-13-01", "2024-01-00"]),
        ("datetime", ["2024-01-01T00:00:00Z", "2024-01-01t23:59:59.5+01:00"], ["2024-01-01", "2024-01-01T24:00:00Z"]),
    ],
)
def test_formats(form: str, good: list[str], bad: list[str]) -> None:
    """Each format takes some texts and refuses others with a reason."""
    assert [text for text in good if faults(form, text)] == []
    assert [text for text in bad if not faults(form, text)] == []


def test_words_of_names_changed_with_1_35() -> None:
    """Lengths are bytes and names keys of labels from then on; labels of DNS still count characters."""
    long = "x" * 64
    assert faults("labelValue", long, "1.34") == ["must be no more than 63 characters"]
    assert faults("labelValue", long, "1.35") == ["must be no more than 63 bytes"]
    assert faults("dns1123Label", long, "1.37") == ["must be no more than 63 characters"]
    assert faults("qualifiedName", "a/b/c", "1.34")[0].startswith("a qualified name must consist of")
    assert faults("qualifiedName", "a/b/c", "1.37")[0].startswith("a valid label key must consist of")


def test_formats_are_known_by_name() -> None:
    """Names that do not exist are nothing; two formats are equal when their names are."""
    view = cel.device_view("x", Device(name="d"))
    assert cel.compile('format.named("uuid").value() == format.uuid()').evaluate(view)
    assert not cel.compile('format.named("email").hasValue() || format.uri() == format.uuid()').evaluate(view)
