"""Expressions parsed to a tree, by the grammar and within the limits of upstream's parser (K8s S56)."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from drapolicy.cel.errors import CompileError
from drapolicy.cel.lexing import Token, tokens
from drapolicy.cel.literals import literal_value
from drapolicy.cel.macros import Expander, MacroError
from drapolicy.cel.syntax import Call, Const, Ident, ListLiteral, MapLiteral, Node, Select, Struct, Tree
from drapolicy.cel.wording import Fault, shown

# K: cel-go's parser, of each kind of rule and of all together.
MAX_DEPTH: Final = 250
# Frames for expressions that are nested as deep as allowed; Python's own default ends at a fifth of it.
_FRAMES: Final = 20_000

_RESERVED: Final = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"}
    | {"package", "namespace", "null", "return", "true", "var", "void", "while"}
)
_RELATIONS: Final = frozenset({"<", "<=", ">=", ">", "==", "!=", "in"})
_SUMS: Final = {"*": 2, "/": 2, "%": 2, "+": 1, "-": 1}


class UnparsableError(Exception):
    """The expression is not of the grammar."""


class _TooDeepError(Exception):
    pass


def parse(expression: str, *, sorting: bool, escapes: bool) -> Tree:
    """Return the tree of an expression.

    Parameters
    ----------
    expression
        The expression.
    sorting
        Whether the macro ``sortBy`` exists.
    escapes
        Whether fields may be written in backticks.

    Raises
    ------
    UnparsableError
        For what is not of the grammar; the grammar's own words for it have to be asked for elsewhere.
    CompileError
        With upstream's text for everything else that it refuses while parsing.
    """
    found = tokens(expression)
    if found is None:
        raise UnparsableError
    if len(found) > MAX_DEPTH:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES))
    parser = _Parser(found, sorting=sorting, escapes=escapes)
    try:
        root = parser.whole()
    except _TooDeepError as error:
        text = f"compilation failed: ERROR: <input>:-1:0: {error}"
        raise CompileError(text, expression) from None
    if parser.faults:
        faults = [Fault.at(start, reason, expression) for start, reason in parser.faults]
        raise CompileError(f"compilation failed: {shown(faults, expression)}", expression)
    return Tree(root, parser.positions)


class _Parser:
    def __init__(self, found: Sequence[Token], *, sorting: bool, escapes: bool) -> None:
        self.positions: dict[int, int] = {}
        self.faults: list[tuple[int, str]] = []
        self._tokens = found
        self._at = 0
        self._escapes = escapes
        self._depths: Counter[str] = Counter()
        # How deep compound rules nest below a node.
        self._below: dict[int, int] = {}
        self._macros = Expander(self._new, self.positions, sorting=sorting)

    def whole(self) -> Node:
        root = self._expression()
        if self._next.kind != "end":
            raise UnparsableError
        if self._below[root.id] > MAX_DEPTH:
            raise _TooDeepError("max recursion depth exceeded")
        return root

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *kinds: str) -> Token | None:
        token = self._tokens[self._at]
        if token.kind not in kinds:
            return None
        self._at += 1
        return token

    def _expect(self, kind: str) -> Token:
        token = self._take(kind)
        if token is None:
            raise UnparsableError
        return token

    def _new(self, start: int) -> int:
        """Return the id of a new node at an offset."""
        node_id = len(self.positions) + 1
        self.positions[node_id] = start
        return node_id

    def _enter(self, rule: str) -> None:
        self._depths[rule] += 1
        if self._depths[rule] > MAX_DEPTH:
            raise _TooDeepError(f"expression recursion limit exceeded: {MAX_DEPTH}")

    def _leave(self, rule: str) -> None:
        self._depths[rule] -= 1

    def _made(self, node: Node, *parts: Node, compound: bool = False) -> Node:
        self._below[node.id] = max((self._below[part.id] for part in parts), default=0) + compound
        return node

    def _fault(self, start: int, reason: str) -> Node:
        self.faults.append((start, reason))
        return self._made(Const(self._new(start), None))

    def _expression(self) -> Node:
        self._enter("expr")
        node = self._logical("||", "_||_")
        if (operator := self._take("?")) is not None:
            node_id = self._new(operator.start)
            then = self._logical("||", "_||_")
            self._expect(":")
            otherwise = self._expression()
            node = self._made(
                Call(node_id, "_?_:_", None, (node, then, otherwise)), node, then, otherwise, compound=True
            )
        self._leave("expr")
        return node

    def _logical(self, mark: str, function: str) -> Node:
        """Return a chain of ``&&`` or ``||`` as upstream's parser balances it."""
        terms, operators = [self._term(mark)], []
        while (operator := self._take(mark)) is not None:
            terms.append(self._term(mark))
            operators.append(self._new(operator.start))

        def balanced(low: int, high: int) -> Node:
            middle = (low + high + 1) // 2
            left = terms[middle] if middle == low else balanced(low, middle - 1)
            right = terms[middle + 1] if middle == high else balanced(middle + 1, high)
            return self._made(Call(operators[middle], function, None, (left, right)), left, right)

        return balanced(0, len(operators) - 1) if operators else terms[0]

    def _term(self, mark: str) -> Node:
        return self._logical("&&", "_&&_") if mark == "||" else self._relation(left=True)

    def _relation(self, *, left: bool) -> Node:
        self._enter("relation")
        node = self._sum(0)
        while left and (operator := self._take(*_RELATIONS)) is not None:
            node_id = self._new(operator.start)
            right = self._relation(left=False)
            function = "@in" if operator.kind == "in" else f"_{operator.kind}_"
            node = self._made(Call(node_id, function, None, (node, right)), node, right, compound=True)
        self._leave("relation")
        return node

    def _sum(self, above: int) -> Node:
        """Return a chain of operators that bind tighter than ``above``."""
        self._enter("calc")
        node = self._unary()
        while _SUMS.get(self._next.kind, 0) > above:
            operator = self._tokens[self._at]
            self._at += 1
            node_id = self._new(operator.start)
            right = self._sum(_SUMS[operator.kind])
            node = self._made(Call(node_id, f"_{operator.kind}_", None, (node, right)), node, right, compound=True)
        self._leave("calc")
        return node

    def _unary(self) -> Node:
        mark = self._next.kind
        signed = mark == "-" and self._tokens[self._at + 1].kind in {"int", "float"}
        if mark not in {"!", "-"} or signed:
            return self._member()
        start, count = self._next.start, 0
        while self._take(mark) is not None:
            count += 1
        if count % 2 == 0:
            return self._member()
        node_id = self._new(start)
        operand = self._member()
        return self._made(Call(node_id, f"{mark}_", None, (operand,)), operand)

    def _member(self) -> Node:
        self._enter("member")
        node = self._primary()
        while (mark := self._take(".", "[")) is not None:
            node = self._index(node, mark) if mark.kind == "[" else self._field(node, mark)
        self._leave("member")
        return node

    def _index(self, node: Node, mark: Token) -> Node:
        function = "_[?_]" if self._take("?") else "_[_]"
        node_id = self._new(mark.start)
        index = self._expression()
        self._expect("]")
        return self._made(Call(node_id, function, None, (node, index)), node, index, compound=True)

    def _field(self, node: Node, mark: Token) -> Node:
        optional = self._take("?")
        if optional is None and self._next.kind == "name" and self._tokens[self._at + 1].kind == "(":
            name = self._expect("name").text
            opening = self._expect("(")
            node_id = self._new(opening.start)
            args = self._arguments()
            return self._called(node_id, name, node, args)
        token = self._take("name", "escaped")
        if token is None:
            raise UnparsableError
        field = token.text
        if token.kind == "escaped":
            field = field[1:-1]
            if not self._escapes:
                self._fault(token.start, "unsupported syntax: '`'")
        if optional is not None:
            node_id = self._new(mark.start)
            literal = self._made(Const(self._new(token.start), field))
            return self._made(Call(node_id, "_?._", None, (node, literal)), node, compound=True)
        return self._made(Select(self._new(mark.start), node, field, test=False), node, compound=True)

    def _called(self, node_id: int, name: str, target: Node | None, args: tuple[Node, ...]) -> Node:
        parts = args if target is None else (target, *args)
        compound = target is not None
        try:
            expanded = self._macros.expand(self.positions[node_id], name, target, args)
        except MacroError as error:
            return self._fault(self.positions[error.node], error.reason)
        node = Call(node_id, name, target, args) if expanded is None else expanded
        return self._made(node, *parts, compound=compound)

    def _arguments(self) -> tuple[Node, ...]:
        args: list[Node] = []
        if self._take(")") is None:
            args.append(self._expression())
            while self._take(",") is not None:
                args.append(self._expression())
            self._expect(")")
        return tuple(args)

    def _primary(self) -> Node:
        token = self._next
        match token.kind:
            case "(":
                self._at += 1
                node = self._expression()
                self._expect(")")
                return node
            case "[":
                return self._list()
            case "{":
                return self._map()
            case "." | "name":
                return self._named()
        return self._literal()

    def _named(self) -> Node:
        first = self._next
        dot = self._take(".") is not None
        name = self._expect("name")
        if (message := self._message(dot, name)) is not None:
            return message
        opening = self._take("(")
        if name.text in _RESERVED:
            if opening is not None:
                self._arguments()
            return self._fault(first.start, f"reserved identifier: {name.text}")
        written = f".{name.text}" if dot else name.text
        if opening is None:
            return self._made(Ident(self._new(name.start), written))
        node_id = self._new(opening.start)
        return self._called(node_id, written, None, self._arguments())

    def _message(self, dot: bool, name: Token) -> Node | None:
        """Return a literal of a message, None if the name begins none."""
        ahead, parts = self._at, [name.text]
        while self._tokens[ahead].kind == "." and self._tokens[ahead + 1].kind == "name":
            parts.append(self._tokens[ahead + 1].text)
            ahead += 2
        if self._tokens[ahead].kind != "{":
            return None
        self._at = ahead + 1
        node_id = self._new(self._tokens[ahead].start)
        values = []
        while self._take("}") is None:
            self._take("?")
            if self._take("name", "escaped") is None:
                raise UnparsableError
            self._expect(":")
            values.append(self._expression())
            if self._take(",") is None and self._next.kind != "}":
                raise UnparsableError
        return self._made(Struct(node_id, "." * dot + ".".join(parts)), *values)

    def _list(self) -> Node:
        node_id = self._new(self._expect("[").start)
        elements: list[Node] = []
        optional: set[int] = set()
        while self._take("]") is None:
            if self._next.kind == "," and not elements:
                self._at += 1
                self._expect("]")
                break
            if self._take("?") is not None:
                optional.add(len(elements))
            elements.append(self._expression())
            if self._take(",") is None and self._next.kind != "]":
                raise UnparsableError
        return self._made(ListLiteral(node_id, tuple(elements), frozenset(optional)), *elements)

    def _map(self) -> Node:
        node_id = self._new(self._expect("{").start)
        entries: list[tuple[int, Node, Node, bool]] = []
        parts: list[Node] = []
        while self._take("}") is None:
            if self._next.kind == "," and not entries:
                self._at += 1
                self._expect("}")
                break
            optional = self._take("?") is not None
            key = self._expression()
            colon = self._new(self._expect(":").start)
            value = self._expression()
            entries.append((colon, key, value, optional))
            parts += (key, value)
            if self._take(",") is None and self._next.kind != "}":
                raise UnparsableError
        return self._made(MapLiteral(node_id, tuple(entries)), *parts)

    def _literal(self) -> Node:
        start = self._next.start
        negative = self._take("-") is not None
        token = self._take("int", "float") if negative else self._next
        if token is None:
            raise UnparsableError
        self._at += not negative
        value, reason = literal_value(token, negative=negative)
        if reason == "":
            raise UnparsableError
        if reason is not None:
            return self._fault(start, reason)
        return self._made(Const(self._new(start), value))
