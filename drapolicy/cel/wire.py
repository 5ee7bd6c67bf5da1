"""Checked expressions decoded from CEL's own interchange form.

The library hands an expression over as the protobuf message ``cel.expr.CheckedExpr`` (or ``ParsedExpr``) wrapped in
``Any``. Field numbers below are those of ``cel/expr/syntax.proto`` and ``checked.proto``; these few lines of wire
format are cheaper than a dependency on a protobuf runtime.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from drapolicy.cel.syntax import (
    DYN,
    Call,
    Checked,
    Const,
    Fold,
    Ident,
    ListLiteral,
    MapLiteral,
    Node,
    Select,
    Struct,
    Type,
)
from drapolicy.cel.values import Uint


def decode(data: bytes) -> Checked:
    """Return the expression in a serialised ``Any``; one that was only parsed has neither types nor names."""
    wrapped = _group(data)
    message = _group(wrapped[2][0])
    checked = _text(wrapped, 1).endswith("CheckedExpr")
    root, info = (message[4][0], message[5][0]) if checked else (message[2][0], message[3][0])
    types = dict(_entry(entry, _type) for entry in message.get(3, ())) if checked else {}
    references = dict(_entry(entry, _group) for entry in message.get(2, ())) if checked else {}
    names = {node: _text(reference, 1) for node, reference in references.items()}
    overloads = {node: tuple(part.decode() for part in reference.get(3, ())) for node, reference in references.items()}
    positions = dict(_entry(entry, int) for entry in _group(info).get(4, ()))
    return Checked(_node(root), types, names, overloads, positions)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        match tag & 7:
            case 0:
                value, position = _varint(data, position)
                yield tag >> 3, value
            case 1:
                yield tag >> 3, data[position : position + 8]
                position += 8
            case 2:
                size, position = _varint(data, position)
                yield tag >> 3, data[position : position + size]
                position += size
            case wire:
                message = f"wire type {wire}"
                raise ValueError(message)


def _group(data: bytes) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for number, value in _fields(data):
        groups.setdefault(number, []).append(value)
    return groups


def _text(fields: dict[int, list[Any]], number: int) -> str:
    return fields[number][-1].decode() if number in fields else ""


def _entry(data: bytes, read: Any) -> tuple[int, Any]:
    entry = _group(data)
    return entry.get(1, [0])[0], read(entry[2][0] if 2 in entry else 0)


_PRIMITIVES = ("", "bool", "int", "uint", "double", "string", "bytes")
_WELL_KNOWN = ("", "dyn", "google.protobuf.Timestamp", "google.protobuf.Duration")


def _type(data: bytes) -> Type:
    ((number, value),) = list(_fields(data))[-1:] or [(1, b"")]
    match number:
        case 2:
            return ("null_type", ())
        case 3:
            return (_PRIMITIVES[value], ())
        case 4:
            return ("wrapper(" + _PRIMITIVES[value] + ")", ())
        case 5:
            return (_WELL_KNOWN[value], ())
        case 6:
            inner = _group(value)
            return ("list", (_type(inner[1][0]) if 1 in inner else DYN,))
        case 7:
            inner = _group(value)
            return ("map", tuple(_type(inner[part][0]) if part in inner else DYN for part in (1, 2)))
        case 9:
            return (value.decode(), ())
        case 11:
            return ("type", (_type(value),) if value else ())
        case 14:
            inner = _group(value)
            return (_text(inner, 1), tuple(_type(part) for part in inner.get(2, ())))
        case _:
            return DYN


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _const(data: bytes) -> Any:
    for number, value in _fields(data):
        match number:
            case 1:
                return None
            case 2:
                return bool(value)
            case 3:
                return _signed(value)
            case 4:
                return Uint(value)
            case 5:
                return struct.unpack("<d", value)[0]
            case 6:
                return value.decode()
            case 7:
                return bytes(value)
    return None


def _node(data: bytes) -> Node:
    node_id, kind, body = 0, 0, b""
    for number, value in _fields(data):
        if number == 2:
            node_id = value
        else:
            kind, body = number, value
    fields = {} if kind == 3 else _group(body)
    match kind:
        case 3:
            return Const(node_id, _const(body))
        case 4:
            return Ident(node_id, _text(fields, 1))
        case 5:
            return Select(node_id, _node(fields[1][0]), _text(fields, 2), bool(fields.get(3, [0])[0]))
        case 6:
            target = _node(fields[1][0]) if 1 in fields else None
            return Call(node_id, _text(fields, 2), target, tuple(_node(arg) for arg in fields.get(3, ())))
        case 7:
            optional = frozenset(index for packed in fields.get(2, ()) for index in _packed(packed))
            return ListLiteral(node_id, tuple(_node(element) for element in fields.get(1, ())), optional)
        case 8:
            return _struct(node_id, fields)
        case 9:
            return Fold(
                node_id,
                _text(fields, 1),
                _text(fields, 8),
                _node(fields[2][0]),
                _text(fields, 3),
                *(_node(fields[part][0]) for part in (4, 5, 6, 7)),
            )
        case _:
            message = f"expression kind {kind}"
            raise ValueError(message)


def _packed(data: bytes | int) -> Iterator[int]:
    if isinstance(data, int):
        yield data
        return
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def _struct(node_id: int, fields: dict[int, list[Any]]) -> Node:
    name = _text(fields, 1)
    if name:
        return Struct(node_id, name)
    entries = []
    for data in fields.get(2, ()):
        entry = _group(data)
        key, value = _node(entry[3][0]), _node(entry[4][0])
        entries.append((entry.get(1, [0])[0], key, value, bool(entry.get(5, [0])[0])))
    return MapLiteral(node_id, tuple(entries))
