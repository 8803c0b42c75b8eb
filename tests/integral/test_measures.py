import math

import pytest
import torch

from itnet_nas.integral.measures import CentredMeasure, DomainWindow, PairWindow
from itnet_nas.integral.positions import coordinates


def _window(
    *shape: int,
    widths: tuple[float, float] | None = None,
    causal: bool = False,
    radius: int | None = None,
) -> PairWindow:
    width_HAT = None
    if widths is not None:
        width_HAT = torch.tensor(widths, dtype=torch.float64).log().expand(1, len(shape), 2)
    return PairWindow(coordinates(shape).double(), shape, width_HAT, causal, radius)


def test_a_window_is_a_half_at_its_width_on_either_side() -> None:
    phi_HNN = _window(9, widths=(2.0, 3.0)).weights()

    assert float(phi_HNN[0, 5, 5]) == 1
    assert float(phi_HNN[0, 5, 3]) == pytest.approx(0.5)  # two back
    assert float(phi_HNN[0, 5, 8]) == pytest.approx(0.5)  # three ahead
    assert float(phi_HNN[0, 5, 1]) == pytest.approx(1 / 17)


def test_a_window_on_a_grid_is_the_product_of_both_axes() -> None:
    phi_HNN = _window(4, 5, widths=(1.0, 2.0)).weights()

    # From (2, 1) to (1, 3): one row back at a width of 1, two columns ahead at one of 2.
    assert float(phi_HNN[0, 2 * 5 + 1, 1 * 5 + 3]) == pytest.approx(0.25)


def test_what_is_narrower_than_the_narrowest_is_as_narrow_as_it() -> None:
    phi_HNN = _window(3, widths=(1e-9, 0.3)).weights()

    assert float(phi_HNN[0, 1, 0]) == pytest.approx(float(phi_HNN[0, 1, 2]))
    assert 0 < float(phi_HNN[0, 1, 0]) < 0.01


@pytest.mark.parametrize(
    ("causal", "radius", "wanted"),
    [
        (True, None, [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]),
        (False, 1, [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]),
        (True, 1, [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]),
    ],
)
def test_hard_edges_by_hand(causal: bool, radius: int | None, wanted: list[list[int]]) -> None:
    phi_HNN = _window(4, causal=causal, radius=radius).weights()

    assert phi_HNN[0].tolist() == wanted


def test_rows_and_columns_are_those_of_the_whole() -> None:
    window = _window(4, 5, widths=(1.0, 2.0), radius=2)

    part = window.weights(slice(3, 7), slice(5, 20))

    assert torch.equal(part, window.weights()[:, 3:7, 5:20])


@pytest.mark.parametrize(
    ("shape", "radius", "margin"), [((30,), 4, 4), ((6, 7), 2, 16), ((30,), None, None)]
)
def test_no_key_that_counts_lies_beyond_the_margin(
    shape: tuple[int, ...], radius: int | None, margin: int | None
) -> None:
    window = _window(*shape, radius=radius)

    assert window.margin == margin
    if margin is not None:
        n_N = torch.arange(math.prod(shape))
        beyond_NN = (n_N.unsqueeze(1) - n_N).abs() > margin
        assert not window.weights()[0][beyond_NN].any()


def test_widths_begin_between_twice_the_domain_and_a_neighbour() -> None:
    window = DomainWindow((32,), 3, soft=True, causal=False, radius=None)

    assert window.log_width_HAT is not None
    assert window.log_width_HAT[:, 0, 0].exp().tolist() == pytest.approx([64, 96**0.5, 1.5])
    assert window.log_width_HAT.shape == (3, 1, 2)


@pytest.mark.parametrize(("causal", "sides"), [(True, 1), (False, 2)])
def test_where_nothing_is_ahead_there_is_one_width(causal: bool, sides: int) -> None:
    window = DomainWindow((8,), 2, soft=True, causal=causal, radius=None)

    assert window.log_width_HAT is not None
    assert window.log_width_HAT.shape == (2, 1, sides)


def test_no_window_is_none_where_everything_counts_the_same() -> None:
    like = torch.zeros(1)

    assert DomainWindow((8,), 2, soft=False, causal=False, radius=None)(8, like) is None
    assert DomainWindow((8,), 2, soft=False, causal=True, radius=None)(8, like) is not None


def test_places_run_from_minus_one_to_one_and_stay_where_they_are() -> None:
    window = DomainWindow((5,), 1, soft=True, causal=True, radius=None)

    assert window.places(5, torch.zeros(1)).flatten().tolist() == [-1, -0.5, 0, 0.5, 1]
    assert window.places(2, torch.zeros(1)).flatten().tolist() == [-1, -0.5]


def test_one_position_has_a_place() -> None:
    window = DomainWindow((1,), 1, soft=True, causal=True, radius=None)

    assert window.places(1, torch.zeros(1)).tolist() == [[[-1.0]]]


def test_the_longer_axis_of_a_grid_is_the_measure_of_both() -> None:
    x_1NA = DomainWindow((2, 3), 1, True, False, None).places(6, torch.zeros(1))

    assert x_1NA[0].tolist() == [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 0], [0, 1]]


def _sums(phi: torch.Tensor, kappa: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    field = torch.cat([v, torch.ones_like(v[..., :1])], -1)
    return torch.stack([(phi * kappa) @ field, phi @ field])


def test_sums_and_pairs_give_the_same() -> None:
    torch.manual_seed(0)
    measure = CentredMeasure(2).double()
    for parameter in measure.parameters():
        parameter.data.uniform_()
    phi, kappa = torch.rand(3, 2, 6, 6).double() + 0.5, torch.randn(3, 2, 6, 6).double()
    v = torch.randn(3, 2, 6, 4).double()

    y_BHNE = measure(*_sums(phi, kappa, v))

    wanted = measure.by_pairs(phi, kappa) @ v
    torch.testing.assert_close(y_BHNE, wanted, rtol=0, atol=1e-13)


def test_a_fresh_measure_leaves_no_mean_over_positions() -> None:
    torch.manual_seed(0)
    kappa = 5 + torch.randn(1, 2, 6, 6).double()

    k_BHNN = CentredMeasure(2).double().by_pairs(torch.rand(1, 2, 6, 6).double(), kappa)

    assert float(k_BHNN.detach().sum(-1).abs().max()) < 1e-13


def test_a_covariance_by_hand() -> None:
    """κ = v: the variance of 1, 2, 6 is 14 / 3, and √3 times it as loud as independent values."""
    v = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64).reshape(1, 1, 3, 1)
    kappa = v.mT.expand(1, 1, 3, 3)

    y_BHNE = CentredMeasure(1).double()(*_sums(torch.ones_like(kappa), kappa, v))

    assert y_BHNE.flatten().tolist() == pytest.approx([3**0.5 * 14 / 3] * 3)


def test_nothing_that_counts_gives_zero() -> None:
    sums = torch.zeros(2, 1, 1, 4, 3, dtype=torch.float64)

    assert not CentredMeasure(1).double()(*sums).any()
