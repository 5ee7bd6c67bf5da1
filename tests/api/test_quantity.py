"""Quantities."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.quantity import Quantity

# Text, what Kubernetes writes for it, canonical form, format, nano units, whole units. Checked against apimachinery 0.37.
READ = [
    ("0", "0", "0", "DecimalSI", 0, 0),
    ("-0", "0", "0", "DecimalSI", 0, 0),
    ("0Ki", "0", "0", "BinarySI", 0, 0),
    ("0e5", "0", "0", "DecimalExponent", 0, 0),
    ("0.5", "500m", "500m", "DecimalSI", 5 * 10**8, 1),
    (".5", "500m", "500m", "DecimalSI", 5 * 10**8, 1),
    ("1.", "1.", "1", "DecimalSI", 10**9, 1),
    ("+5", "+5", "5", "DecimalSI", 5 * 10**9, 5),
    ("007", "007", "7", "DecimalSI", 7 * 10**9, 7),
    ("1000m", "1", "1", "DecimalSI", 10**9, 1),
    ("1000", "1k", "1k", "DecimalSI", 1000 * 10**9, 1000),
    ("1500", "1500", "1500", "DecimalSI", 1500 * 10**9, 1500),
    # A fraction of three, six or nine digits counts as canonical upstream and is kept.
    ("1.234", "1.234", "1234m", "DecimalSI", 1234 * 10**6, 2),
    ("1.500", "1.500", "1500m", "DecimalSI", 1500 * 10**6, 2),
    ("1.000", "1", "1", "DecimalSI", 10**9, 1),
    ("1024Mi", "1Gi", "1Gi", "BinarySI", 2**30 * 10**9, 2**30),
    ("1.5Gi", "1536Mi", "1536Mi", "BinarySI", 3 * 2**29 * 10**9, 3 * 2**29),
    ("80Gi", "80Gi", "80Gi", "BinarySI", 80 * 2**30 * 10**9, 80 * 2**30),
    ("0.5Ki", "512", "512", "BinarySI", 512 * 10**9, 512),
    # Below one unit the binary format is given up.
    ("0.0001Ki", "102400u", "102400u", "DecimalSI", 1024 * 10**5, 1),
    ("1e3", "1e3", "1e3", "DecimalExponent", 1000 * 10**9, 1000),
    ("1E3", "1E3", "1e3", "DecimalExponent", 1000 * 10**9, 1000),
    ("12e4", "120e3", "120e3", "DecimalExponent", 120_000 * 10**9, 120_000),
    ("1e-3", "1e-3", "1e-3", "DecimalExponent", 10**6, 1),
    ("1E", "1E", "1E", "DecimalSI", 10**27, 10**18),
    # Less than a nano unit is rounded away from zero.
    ("0.1n", "1n", "1n", "DecimalSI", 1, 1),
    ("1e-30", "1e-9", "1e-9", "DecimalExponent", 1, 1),
    ("-1.1n", "-2n", "-2n", "DecimalSI", -2, -1),
    ("-1.5", "-1500m", "-1500m", "DecimalSI", -15 * 10**8, -2),
    # Binary amounts stop at 2^63-1, decimal ones do not.
    ("7Ei", "7Ei", "7Ei", "BinarySI", 7 * 2**60 * 10**9, 7 * 2**60),
    ("8Ei", "9223372036854775807", "9223372036854775807", "BinarySI", (2**63 - 1) * 10**9, 2**63 - 1),
    ("-8Ei", "-9223372036854775807", "-9223372036854775807", "BinarySI", -(2**63 - 1) * 10**9, -(2**63 - 1)),
    ("10E", "10E", "10E", "DecimalSI", 10**28, 10**19),
    # Upstream writes "1" here and so changes the number; the suffix stays instead.
    ("1000E", "1000E", "1000E", "DecimalSI", 10**30, 10**21),
]


@pytest.mark.parametrize("row", READ, ids=[row[0] for row in READ])
def test_texts_are_read_exactly_and_written_as_kubernetes_writes_them(row):
    """Number, format, spelling and rounding are those of upstream's Quantity."""
    text, written, canonical, form, nano, whole = row
    quantity = Quantity(text)
    assert (str(quantity), quantity.canonical(), quantity.format) == (written, canonical, form)
    assert (quantity.nano, quantity.value()) == (nano, whole)


REFUSED = [
    ("", "is malformed"),
    ("+", "is malformed"),
    (".", "is malformed"),
    ("Ki", "is malformed"),
    ("abc", "is malformed"),
    ("--1", "is malformed"),
    (" 1", "is malformed"),
    ("1\n", "holds white space"),
    ("1 Gi", "holds white space"),
    ("1GB", "unknown suffix 'GB'"),
    ("1K", "unknown suffix 'K'"),
    ("1gi", "unknown suffix 'gi'"),
    ("1.2.3", "unknown suffix '.3'"),
    ("1e", "unknown suffix 'e'"),
    ("1e1.5", "unknown suffix 'e1.5'"),
    ("0x10", "unknown suffix 'x10'"),
    ("1_000", "unknown suffix '_000'"),
    ("\u0661", "is malformed"),
    ("1e1001", "exponent beyond 1000"),
    ("1e" + "9" * 200, "exponent beyond 1000"),
    ("9" * 1_000_000, "has 1000000 characters"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[text[:8] or "empty" for text, _ in REFUSED])
def test_malformed_texts_are_refused_with_the_reason(text, reason):
    """Whatever is no quantity is named with its fault, and huge input costs nothing."""
    with pytest.raises(ValueError, match=reason) as caught:
        Quantity(text)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("value", [1.5, 1.0, float("nan"), True, None, b"1", ["1"]])
def test_only_text_and_int_make_a_quantity(value):
    """No float can slip in, not even one that equals an int."""
    with pytest.raises((TypeError, ValueError)):
        Quantity(value)


def test_huge_ints_are_refused():
    """An int beyond any amount is refused like a text of that length."""
    with pytest.raises(ValueError, match="characters"):
        Quantity(10**5000)


def test_quantities_are_immutable_and_survive_copies():
    """Shared quantities cannot be changed under anyone's feet, and pickles keep every part."""
    quantity = Quantity("1.234")
    with pytest.raises(AttributeError):
        quantity.nano = 1
    with pytest.raises(AttributeError):
        del quantity.nano
    for other in (pickle.loads(pickle.dumps(quantity)), copy.deepcopy(quantity)):
        assert other == quantity
        assert other.same_form(quantity)


def test_equal_texts_share_one_quantity():
    """A million devices with the same memory hold one quantity."""
    assert Quantity("77Gi") is Quantity("77Gi")


SAME = [
    ("1Gi", "1Gi", True),
    ("500m", "500m", True),
    ("1Gi", "1024Mi", False),  # 1Gi keeps its text, 1024Mi is no canonical one
    ("1", "1000m", False),
    ("1", "1e0", False),
    ("2Gi", "2147483648", False),
    ("1.5Gi", "1.5Gi", False),  # big decimals are compared by pointer
    ("8Ei", "8Ei", False),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_struct_equality_is_that_of_go(one, other, same):
    """S43 compares amounts and defaults as Go compares the structs."""
    assert Quantity(one).same_form(Quantity(other)) is same


def test_computed_amounts_have_the_form_of_new_quantity():
    """A rounded amount equals a default only where upstream's NewQuantity gives the same struct."""
    assert Quantity.from_nano(8 * 2**30 * 10**9, "BinarySI").same_form(Quantity("8Gi"))
    assert not Quantity.from_nano(2**30 * 10**9, "BinarySI").same_form(Quantity("1Gi"))


INT64 = [("1", 1), ("2k", 2000), ("1Gi", 2**30), ("1.0", None), ("1000m", None), ("1.5Gi", None), ("1e19", None)]


@pytest.mark.parametrize(("text", "number"), INT64)
def test_as_int64_follows_the_way_the_amount_is_held(text, number):
    """Whole amounts that upstream holds with a fraction have no int64, as CEL's isInteger shows."""
    assert Quantity(text).as_int64() == number


def test_sums_take_over_the_format_when_zero_is_added_to():
    """The first summand decides the format unless it is zero."""
    assert str(Quantity("1k") + Quantity("1Ki")) == "2024"
    assert str(Quantity("0") + Quantity("1Ki")) == "1Ki"
    assert str(Quantity("1Gi") - Quantity("512Mi")) == "512Mi"
    assert (Quantity("500m") + Quantity("500m")).as_int64() is None


def test_comparison_is_numeric_and_only_among_quantities():
    """1 equals 1000m, and comparing with a number is an error instead of an answer."""
    assert Quantity("1") == Quantity("1000m")
    assert hash(Quantity("1")) == hash(Quantity("1000m"))
    assert Quantity("1Ki") > Quantity("1k") >= Quantity("1000")
    assert Quantity("1") != 1
    with pytest.raises(TypeError):
        Quantity("1") < 1  # noqa: B015


texts = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.integers(0, 10**20),
    st.sampled_from(["", ".5", ".000000001", ".125"]),
    st.sampled_from(
        ["", "n", "u", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "e-3", "e7"]
    ),
)


@given(texts)
def test_writing_and_reading_keep_the_number(text):
    """What is written reads back as the same number, in both spellings, and canonical forms are stable."""
    quantity = Quantity(text)
    assert Quantity(str(quantity)) == quantity
    assert Quantity(quantity.canonical()) == quantity
    assert Quantity(quantity.canonical()).canonical() == quantity.canonical()


@given(texts, texts)
def test_arithmetic_is_exact(one, other):
    """Sums, differences and order are those of the nano units."""
    a, b = Quantity(one), Quantity(other)
    assert (a + b).nano == a.nano + b.nano
    assert (a - b).nano == a.nano - b.nano
    assert (a < b, a <= b, a > b, a >= b) == (a.nano < b.nano, a.nano <= b.nano, a.nano > b.nano, a.nano >= b.nano)
