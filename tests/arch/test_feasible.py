"""Constraints that are checked before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from itnet_nas.arch.cost import bounds, costs
from itnet_nas.arch.count import enumerate_all, raw_count
from itnet_nas.arch.feasible import feasible, require_feasible, sample_feasible
from itnet_nas.arch.genotype import Genotype, contains, realise
from itnet_nas.errors import InfeasibleError
from itnet_nas.space.space import Choice, Space

Chain = Callable[..., Space]
Constrained = Callable[..., Space]
MakeChoice = Callable[..., Choice]


@pytest.fixture
def sizes(make_choice: MakeChoice) -> list[Choice]:
    """Ten choices; radius r has 10 + 10 r parameters."""
    return [make_choice("conv", radius=radius) for radius in range(1, 11)]


# Two layers: coding 18, the last norm 8, two blocks of 92, two kernels of 20 to 110 each.
CHEAPEST, DEAREST = 26 + 2 * 112, 26 + 2 * 202


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("params <= 270", True),
        ("params < 270", False),
        ("params >= 271", False),
        ("params + depth > 271", True),
        ("depth > 2", False),
        ("latency_ms <= 0", True),
    ],
)
def test_an_architecture_is_held_to_the_constraints_that_can_be_computed(
    chain: Chain, sizes: list[Choice], constraint: str, expected: bool
) -> None:
    space = chain(sizes, sizes, constraints=(constraint,))

    architecture = realise(space, Genotype((0, 2), (), ()))

    assert costs(space, architecture)["params"] == 270
    assert feasible(space, architecture) is expected


def test_every_constraint_has_to_be_met(chain: Chain, sizes: list[Choice]) -> None:
    space = chain(sizes, sizes, constraints=("params <= 270", "params <= 269"))

    assert not feasible(space, realise(space, Genotype((0, 2), (), ())))


def test_a_limit_on_the_state_is_not_met_without_decoding(
    chain: Chain, make_choice: MakeChoice
) -> None:
    kinds = [make_choice("gru"), make_choice("attention", heads=1)]
    space = chain(kinds, constraints=("state_bytes <= 1e9",))

    assert feasible(space, realise(space, Genotype((0,), (), ())))
    assert not feasible(space, realise(space, Genotype((1,), (), ())))


@given(data=st.data(), seed=st.integers(0, 2**32), share=st.floats(0, 1))
def test_a_feasible_sample_is_found_wherever_there_is_one(
    spaces: st.SearchStrategy[Space],
    constrained: Constrained,
    data: st.DataObject,
    seed: int,
    share: float,
) -> None:
    free = data.draw(spaces)
    low, high = bounds(free)["params"]
    limit = low + share * (high - low)
    space = constrained(free, f"params <= {limit}")

    architecture = sample_feasible(space, Random(seed), tries=5)

    assert architecture is not None
    assert feasible(space, architecture)
    assert contains(space, architecture)


def test_a_walk_finds_the_one_architecture_in_many_that_is_feasible(
    chain: Chain, sizes: list[Choice]
) -> None:
    free = chain(*(sizes for _ in range(20)))
    low, _ = bounds(free)["params"]
    space = chain(*(sizes for _ in range(20)), constraints=(f"params <= {low}",))

    architecture = sample_feasible(space, Random(0), tries=5)

    assert architecture is not None
    assert {layer.label for layer in architecture.layers} == {"conv(radius=1)"}


def test_a_walk_is_not_held_up_by_the_layer_that_happens_to_be_there(
    chain: Chain, sizes: list[Choice], constrained: Constrained
) -> None:
    free = chain(sizes[5:], sizes[5:], sizes[:5], sizes[5:], optional=True)
    low, _ = bounds(free)["params"]
    space = constrained(free, f"params <= {low}")

    for seed in range(20):
        architecture = sample_feasible(space, Random(seed), tries=1)
        assert architecture is not None
        assert architecture.label == "conv(radius=1)"


def test_where_nothing_is_feasible_nothing_is_sampled(chain: Chain, sizes: list[Choice]) -> None:
    space = chain(sizes, sizes, constraints=("params < 250",))

    assert sample_feasible(space, Random(0), tries=5) is None


@given(data=st.data(), limit=st.integers(50, 900))
def test_infeasible_is_said_of_small_spaces_exactly_when_they_are(
    spaces: st.SearchStrategy[Space], constrained: Constrained, data: st.DataObject, limit: int
) -> None:
    free = data.draw(spaces)
    assume(raw_count(free) <= 40)
    space = constrained(free, f"params <= {limit}", f"flops >= {10 * limit}")
    possible = any(feasible(space, architecture) for architecture in enumerate_all(space))

    try:
        require_feasible(space, tries=5)
    except InfeasibleError:
        assert not possible
    else:
        assert possible


def refusal(space: Space) -> str:
    with pytest.raises(InfeasibleError) as caught:
        require_feasible(space, tries=50)
    return str(caught.value)


def test_a_limit_below_the_cheapest_is_refused_with_its_figure(
    chain: Chain, sizes: list[Choice]
) -> None:
    space = chain(sizes, sizes, constraints=("params <= 10", "depth >= 3", "flops <= 1e9"))

    assert refusal(space) == (
        "toy: none feasible; nearest exceeds params by 25× and falls short of depth by 1.5×\n"
        "  params <= 10 cannot be met: the cheapest architecture has 250\n"
        "  depth >= 3 cannot be met: the dearest architecture has 2\n"
        "Loosen the constraint, or offer other choices, optional layers or smaller repeats."
    )
    assert bounds(space)["params"] == (CHEAPEST, DEAREST)


def test_a_limit_on_the_state_of_a_space_that_never_decodes_is_refused(
    chain: Chain, make_choice: MakeChoice
) -> None:
    space = chain([make_choice("attention", heads=1)], constraints=("state_bytes <= 1",))

    assert refusal(space) == (
        "toy: none feasible; nearest has no state_bytes\n"
        "  state_bytes <= 1 cannot be met: no architecture has a figure state_bytes\n"
        "Loosen the constraint, or offer other choices, optional layers or smaller repeats."
    )


def test_constraints_that_contradict_each_other_are_refused_with_what_there_is(
    chain: Chain, sizes: list[Choice]
) -> None:
    space = chain(sizes, sizes, constraints=("params <= 275", "params > 271"))

    assert refusal(space) == (
        "toy: none feasible; nearest falls short of params by 0.37 %\n"
        "  params <= 275 and params > 271 cannot be met: none of the space's architectures does\n"
        "  params: 250 to 430\n"
        "Loosen the constraint, or offer other choices, optional layers or smaller repeats."
    )


def test_a_large_space_is_refused_by_samples_and_the_text_says_so(
    chain: Chain, sizes: list[Choice]
) -> None:
    space = chain(*(sizes for _ in range(5)), constraints=("params / depth < 100",))

    assert refusal(space) == (
        "toy: none feasible; nearest found breaks params / depth < 100\n"
        "  params / depth < 100 cannot be met: none of 50 samples does, "
        "and no walk from there led to one that does\n"
        "  depth: 5 to 5\n"
        "  params: 586 to 1036\n"
        "Loosen the constraint, or offer other choices, optional layers or smaller repeats."
    )


def test_a_space_without_computed_constraints_is_not_looked_at(
    chain: Chain, sizes: list[Choice]
) -> None:
    require_feasible(chain(sizes, constraints=("latency_ms <= 0",)))


def headline(space: Space) -> str:
    return refusal(space).splitlines()[0].partition(": ")[2]


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ("params <= 119", "exceeds params by 2.1×"),
        ("params <= 2", "exceeds params by 125×"),
        ("params < 250", "only reaches the limit of params"),
        ("params <= 249", "exceeds params by 0.4 %"),
        ("params <= 0", "exceeds params by 250"),
        ("params >= 860", "falls short of params by 2×"),
        ("depth > 2", "only reaches the limit of depth"),
        ("depth >= 3", "falls short of depth by 1.5×"),
    ],
)
def test_a_refusal_says_by_how_much_the_nearest_architecture_misses(
    chain: Chain, sizes: list[Choice], constraint: str, said: str
) -> None:
    assert headline(chain(sizes, sizes, constraints=(constraint,))) == (
        f"none feasible; nearest {said}"
    )


def test_the_nearest_is_exact_in_a_space_that_is_too_large_to_try(
    chain: Chain, sizes: list[Choice]
) -> None:
    space = chain(*(sizes for _ in range(20)), constraints=("params <= 1000",))
    assert bounds(space)["params"][0] == 2266

    assert headline(space) == "none feasible; nearest exceeds params by 2.3×"


def test_the_nearest_that_walks_led_to_is_called_found(chain: Chain, sizes: list[Choice]) -> None:
    space = chain(*(sizes for _ in range(8)), constraints=("params <= 500", "depth >= 8"))
    assert bounds(space)["params"][0] == 922

    assert headline(space) == "none feasible; nearest found exceeds params by 1.8×"


@given(data=st.data())
def test_in_a_small_space_no_architecture_misses_by_less_than_the_nearest(
    spaces: st.SearchStrategy[Space], constrained: Constrained, data: st.DataObject
) -> None:
    free = data.draw(spaces)
    assume(raw_count(free) <= 40)
    figures = [costs(free, one) for one in enumerate_all(free)]
    params, flops = (min(figure[name] for figure in figures) / 2 for name in ("params", "flops"))
    least = min(figure["params"] / params + figure["flops"] / flops for figure in figures)

    said = headline(constrained(free, f"params <= {params}", f"flops <= {flops}"))

    match = re.fullmatch(r".*nearest exceeds params by ([\d.]+)× and exceeds flops by (.+)×", said)
    assert match is not None
    assert float(match[1]) + float(match[2]) == pytest.approx(least, rel=0.05)  # two digits
