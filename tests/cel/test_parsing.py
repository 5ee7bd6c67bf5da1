"""The parser: the grammar's edges, upstream's limits of nesting, and how macros and operators become trees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy import cel
from drapolicy.api.resource import Device
from drapolicy.cel.lexing import tokens
from drapolicy.cel.parsing import UnparsableError, parse

VIEW = cel.device_view("x", Device(name="d"))
LIMIT = "compilation failed: ERROR: <input>:-1:0: expression recursion limit exceeded: 250"


def value(text: str) -> bool:
    return cel.compile(text).evaluate(VIEW)


def chain(count: int) -> str:
    return "true ? true : " * count + "true"


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("(" * 249 + "true" + ")" * 249, "(" * 250 + "true" + ")" * 250),
        ("(1+" * 124 + "1" + ")" * 124 + " > 0", "(1+" * 125 + "1" + ")" * 125 + " > 0"),
        (chain(249), chain(250)),
        ("[" * 250 + "]" * 250 + " == []", "[" * 251 + "]" * 251 + " == []"),
        ("!(" * 249 + "true" + ")" * 249, "!(" * 250 + "true" + ")" * 250),
    ],
    ids=["parentheses", "sum", "conditions", "lists", "negations"],
)
def test_nesting_ends_where_upstreams_does(allowed: str, refused: str) -> None:
    """Each kind of rule may be entered 250 times before it is left; a right operand enters that of sums once more."""
    cel.compile(allowed)
    with pytest.raises(cel.CompileError) as raised:
        cel.compile(refused)
    assert str(raised.value) == LIMIT


@pytest.mark.parametrize(("start", "link"), [("1", " + 1"), ("dyn(1)", ".a"), ("dyn([1])", ".map(x, x)")])
def test_chains_end_where_upstreams_do(start: str, link: str) -> None:
    """All compound rules together nest 250 deep, a comparison included."""
    cel.compile(start + link * 249 + " == dyn(1)")
    with pytest.raises(cel.CompileError) as raised:
        cel.compile(start + link * 250 + " == dyn(1)")
    assert str(raised.value) == "compilation failed: ERROR: <input>:-1:0: max recursion depth exceeded"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3 == 7 && !false || false", True),
        ("- 3 == -3 && --3 == 3 && 2 - -1 == 3", True),
        ("2 - 1 - 1 == 0 && 12 / 2 / 3 == 2", True),
        ("true ? false : true ? true : true", False),
        ("1 < 2 == true", True),
        ("0xfF == 255 && 10u == uint(10) && 1.5e1 == 15.0 && .5 == 0.5", True),
        ("-9223372036854775808 < 0", True),
        ("[1, 2,].size() == 2 && {'a': 1,}.size() == 1 && [,].size() == 0", True),
        ("// a comment\n true // another", True),
        ("'a' 'b' == 'ab'", None),
        ("1 = 1", None),
        ("device.in", None),
        ("-'a'.size() == -1", True),
        ("[1].map(x, x)[0] == 1", True),
        ("{'a': 1}.`a` == 1", True),
    ],
)
def test_grammar(text: str, wanted: bool | None) -> None:
    """Operators bind as in CEL's grammar; None stands for what is not of it or does not type-check."""
    if wanted is None:
        with pytest.raises(cel.CompileError):
            cel.compile(text)
    else:
        assert value(text) is wanted


@given(st.text("()[]{}.,:?!&|<>=+-*/% 'ab1\"", max_size=25))
def test_parsing_ends(text: str) -> None:
    """Any sequence of marks is an expression or none, and its tokens are all of it."""
    found = tokens(text)
    if found is not None:
        assert all(text[token.start :].startswith(token.text) for token in found)
    try:
        tree = parse(text, sorting=True, escapes=True)
    except (UnparsableError, cel.CompileError):
        return
    assert tree.root.id in tree.positions
