"""Shadow prices of workloads whose answer is known."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError
from drapolicy.policies.objectives import DEFAULT_MIX, read_mix, read_supply, shadow_prices
from drapolicy.policies.objectives.prices import coveted_parts, write_supply


def priced(text: str, supply: str = "") -> dict[tuple[int, tuple[str, ...]], int]:
    prices = shadow_prices(read_mix(text), read_supply(supply))
    return {(pod.milli, pod.models): pod.price for pod in prices.pods}


def test_sizes_that_fill_a_gpu_together_cost_a_gpu_together() -> None:
    """Where 600 and 400 come in even numbers, and whole GPUs, the two cost what a whole one does."""
    found = priced("600x1*5+400x1*5+1000x1*5")
    assert found[600, ()] + found[400, ()] == pytest.approx(found[1_000, ()], abs=1)


def test_a_size_that_leaves_a_hole_for_nobody_costs_a_whole_gpu() -> None:
    """810 of a GPU keep others from it as 1,000 do."""
    found = priced("810x1*5+1000x1*5")
    assert found[810, ()] == found[1_000, ()]


def test_a_size_that_fills_gaps_costs_nothing() -> None:
    """There are more gaps of 190 than pods for them."""
    assert (100, ()) not in priced("810x1*50+100x1*1")


def test_all_kinds_together_pay_what_they_ask_for() -> None:
    """Prices are scaled by the workload's milli."""
    mix = read_mix("600x1*5+300x1*7+1000x2*3")
    found = {(pod.milli, pod.models): pod.price for pod in shadow_prices(mix).pods}
    # Pods of several GPUs pay for each what a whole GPU costs, which is what the others leave.
    rest = 5 * (600 - found[600, ()]) + 7 * (300 - found[300, ()]) + 6 * 1_000
    assert rest == pytest.approx(6 * priced("600x1*5+300x1*7+1000x1*6")[1_000, ()], abs=20)


def test_a_product_that_is_asked_for_too_often_costs_more() -> None:
    """Pods that accept nothing but the scarce product pay more than others."""
    found = priced("1000x1@T4*30+1000x1*70", "T4*20+G2*80")
    assert found[1_000, ("T4",)] > found[1_000, ()] > 0


@pytest.mark.parametrize("text", ["0x0*3", "1000/0x0*3", "1000x1@T4*2"], ids=["nothing", "CPU alone", "nowhere"])
def test_workloads_that_no_gpu_serves_have_no_prices(text: str) -> None:
    """Nothing is priced where nothing can be placed."""
    found = shadow_prices(read_mix(text), (("G2", 5),))
    assert found.pods == ()
    assert found.rates == (0,)


def test_wishes_need_a_supply() -> None:
    """Without the number of GPUs of each product it cannot be told how scarce one is."""
    with pytest.raises(InputError, match="say how many GPUs"):
        shadow_prices(read_mix("1000x1@T4"))


def test_cpu_is_charged_in_eighths_of_what_it_earns() -> None:
    """Ten CPUs a GPU that costs 1,000: 100 milli a CPU, of which nothing, 1/8, 1/4, 1/2 and all are tried."""
    assert shadow_prices(read_mix("10000/1000x1")).rates == (0, 12, 25, 50, 100)
    assert shadow_prices(DEFAULT_MIX).rates == (0,)


def test_the_cheapest_pod_of_a_kind_stands_for_it() -> None:
    """Of pods of one size, that with the least CPU gets the most out of a GPU."""
    (pod,) = shadow_prices(read_mix("9000/1000x1*3+4000/1000x1")).pods
    assert pod.cpu == 4_000


def test_parts_that_are_coveted_are_spread_by_gpus() -> None:
    """40 % of the demand accepts T4 or A10, of which there are 10 and 30 of 100 GPUs: each is wanted as a whole."""
    mix = read_mix("1000x1@T4|A10*40+1000x1*60")
    assert dict(coveted_parts(mix, read_supply("T4*10+A10*30+G2*60"))) == {"T4": 1_000, "A10": 1_000}


@pytest.mark.parametrize("text", ["T4", "T4*", "*5", "T4*5+T4*6", "T4*-1", "T4*5,G2*6"])
def test_a_supply_that_cannot_be_read_is_told(text: str) -> None:
    """Products with a number of GPUs, each once."""
    with pytest.raises(InputError, match="supply: "):
        read_supply(text)


def test_a_supply_is_written_as_it_is_read() -> None:
    """Text and values carry the same."""
    assert write_supply(read_supply("T4*10+A100 80GB*30")) == "T4*10+A100 80GB*30"
    assert read_supply("") == ()


def test_products_that_the_same_pods_accept_cost_the_same() -> None:
    """How the GPUs of alike products are told apart changes no price."""
    text = "1000x1@T4*30+600x1*40+400x1*30"
    assert priced(text, "T4*20+G2*80") == priced(text, "T4*20+G2*30+A10*50")


def test_of_very_many_kinds_those_that_ask_for_most_are_priced() -> None:
    """A workload in which no two pods are alike is priced in time."""
    found = priced("+".join(f"{milli}x1" for milli in range(1, 1_001)))
    assert 0 < len(found) <= 150
    assert min(milli for milli, _ in found) > 500
