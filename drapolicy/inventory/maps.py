"""Maps of text to values, one a row, as columns: rows with the same keys share them, values stand in one column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.quantity import Format, Quantity
from drapolicy.inventory.columns import Codes, Frozen

_State = tuple[int, Format, tuple[int, int] | None, str]

_SHIFTS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_REVIVED = cast("Callable[..., Quantity]", Quantity(0).__reduce__()[0])


class Form(NamedTuple):
    """What quantities that differ in their number have in common.

    Attributes
    ----------
    format, power
        Family of suffixes, and the power of ten of the number.
    suffix
        What follows the number in the spelling that is kept; None where none is kept.
    """

    format: Format
    power: int
    suffix: str | None


def parts(quantity: Quantity) -> tuple[int, Form | Quantity]:
    """Return a quantity as number and form; as zero and itself where that would not bring it back."""
    nano, format, decimal, text = state(quantity)  # noqa: A001
    if decimal is not None and -(2**63) <= decimal[0] < 2**63:
        form = Form(format, decimal[1], text.lstrip("-0123456789") if text else None)
        if state(_whole(decimal[0], form)) == (nano, format, decimal, text):
            return decimal[0], form
    return 0, quantity


def state(quantity: Quantity) -> _State:
    """Return all that decides how a quantity compares, counts and prints."""
    return cast("_State", quantity.__reduce__()[1])


def _whole(number: int, form: Form) -> Quantity:
    text = "" if form.suffix is None else f"{number >> _SHIFTS.get(form.suffix, 0)}{form.suffix}"
    return _REVIVED(number * 10 ** (form.power + 9), form.format, (number, form.power), text)


@dataclass(frozen=True, slots=True, eq=False)
class Quantities(Frozen):
    """A column of quantities, of each its number and its form.

    Attributes
    ----------
    numbers
        ndarray of shape (rows,), int64.
    forms
        Form of each row; for few, such as ``1.5Gi``, the quantity itself.
    """

    numbers: NDArray[np.int64]
    forms: Codes[Form | Quantity]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int) -> Quantity:
        return self.between(row, row + 1)[0]

    def between(self, start: int, stop: int) -> list[Quantity]:
        """Return the quantities of rows ``start`` to ``stop``, equal in all to those that were given."""
        numbers, codes, values = (
            self.numbers[start:stop].tolist(),
            self.forms.codes[start:stop].tolist(),
            self.forms.values,
        )
        return [
            form if isinstance(form := values[code], Quantity) else _whole(number, form)
            for number, code in zip(numbers, codes, strict=True)
        ]

    def units(self, rows: NDArray[np.int64], power: int, of: Callable[[Quantity], int]) -> NDArray[Any]:
        """Return amounts in units of ``10**power``.

        Parameters
        ----------
        of
            Returns the amount of a quantity that is no whole number of units.

        Returns
        -------
        ndarray
            One for each of ``rows``: int64, or Python ints (dtype object) where some amount does not fit.
        """
        numbers, codes = self.numbers[rows], self.forms.codes[rows]
        found: NDArray[Any] = np.zeros(len(rows), np.int64)
        for code in np.unique(codes).tolist():
            form = self.forms.values[code]
            at = np.flatnonzero(codes == code)
            factor = 0 if isinstance(form, Quantity) else 10 ** max(-1, form.power - power)
            own = numbers[at]
            if factor >= 1 and max(abs(int(own.min())), abs(int(own.max()))) * factor < 2**63:
                found[at] = own * factor
                continue
            exact = [of(self[row]) for row in rows[at].tolist()]
            if not all(-(2**63) <= amount < 2**63 for amount in exact):
                found = found.astype(np.object_)
            found[at] = exact
        return found

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays, without Python objects."""
        return self.numbers.nbytes + self.forms.nbytes


class Cells(Protocol):
    """A column of values."""

    @property
    def nbytes(self) -> int:
        """Bytes of arrays and packed texts."""
        ...

    def between(self, start: int, stop: int) -> Sequence[Any]:
        """Return the values of some rows."""
        ...


C = TypeVar("C", bound=Cells)


@dataclass(frozen=True, slots=True, eq=False)
class Maps(Frozen, Generic[C]):
    """One map a row.

    Attributes
    ----------
    keys
        Keys of each row, in their order.
    cells
        Values, row after row in the order of the keys.
    first
        ndarray of shape (rows + 1,), int64; where the values of each row begin.
    """

    keys: Codes[tuple[str, ...]]
    cells: C
    first: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sizes = np.array([len(keys) for keys in self.keys.values], np.int64)[self.keys.codes]
        object.__setattr__(self, "first", np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)]))
        Frozen.__post_init__(self)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, n: int) -> dict[str, Any]:
        keys = self.keys[n]
        if not keys:
            return {}
        start = int(self.first[n])
        return dict(zip(keys, self.cells.between(start, start + len(keys)), strict=True))

    def having(self, key: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows that have a key, ascending, and where its value stands in ``cells``."""
        places = [keys.index(key) if key in keys else -1 for keys in self.keys.values]
        place = np.array(places, np.int64)[self.keys.codes]
        rows = np.flatnonzero(place >= 0)
        return rows, self.first[rows] + place[rows]
