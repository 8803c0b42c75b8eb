import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from itnet_nas.kernels import Cost

COUNTS = st.none() | st.integers(0, 10**12)
COSTS = st.builds(
    Cost,
    flops=st.integers(0, 10**12),
    params=st.integers(0, 10**12),
    **{name: COUNTS for name in sorted(set(Cost.model_fields) - {"flops", "params"})},
)


def test_costs_of_two_parts_add_up_figure_by_figure() -> None:
    first = Cost(flops=1, params=2, state_bytes=3, train_flops=4, traffic_bytes=5)
    second = Cost(flops=10, params=20, state_bytes=30, train_flops=40, traffic_bytes=50)

    both = first + second

    assert both == Cost(flops=11, params=22, state_bytes=33, train_flops=44, traffic_bytes=55)


def test_what_one_part_does_not_know_the_sum_does_not_know() -> None:
    knows = Cost(flops=1, params=1, state_bytes=8, decode_flops=1)
    does_not = Cost(flops=1, params=1)

    assert (knows + does_not).state_bytes is None
    assert (does_not + knows).decode_flops is None


def test_a_figure_of_0_is_known() -> None:
    nothing = Cost(flops=0, params=0, state_bytes=0)

    assert (nothing + Cost(flops=1, params=1, state_bytes=8)).state_bytes == 8


@given(COSTS, COSTS, COSTS)
def test_the_order_of_parts_does_not_matter(a: Cost, b: Cost, c: Cost) -> None:
    assert (a + b) + c == c + (b + a)


@pytest.mark.parametrize("figure", [-1, 1.5])
def test_a_figure_is_a_whole_number_of_at_least_0(figure: float) -> None:
    with pytest.raises(ValidationError):
        Cost.model_validate({"flops": figure, "params": 0})


def test_a_cost_cannot_be_changed() -> None:
    cost = Cost(flops=1, params=1)

    with pytest.raises(ValidationError, match="frozen"):
        cost.flops = 2
