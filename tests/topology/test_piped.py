"""Matrices that documentation keeps as tables with bars."""

from __future__ import annotations

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology import nvidia_smi
from drapolicy.topology.read import load_text

PLAIN = (
    "\tGPU0\tGPU1\tmlx5_0\tCPU Affinity\tNUMA Affinity\n"
    "GPU0\t X \tNV4\tSYS\t8-15\t1\n"
    "GPU1\tNV4\t X \tPHB\t0-7\t0\n"
    "mlx5_0\tSYS\tPHB\t X \n"
)
TABLE = """\
## Affinity

| CPU Affinity | NUMA Affinity |        | GPU0 | GPU1 | mlx5_0 |
|--------------|:-------------:|--------|------|------|--------|
| 8-15         | 1             | GPU0   | X    | NV4  | SYS    |
| 0-7          | 0             | GPU1   | NV4  | X    | PHB    |
|              |               | mlx5_0 | SYS  | PHB  | X      |

- **X** = Self
"""
LABELLED = """\
| Device | GPU0 | GPU1 | mlx5_0 | CPU Affinity | NUMA Affinity |
| :--- | :---: | :---: | :---: | :--- | :---: |
| **GPU0** | **X** | `NV4` | SYS | 8-15 | 1 |
| **GPU1** | NV4 | **X** | PHB | 0-7 | 0 |
| **mlx5_0** | SYS | PHB | **X** |  |  |
"""
NO_OUTER_BARS = """\
Device | GPU0 | GPU1 | mlx5_0 | CPU Affinity | NUMA Affinity
--- | --- | --- | --- | --- | ---
GPU0 | X | NV4 | SYS | 8-15 | 1
GPU1 | NV4 | X | PHB | 0-7 | 0
mlx5_0 | SYS | PHB | X | N/A | N/A
"""
GRID = """\
+--------+------+------+--------+--------------+---------------+
|        | GPU0 | GPU1 | mlx5_0 | CPU Affinity | NUMA Affinity |
+========+======+======+========+==============+===============+
| GPU0   | X    | NV4  | SYS    | 8-15         | 1             |
+--------+------+------+--------+--------------+---------------+
| GPU1   | NV4  | X    | PHB    | 0-7          | 0             |
+--------+------+------+--------+--------------+---------------+
| mlx5_0 | SYS  | PHB  | X      |              |               |
+--------+------+------+--------+--------------+---------------+
"""


@pytest.mark.parametrize("text", [TABLE, LABELLED, NO_OUTER_BARS, GRID, TABLE.replace("\n", "\r\n")])
def test_tables_say_what_the_output_says(text: str) -> None:
    """Wherever affinities stand, and with or without emphasis, the matrix is that of the output."""
    assert nvidia_smi.parse(text) == nvidia_smi.parse(PLAIN)
    assert load_text(text).format is nvidia_smi


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("| NV4  | SYS    |", "| NV4  |", "row GPU0: line 5: has 5 cells for 6 columns"),
        ("| GPU1   | NV4", "| GPU0   | NV4", "row GPU0: line 6, column 34: is given twice, first in line 5"),
        ("| GPU1   | NV4", "| GPU2   | NV4", "row GPU2: line 6, column 34: no column is named so"),
        ("| 0-7          | 0             | GPU1   | NV4  | X    | PHB    |\n", "", "row GPU1: line 6: is missing"),
        ("| GPU0 | GPU1 |", "| GPU0 | GPU0 |", "header: line 3, column 50: GPU0 is named twice"),
        ("| GPU0 | GPU1 |", "| GPU0 | HSN  |", "header: line 3, column 50: 'HSN' is neither a GPU, a NIC"),
        ("|        | GPU0", "| GPU7   | GPU0", "header: line 3: has no column for the names of the rows"),
        ("| NV4  | SYS    |", "| NV4  | PHB    |", "is SYS, but line 5 says PHB for the same pair"),
        (
            "| NV4  | X    | PHB",
            "| NV4  | X    | QPI",
            "row GPU1, column mlx5_0: line 6, column 57: 'QPI' is not a kind",
        ),
        ("| X    | NV4  | SYS", "| X    |      | SYS", "row GPU0, column GPU1: line 5, column"),
        ("| 8-15 ", "| many ", "row GPU0, cpu affinity: line 5, column 3: 'many' is not a list"),
        ("- **X** = Self", TABLE, "header: line 11: a second matrix starts here"),
    ],
)
def test_faults_name_line_and_column(old: str, new: str, expected: str) -> None:
    """A table that is cut, ragged, doubled or says two things is refused."""
    assert old in TABLE
    with pytest.raises(ParseError) as caught:
        nvidia_smi.parse(TABLE.replace(old, new, 1), "page.md")
    assert any(str(fault).startswith("page.md: ") and expected in str(fault) for fault in caught.value.faults), [
        str(fault) for fault in caught.value.faults
    ]


def test_topo_p2p_in_a_table_is_refused() -> None:
    """What says whether peers work is no topology, whatever holds its columns."""
    with pytest.raises(ParseError, match="topo -p2p"):
        nvidia_smi.parse("| | GPU0 | GPU1 |\n|---|---|---|\n| GPU0 | X | OK |\n| GPU1 | OK | X |\n")


def test_an_output_beside_a_table_is_read_from_the_output() -> None:
    """The output itself goes before what somebody made of it."""
    assert nvidia_smi.parse(f"{TABLE}\n{PLAIN}") == nvidia_smi.parse(PLAIN)
