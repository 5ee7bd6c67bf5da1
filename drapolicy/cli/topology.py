"""``drapolicy topology``: pictures of machines read, made and compared."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from drapolicy.cli.inputs import STDIN
from drapolicy.cli.output import Format, Picture, print_data, print_line, print_table, shortly
from drapolicy.cli.pictures import loaded
from drapolicy.errors import Fault, InputError
from drapolicy.topology import amd_smi, node_link, nvidia_smi, rocm_smi
from drapolicy.topology import generate as make
from drapolicy.topology.diff import diff as compare
from drapolicy.topology.generate import ALIASES, KINDS, from_text, kind_of
from drapolicy.topology.generate import matrix as matrix_of
from drapolicy.topology.graph import Topology
from drapolicy.topology.matrix import text as letters
from drapolicy.topology.products import DEFAULT_FAMILY, family
from drapolicy.topology.read import Reading

# Formats that name GPUs by a number alone; how fast their links are depends on what they are.
_WITHOUT_PRODUCT = (nvidia_smi, rocm_smi, amd_smi)


def read(files: Sequence[str], *, product: str, save: Path | None, output: Format) -> int:
    """Print what each file says; ``save`` names where the picture of the only one goes."""
    if save is not None and len(files) != 1:
        message = f"--save: {len(files)} files given; save one picture at a time"
        raise InputError(message)
    made: dict[str, dict[str, Any]] = {}
    faults: list[Fault] = []
    for file in dict.fromkeys(files):
        try:
            reading = loaded(file)
            picture = reading.topology(product)
        except InputError as error:
            if not error.faults:
                raise
            faults += error.faults
            continue
        made[file] = said(file, reading, picture)
    if faults:
        raise InputError(faults=faults)
    if save is not None:
        node_link.save(picture, save)
    if output is not Format.TABLE:
        print_data(made[files[0]] if len(made) == 1 else made, output)
        return 0
    for number, facts in enumerate(made.values()):
        if number:
            print_line()
        print_table(("FACT", "VALUE"), _rows(facts))
    return 0


def said(file: str, reading: Reading, picture: Topology) -> dict[str, Any]:
    """Return what a file says: the facts of its format under their names, and what all formats have in common.

    Returns
    -------
    dict
        Facts of the format, ``kind`` first; then ``file``, ``format``, ``experimental`` (whether its reader was made
        after documentation alone), ``vertices`` and ``links`` (how many of each kind the picture has), ``failed`` (how
        many of both), ``notes`` (what was in doubt).
    """
    told = picture.graph.graph
    shared = {
        "file": file,
        "format": reading.format.NAME,
        "experimental": bool(told.get("experimental", False)),
        **node_link.facts(picture),
        "notes": [*told.get("notes", getattr(reading.record, "notes", ())), *_unknown_product(reading, picture)],
    }
    return {**reading.facts, **{name: value for name, value in shared.items() if name not in reading.facts}}


def _unknown_product(reading: Reading, picture: Topology) -> Iterable[str]:
    product = str(picture.graph.graph.get("product", ""))
    if reading.format in _WITHOUT_PRODUCT and family(product) is DEFAULT_FAMILY:
        told = f"product {product!r} is not known" if product else "the file tells no product"
        yield f"{told}: links have the rates of an A100 or MI250; give --product"


def kinds(kind: str, output: Picture) -> int:
    """Print what can be generated, or the parameters of one kind."""
    chosen = {name: KINDS[name] for name in ([kind_of(kind)] if kind else KINDS)}
    if output is Picture.NVIDIA_SMI:
        message = f"-o {output}: a list is written as json or table"
        raise InputError(message)
    if output is Picture.JSON:
        made = [
            {
                "kind": name,
                "what": row.what.removeprefix(f"{name}: "),
                "source": row.source,
                "params": {
                    param: {"what": p.what, "default": p.default, "must": p.rule.what}
                    for param, p in row.params.items()
                },
            }
            for name, row in chosen.items()
        ]
        print_data(made, Format.JSON)
    elif kind:
        (row,) = chosen.values()
        print_line(row.what)
        print_line(f"source: {row.source}")
        rows = [(name, _value(param.default), param.what, param.rule.what) for name, param in row.params.items()]
        if rows:
            print_table(("PARAMETER", "DEFAULT", "WHAT IT IS", "MUST BE"), rows)
    else:
        print_table(
            ("KIND", "WHAT IT IS", "PARAMETERS"),
            [(name, row.what.removeprefix(f"{name}: "), ", ".join(row.params)) for name, row in chosen.items()],
        )
    return 0


def described(words: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what `--help` tells of the first kind among the words of a command: a title and rows of two columns."""
    names = {*KINDS, *ALIASES}
    kind = next((kind_of(word) for word in words if word.lower() in names), "")
    if not kind:
        return [("Kinds", [(name, row.what.removeprefix(f"{name}: ")) for name, row in KINDS.items()])]
    rows = [
        (f"{name}={_option(param.default)}", f"{param.what}; must be {param.rule.what}")
        for name, param in KINDS[kind].params.items()
    ]
    return [(f"Parameters of {kind} and their defaults", rows)]


def generate(kind: str, params: Sequence[str], *, failures: str, seed: int, host: str, output: Picture) -> int:
    """Print a made picture: as JSON that can be read back, in counts, or as nvidia-smi would."""
    texts = _texts(kind, params)
    picture = make(kind, failures=_number(kind, failures), seed=seed, **from_text(kind, texts))
    if output is Picture.JSON:
        sys.stdout.write(node_link.dumps(picture))
    elif output is Picture.TABLE:
        print_table(("FACT", "VALUE"), _rows({**node_link.facts(picture), **picture.graph.graph}))
    else:
        sys.stdout.write(letters(matrix_of(picture, host or _only_host(picture))))
    return 0


def diff(before: str, after: str, *, product: str, output: Format) -> int:
    """Print what differs between two pictures."""
    if before == after == STDIN:
        message = "diff: standard input can be only one of the two; give a file"
        raise InputError(message)
    found = compare(loaded(before).topology(product), loaded(after).topology(product))
    if output is Format.TABLE:
        for line in str(found).splitlines():
            print_line(line)
    else:
        print_data(found.as_data(), output)
    return 0


def _rows(facts: Mapping[str, Any]) -> Iterable[tuple[str, str | list[str]]]:
    for name, value in facts.items():
        long = name == "notes"
        yield name, list(map(str, value)) if long and value else _value(value)


def _option(default: Any) -> str:
    """Return a default as --param takes it."""
    return "x".join(map(str, default)) if isinstance(default, tuple) else _value(default)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_inner(inner)}" for key, inner in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(_inner, value)) or "-"
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _inner(value: Any) -> str:
    return " ".join(map(_value, value)) if isinstance(value, list | tuple) else _value(value)


def _texts(kind: str, params: Sequence[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    faults = []
    for word in params:
        name, equals, text = word.partition("=")
        if not equals or not name:
            faults.append(Fault("", -1, kind, "--param", f"{word!r} is not NAME=VALUE"))
        elif name in texts:
            faults.append(Fault("", -1, kind, name, "is given twice; give each parameter once"))
        texts.setdefault(name, text)
    if faults:
        raise InputError(faults=faults)
    return texts


def _number(kind: str, text: str) -> int | float:
    for read_number in (int, float):
        try:
            return read_number(text)
        except ValueError:
            continue
    raise InputError(
        faults=[Fault("", -1, kind, "--failures", f"{text!r} is neither a count nor a part from 0.0 to 1.0")]
    )


def _only_host(picture: Topology) -> str:
    hosts = picture.of_kind("host")
    if len(hosts) != 1:
        message = f"-o nvidia-smi: shows one host, the picture has {len(hosts)}; choose with --host: {shortly(hosts)}"
        raise InputError(message)
    return hosts[0]
