"""Shadow prices: what a place for each kind of pod is worth to a workload that does not fit as a whole.

A fluid of the workload fills the fleet's GPUs so that the total use is the greatest, where more of a kind that is
served already counts for less. The price of a kind is what one more of its pods would cost the others: two sizes that
fill a GPU together cost a GPU together, and a size that only fills gaps costs nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drapolicy.errors import InputError
from drapolicy.policies.fluid import Fluid, Stock, Want, maximum
from drapolicy.policies.objectives.mix import WHOLE, Mix

Supply = tuple[tuple[str, int], ...]
"""Products, and how many GPUs of each there are."""

_RATES = (0, 1, 2, 4, 8)
"""Eighths of what a CPU earns on average, at which CPU is charged."""
_SATIETY = 2.0
_STEP, _STEPS = 0.1, 16
_MOST_CLASSES = 150
_SUPPLIED = re.compile(r"(?P<product>[A-Za-z0-9 ._-]+)\*(?P<gpus>\d{1,12})")


@dataclass(frozen=True)
class Priced:
    """A kind of pod with one GPU, or a share of one.

    Attributes
    ----------
    milli, models
        As in :class:`~drapolicy.policies.objectives.mix.TypicalPod`.
    cpu
        The least milli CPU that such a pod asks for.
    price
        Milli of a GPU that a place for it is worth.
    """

    milli: int
    models: tuple[str, ...]
    cpu: int
    price: int


@dataclass(frozen=True)
class Prices:
    """Prices of a workload.

    Attributes
    ----------
    pods
        Kinds with one GPU whose price is not 0.
    rates
        Prices of CPU: milli of a GPU for each CPU. The first is 0.
    """

    pods: tuple[Priced, ...]
    rates: tuple[int, ...]


def read_supply(text: str) -> Supply:
    """Return products and GPUs from a text: ``PRODUCT*GPUS`` joined by ``+``.

    Examples
    --------
    >>> read_supply("A100*512+T4*64")
    (('A100', 512), ('T4', 64))
    """
    found: dict[str, int] = {}
    for part in text.split("+") if text else ():
        match = _SUPPLIED.fullmatch(part.strip())
        if match is None or match["product"] in found:
            message = f"supply: {part!r} is no product that is new with its GPUs; write PRODUCT*GPUS, e.g. A100*512"
            raise InputError(message)
        found[match["product"]] = int(match["gpus"])
    return tuple(found.items())


def write_supply(supply: Supply) -> str:
    """Return products and GPUs as :func:`read_supply` reads them.

    Examples
    --------
    >>> write_supply((("A100", 512), ("T4", 64)))
    'A100*512+T4*64'
    """
    return "+".join(f"{product}*{gpus}" for product, gpus in supply)


@lru_cache(maxsize=32)
def shadow_prices(mix: Mix, supply: Supply = ()) -> Prices:
    """Return the prices of a workload on a fleet.

    Parameters
    ----------
    mix
        The workload; as much of it is taken as asks for all GPUs of the fleet.
    supply
        GPUs of each product. May be empty where no pod wishes for a product.

    Raises
    ------
    InputError
        When pods wish for products and no GPUs are told.
    """
    stocks = _stocks(mix, supply)
    # A programme of very many kinds takes minutes; what is asked for least has no price then.
    asked = _asked(mix, stocks, _MOST_CLASSES)
    wants = [Want(0, 0, milli, 1, models) for milli, models in asked]
    fluid = Fluid.of(_merged(stocks, wants), wants)
    priced = dict(zip(asked, _prices(fluid, wants, np.array(list(asked.values()))), strict=True))
    paid = sum(pod.weight * pod.gpus * priced.get((pod.milli, pod.models), 0) for pod in mix)
    cpus = sum(pod.weight * pod.cpu for pod in mix)
    rates = {round(eighths * WHOLE * paid / (8 * cpus)) for eighths in _RATES} if cpus else {0}
    return Prices(_worth_it(mix, priced), tuple(sorted(rates)))


@lru_cache(maxsize=32)
def coveted_parts(mix: Mix, supply: Supply) -> Supply:
    """Return what part of each product's GPUs the pods ask for that do not accept every product, in thousandths.

    As much of the workload is taken as asks for all GPUs of the fleet. What a pod asks for is spread over the products
    that it accepts by their GPUs. Parts may exceed 1,000; products that nobody wishes for are left out.
    """
    stocks = _stocks(mix, supply)
    wished: dict[str, float] = defaultdict(float)
    for (milli, models), count in _asked(mix, stocks).items():
        accepted = [stock for stock in stocks if stock.product in models]
        for stock in accepted:
            wished[stock.product] += count * milli / sum(one.nodes for one in accepted)
    return tuple((product, round(part)) for product, part in wished.items())


_Class = tuple[int, tuple[str, ...]]
"""Milli of a GPU, and products that are accepted: kinds that differ in nothing else cost the same."""


def _stocks(mix: Mix, supply: Supply) -> list[Stock]:
    """Return the GPUs, each on a node of its own."""
    stocks = [Stock(product, gpus, 1) for product, gpus in supply if gpus]
    if not stocks and any(pod.models for pod in mix):
        message = "supply: pods of the mix wish for products; say how many GPUs of each there are, e.g. A100*512"
        raise InputError(message)
    return stocks or [Stock("", WHOLE, 1)]


def _merged(stocks: list[Stock], wants: list[Want]) -> list[Stock]:
    """Return the GPUs with products as one that the same pods accept."""
    found: dict[tuple[bool, ...], Stock] = {}
    for stock in stocks:
        key = tuple(want.fits(stock) for want in wants)
        known = found.get(key)
        found[key] = stock if known is None else known._replace(nodes=known.nodes + stock.nodes)
    return list(found.values())


def _asked(mix: Mix, stocks: list[Stock], most: int | None = None) -> dict[_Class, float]:
    """Return how many GPUs, or shares of one, each class asks for when all ask for the whole fleet.

    Classes that no product suits are left out, and those that ask for less than the first so many.
    """
    products = {stock.product for stock in stocks}
    counts: dict[_Class, float] = defaultdict(float)
    for pod in mix:
        if pod.milli and pod.gpus and (not pod.models or products.intersection(pod.models)):
            counts[pod.milli, pod.models] += pod.weight * pod.gpus
    if most is not None and len(counts) > most:
        counts = defaultdict(float, sorted(counts.items(), key=lambda known: -known[0][0] * known[1])[:most])
    millis = sum(milli * count for (milli, _), count in counts.items())
    there = WHOLE * sum(stock.nodes for stock in stocks)
    return {key: count * there / millis for key, count in counts.items()} if millis else {}


def _prices(fluid: Fluid, wants: list[Want], arrivals: NDArray[np.float64]) -> list[int]:
    """Return the price of each kind: milli of a GPU, such that all kinds together pay what they ask for."""
    if not fluid.fits.any():
        return [0] * len(wants)
    kinds = np.flatnonzero(fluid.fits)
    served = (np.arange(_STEPS) + 0.5) * _STEP
    millis = np.array([want.milli for want in wants], np.float64)[kinds]
    gains = np.outer(millis / WHOLE, np.exp(-_SATIETY * (served - 1))).reshape(-1)
    parts = sparse.csr_array(np.kron(np.eye(len(kinds)), np.ones(_STEPS)))
    found = maximum(
        np.concatenate([np.zeros(fluid.columns), gains]),
        sparse.hstack([fluid.limits, sparse.csr_array((len(fluid.most), len(gains)))], format="csr"),
        fluid.most,
        sparse.vstack(
            [
                sparse.hstack([fluid.ties, sparse.csr_array((fluid.ties.shape[0], len(gains)))]),
                sparse.hstack([fluid.placed[kinds], -parts]),
            ],
            format="csr",
        ),
        np.concatenate([np.full(fluid.columns, np.inf), np.repeat(arrivals[kinds] * _STEP, _STEPS)]),
    )
    duals = np.abs(found.ties[fluid.ties.shape[0] :])
    paid = float(arrivals[kinds] @ duals)
    prices = np.zeros(len(wants), np.int64)
    if paid > 0:
        prices[kinds] = np.rint(duals * float(arrivals[kinds] @ millis) / paid)
    return [int(price) for price in prices]


def _worth_it(mix: Mix, priced: dict[_Class, int]) -> tuple[Priced, ...]:
    least: dict[_Class, int] = {}
    for pod in mix:
        key = pod.milli, pod.models
        if pod.gpus == 1 and priced.get(key, 0) > 0:
            least[key] = min(pod.cpu, least.get(key, pod.cpu))
    return tuple(Priced(milli, models, cpu, priced[milli, models]) for (milli, models), cpu in least.items())
