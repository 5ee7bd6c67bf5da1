"""Programs: caching, limits, hostile expressions, and what is refused by name."""

from __future__ import annotations

import contextlib
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy import cel
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceAttribute, DeviceCapacity
from drapolicy.errors import DrapolicyError, InputError, ParseError
from drapolicy.release import release

NUMBERS = "[" + ",".join(map(str, range(300))) + "]"
VIEW = cel.device_view("gpu.x", Device(name="d", attributes={"mem": DeviceAttribute(int_value=80)}))


def nested(depth: int) -> str:
    return "".join(f"{NUMBERS}.all(x{level}, " for level in range(depth)) + "true" + ")" * depth


def doubled(first: str, times: int) -> str:
    binds = "".join(f"cel.bind(a{step}, a{step - 1} + a{step - 1}, " for step in range(1, times))
    return f"cel.bind(a0, {first}, {binds}a{times - 1}.size() > 0" + ")" * times


def test_a_program_is_compiled_once() -> None:
    """Selectors repeat over requests and nodes; compiling dominates evaluating by far."""
    assert cel.compile("device.driver == 'gpu.x'") is cel.compile("device.driver == 'gpu.x'")


def test_a_program_keeps_no_state() -> None:
    """One program is shared by all devices; what one evaluation left must not reach the next."""
    program = cel.compile('cel.bind(m, device.attributes["gpu.x"].mem, [1, 2].exists(x, m == 80 && x == 2))')
    bare = cel.device_view("gpu.x", Device(name="bare"))
    for _ in range(2):
        assert program.evaluate(VIEW)
        with pytest.raises(cel.EvaluationError, match=r"^no such key: mem$"):
            program.evaluate(bare)


def test_programs_and_views_go_to_other_processes() -> None:
    """Batches run in worker processes."""
    program = cel.compile('device.attributes["gpu.x"].mem == 80 && device.attributes["no"].size() == 0')
    sent, view = pickle.loads(pickle.dumps((program, VIEW)))
    assert sent is program
    assert sent.evaluate(view)


def test_each_compile_error_is_a_new_one() -> None:
    """A shared exception would gather the tracebacks of all who raise it."""
    errors = []
    for _ in range(2):
        with pytest.raises(cel.CompileError) as raised:
            cel.compile("nope")
        errors.append(raised.value)
    assert errors[0] is not errors[1]
    assert str(errors[0]) == str(errors[1])
    assert errors[0].expression == "nope"


def test_errors_fit_the_projects_families() -> None:
    """Callers catch a bad expression as a parse error and a failed evaluation as no fault of the input's form."""
    assert issubclass(cel.CompileError, ParseError)
    assert issubclass(cel.EvaluationError, DrapolicyError)
    assert not issubclass(cel.EvaluationError, InputError)


def test_missing_keys_get_upstreams_hint() -> None:
    """S56: 1.37 appends the hint to missing keys only, wherever in the text they are named."""
    hint = ". consider using CEL optional chaining (.? followed by orValue()) or guarding the check with has() for optional fields"
    assert hint == cel.MISSING_KEY_HINT
    assert cel.with_hint("no such key: mem") == "no such key: mem" + hint
    assert cel.with_hint("x: no such key: mem") == "x: no such key: mem" + hint
    assert cel.with_hint("no such overload") == "no such overload"


def test_what_drapolicy_lacks_is_refused_by_name() -> None:
    """Kubernetes accepts messages of protobuf, so the error must not claim that the expression is wrong."""
    with pytest.raises(cel.CompileError) as raised:
        cel.compile("google.protobuf.Int64Value{value: 1} == 1")
    assert str(raised.value) == "a literal of type google.protobuf.Int64Value is not supported by drapolicy"
    assert raised.value.unsupported


def test_a_program_belongs_to_an_environment() -> None:
    """Releases for which an expression means the same share its program; others have one of their own."""
    text = "device.driver == 'gpu.x'"
    lists = release("1.37", gates={"DRAListTypeAttributes": True})
    assert cel.compile(text, release("1.37")) is cel.compile(text, lists) is cel.compile(text)
    assert cel.compile(text, release("1.36")) is not cel.compile(text)


def test_the_device_as_a_whole_is_a_map() -> None:
    """Nobody needs it, but upstream allows it."""
    for text in ('cel.bind(d, device, d.driver == "gpu.x")', 'device["driver"] == "gpu.x"', "device == device"):
        if text.startswith("device["):
            with pytest.raises(cel.CompileError, match="found no matching overload"):
                cel.compile(text)
        else:
            assert cel.compile(text).evaluate(VIEW), text


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 10000 + "true" + ")" * 10000,
        "[" * 10300,
        "-" * 11000 + "1 == 1",
        '"' + "é" * 6000 + '" == ""',
        "true && " * 2000 + "true",
    ],
    ids=["parentheses", "brackets", "minus", "bytes", "and"],
)
def test_long_expressions_are_refused(expression: str) -> None:
    """10 KiB is the API's limit, counted in bytes."""
    with pytest.raises(cel.CompileError, match="bytes; at most 10240 are allowed"):
        cel.compile(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "[" * 5000,
        "(" * 5000 + "1" + ")" * 5000,
        "+".join(["1"] * 4000) + " == 1",
        "device" + ".a" * 5000,
        "\ud800",
        "\x00",
        "",
    ],
    ids=["brackets", "parentheses", "sum", "fields", "surrogate", "nul", "empty"],
)
def test_hostile_expressions_are_compile_errors(expression: str) -> None:
    """The parser neither crashes nor recurses without end."""
    with pytest.raises(cel.CompileError):
        cel.compile(expression)


@pytest.mark.parametrize(
    "expression",
    [
        nested(3),
        nested(7),
        doubled('"aaaaaaaaaa"', 28),
        "lists.range(999999).all(x, x >= 0)",
        "lists.range(90000).map(x, x).map(x, x).size() > 0",
        "lists.range(99999).filter(x, x > 0).size() > 0",
        "lists.range(9000).distinct().size() > 0",
        "sets.contains(lists.range(3000), lists.range(3000))",
        "lists.range(90000).exists(x, lists.range(90000).exists(y, false)) || true",
    ],
)
def test_explosive_expressions_end_with_upstreams_cost_error(expression: str) -> None:
    """S60: the error is upstream's too, comes soon, and no operator absorbs it."""
    program = cel.compile(expression)
    start = time.monotonic()
    with pytest.raises(cel.EvaluationError, match=r"^operation cancelled: actual cost limit exceeded$"):
        program.evaluate(VIEW)
    assert time.monotonic() - start < 20


def test_lists_do_not_exhaust_memory() -> None:
    """Upstream joins lists lazily and may allow this; here it must end before memory does."""
    program = cel.compile(doubled("[1, 2, 3]", 28))
    with pytest.raises(cel.EvaluationError, match="more than 1000000 elements are not supported by drapolicy"):
        program.evaluate(VIEW)


def test_patterns_take_linear_time() -> None:
    """The classic bomb for backtracking engines."""
    program = cel.compile(f"'{'a' * 60}!'.matches('^(a+)+$')")
    start = time.monotonic()
    assert program.evaluate(VIEW) is False
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "device.driver.nope",
            "compilation failed: ERROR: <input>:1:14: type 'string' does not support field selection",
        ),
        (
            "true &&\n  device.foo",
            "compilation failed: ERROR: <input>:2:9: undefined field 'foo'\n |   device.foo\n | ........^",
        ),
        ("'日本' == 1", "compilation failed: ERROR: <input>:1:6: found no matching overload for '_==_'"),
    ],
)
def test_compile_errors_say_where(expression: str, message: str) -> None:
    """Line and column count characters, as upstream's do."""
    with pytest.raises(cel.CompileError) as raised:
        cel.compile(expression)
    assert str(raised.value).startswith(message)


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70))
def test_quantities_are_compared_exactly(first: int, second: int) -> None:
    """Amounts beyond 53 bits, where floats give up, keep their order and differences."""
    device = Device(
        name="d", capacity={"a": DeviceCapacity(value=Quantity(first)), "b": DeviceCapacity(value=Quantity(second))}
    )
    bound = 'cel.bind(c, device.capacity["x"], {})'
    view = cel.device_view("x", device)
    assert cel.compile(bound.format("c.a.isGreaterThan(c.b)")).evaluate(view) == (first > second)
    assert cel.compile(bound.format("c.a == c.b")).evaluate(view) == (first == second)
    assert cel.compile(bound.format("c.a.sub(c.b).add(c.b) == c.a")).evaluate(view)


@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    """Expressions are untrusted: nothing but a compile error may come out."""
    with contextlib.suppress(cel.CompileError):
        assert cel.compile(text).expression == text


@given(st.text(max_size=12))
def test_string_attributes_are_read_as_they_are(text: str) -> None:
    """No character of a value means anything to the evaluator."""
    view = cel.device_view("x", Device(name="d", attributes={"s": DeviceAttribute(string_value=text)}))
    assert cel.compile(
        'cel.bind(s, device.attributes["x"].s, s == s && s.size() >= 0 && s.split("").join("") == s)'
    ).evaluate(view)
