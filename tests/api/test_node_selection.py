"""Node selectors."""

from __future__ import annotations

import pytest

from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.node_selection import Selector, SelectorError, dump

NODE = Node(metadata=ObjectMeta(name="n1", labels={"zone": "a", "slots": "8", "word": "many"}))


def term(
    *labels: tuple[str, str, list[str]], fields: list[tuple[str, str, list[str]]] | None = None
) -> NodeSelectorTerm:
    return NodeSelectorTerm(
        match_expressions=[NodeSelectorRequirement(key=k, operator=o, values=v) for k, o, v in labels],
        match_fields=[NodeSelectorRequirement(key=k, operator=o, values=v) for k, o, v in fields or []],
    )


def selects(*terms: NodeSelectorTerm, node: Node = NODE) -> bool:
    return Selector(NodeSelector(node_selector_terms=list(terms))).matches(node)


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (("zone", "In", ["b", "a"]), True),
        (("zone", "In", ["b"]), False),
        (("rack", "In", ["a"]), False),
        (("zone", "NotIn", ["b"]), True),
        (("zone", "NotIn", ["a", "b"]), False),
        (("rack", "NotIn", ["a"]), True),
        (("zone", "Exists", []), True),
        (("rack", "Exists", []), False),
        (("zone", "DoesNotExist", []), False),
        (("rack", "DoesNotExist", []), True),
        (("slots", "Gt", ["7"]), True),
        (("slots", "Gt", ["8"]), False),
        (("slots", "Lt", ["9"]), True),
        (("slots", "Lt", ["8"]), False),
        (("word", "Gt", ["0"]), False),
        (("word", "Lt", ["9"]), False),
        (("rack", "Lt", ["9"]), False),
    ],
)
def test_each_operator_on_labels(requirement: tuple[str, str, list[str]], expected: bool) -> None:
    """Every operator answers as Kubernetes does, on labels that are there, missing, or no integers."""
    assert selects(term(requirement)) is expected


def test_a_label_beyond_64_bits_is_no_integer() -> None:
    """Gt does not match a label that Go cannot read as int64."""
    node = Node(metadata=ObjectMeta(name="n", labels={"slots": str(2**63)}))
    assert not selects(term(("slots", "Gt", ["1"])), node=node)
    assert selects(term(("slots", "Gt", ["1"])), node=Node(metadata=ObjectMeta(labels={"slots": str(2**63 - 1)})))


def test_requirements_of_a_term_all_hold_and_one_term_is_enough() -> None:
    """Terms are alternatives; inside a term labels and fields must all match."""
    right = term(("zone", "In", ["a"]), fields=[("metadata.name", "In", ["n1"])])
    wrong = term(("zone", "In", ["a"]), fields=[("metadata.name", "NotIn", ["n1"])])
    assert selects(right)
    assert not selects(wrong)
    assert selects(wrong, right)


@pytest.mark.parametrize("terms", [[], [term()]])
def test_nothing_asked_matches_nothing(terms: list[NodeSelectorTerm]) -> None:
    """A selector without terms and an empty term match no node."""
    assert not selects(*terms)


def test_fields_of_a_nameless_node_are_not_looked_at() -> None:
    """A node without a name has no fields, and its fields then refuse nothing."""
    assert selects(term(fields=[("metadata.name", "In", ["n1"])]), node=Node())


def test_an_unknown_field_is_empty() -> None:
    """Only metadata.name has a value."""
    assert selects(term(fields=[("metadata.uid", "In", [""])]))
    assert not selects(term(fields=[("metadata.uid", "In", ["n1"])]))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (
            term(("zone", "Is", ["a"])),
            (
                'nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: "Is": '
                'supported values: "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"'
            ),
        ),
        (
            term(("zone", "In", [])),
            (
                "nodeSelectorTerms[0].matchExpressions[0].values: Invalid value: null: "
                "for 'in', 'notin' operators, values set can't be empty"
            ),
        ),
        (
            term(("zone", "Exists", ["a"])),
            (
                'nodeSelectorTerms[0].matchExpressions[0].values: Invalid value: ["a"]: '
                "values set must be empty for exists and does not exist"
            ),
        ),
        (
            term(("slots", "Gt", ["many"])),
            (
                'nodeSelectorTerms[0].matchExpressions[0].values[0]: Invalid value: "many": '
                "for 'Gt', 'Lt' operators, the value must be an integer"
            ),
        ),
        (
            term(fields=[("metadata.name", "In", ["n1", "n2"])]),
            'nodeSelectorTerms[0].matchFields[0].values: Invalid value: ["n1","n2"]: must have one element',
        ),
        (
            term(fields=[("metadata.name", "Exists", [])]),
            'nodeSelectorTerms[0].matchFields[0].operator: Unsupported value: "Exists": supported values: "In", "NotIn"',
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_upstreams_words(bad: NodeSelectorTerm, text: str) -> None:
    """A bad term is an error even where another term would match."""
    with pytest.raises(SelectorError) as caught:
        selects(bad, term(("zone", "In", ["a"])))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "key", ["", "-zone", "zone-", "/zone", "UPPER.example/zone", "a/b/c", "z" * 64, "d" * 254 + "/z"]
)
def test_bad_keys_are_refused(key: str) -> None:
    """Keys are label keys."""
    with pytest.raises(SelectorError, match="key: Invalid value"):
        selects(term((key, "Exists", [])))


def test_a_negative_bound_is_no_label_value() -> None:
    """Gt with a negative bound is refused, as its value must also be a label's."""
    with pytest.raises(SelectorError, match="a valid label must be"):
        selects(term(("slots", "Gt", ["-1"])))


def test_several_problems_come_together_each_once() -> None:
    """All problems are in one text, in brackets."""
    with pytest.raises(SelectorError) as caught:
        selects(term(("zone", "Is", []), ("zone", "In", [])))
    text = str(caught.value)
    assert text.startswith("[nodeSelectorTerms[0].matchExpressions[0].operator: ")
    assert ", nodeSelectorTerms[0].matchExpressions[1].values: " in text
    assert text.endswith("]")


def test_dump_is_gos() -> None:
    """The selector stands in errors as Go prints it."""
    selector = NodeSelector(node_selector_terms=[term(("zone", "In", ["a", "b"]))])
    assert dump(selector) == (
        "&NodeSelector{NodeSelectorTerms:[]NodeSelectorTerm{NodeSelectorTerm{MatchExpressions:[]NodeSelectorRequirement{"
        "NodeSelectorRequirement{Key:zone,Operator:In,Values:[a b],},},MatchFields:[]NodeSelectorRequirement{},},},}"
    )
