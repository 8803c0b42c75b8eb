from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from itnet_nas.integral.evaluation import taken
from itnet_nas.integral.features import PairMlp
from itnet_nas.integral.measures import PairWindow
from itnet_nas.integral.pairwise import dense_sums
from itnet_nas.integral.positions import coordinates
from itnet_nas.integral.tiled import drawn_sums, pair_evaluations, pair_sums, tiled_sums


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def _window(shape: tuple[int, ...], soft: bool, causal: bool, radius: int | None) -> PairWindow:
    widths_HAT = None
    if soft:
        sides = 1 if causal else 2
        widths_HAT = torch.rand(2, len(shape), sides).double().requires_grad_()
    return PairWindow(coordinates(shape).double(), shape, widths_HAT, causal, radius)


WINDOWS = {
    "none": lambda: None,
    "soft": lambda: _window((20,), True, False, None),
    "causal": lambda: _window((20,), False, True, None),
    "soft causal": lambda: _window((20,), True, True, None),
    "radius": lambda: _window((20,), False, False, 3),
    "soft causal radius": lambda: _window((20,), True, True, 2),
    "soft grid": lambda: _window((4, 5), True, False, None),
    "grid radius": lambda: _window((4, 5), True, False, 1),
}
# What κ reads: (content, products, axes).
READS = {"both": (True, 3, 2), "content alone": (True, 0, 0), "places alone": (False, 0, 2)}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("reads", READS)
@pytest.mark.parametrize("tile", [30, 240, 4000])
def test_tiles_give_what_all_pairs_give(window: str, reads: str, tile: int) -> None:
    over = WINDOWS[window]()
    mlp = PairMlp(6, 2, 4, *READS[reads]).double()
    u_BND = torch.randn(3, 20, 6).double().requires_grad_()
    x_XNA = torch.randn(1 if reads == "places alone" else 3, 20, 2).double()
    field_BHSE = torch.randn(3, 2, 20, 5).double().requires_grad_()
    factors = mlp(u_BND, x_XNA)

    tiled = tiled_sums(factors, field_BHSE, over, tile)

    dense = dense_sums(factors, field_BHSE, None if over is None else over.weights())
    torch.testing.assert_close(tiled, dense, rtol=0, atol=1e-12)
    leaves = [field_BHSE, *mlp.parameters()]
    leaves += [u_BND] if reads != "places alone" else []
    leaves += [] if over is None or over.log_width_HAT is None else [over.log_width_HAT]
    ways = [torch.randn_like(part) for part in dense]
    gradients = [
        torch.autograd.grad(
            sum(((z * way).sum() for z, way in zip(pair, ways, strict=True)), torch.zeros(())),
            leaves,
            retain_graph=True,
        )
        for pair in (tiled, dense)
    ]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-11)


def test_gradients_are_those_of_finite_differences() -> None:
    window = _window((6,), True, False, None)
    assert window.log_width_HAT is not None
    mlp = PairMlp(3, 2, 3, True, 2, 1).double()
    factors = [part.detach().requires_grad_() for part in mlp(*_given(6))]
    field_BHSE = torch.randn(2, 2, 6, 3).double().requires_grad_()

    def sums(*given: Tensor) -> tuple[Tensor, Tensor]:
        *parts, field, widths_HAT = given
        over = window._replace(log_width_HAT=widths_HAT)
        return tiled_sums(type(mlp(*_given(6)))(*parts), field, over, tile=20)

    given = (*factors, field_BHSE, window.log_width_HAT)
    assert torch.autograd.gradcheck(sums, given)


def _given(length: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    u_BND = torch.randn(2, length, 3, generator=generator, dtype=torch.float64)
    return u_BND, torch.randn(2, length, 1, generator=generator, dtype=torch.float64)


def test_other_keys_than_queries_are_summed_over() -> None:
    mlp = PairMlp(3, 2, 4, True, 2, 1).double()
    factors = mlp(*_given(9)).at_keys(torch.tensor([[1, 1, 7], [0, 4, 8]]))
    field_BHSE = torch.randn(2, 2, 3, 5).double()

    tiled = tiled_sums(factors, field_BHSE, tile=8)

    torch.testing.assert_close(tiled, dense_sums(factors, field_BHSE), rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", ["none", "soft causal"])
def test_second_derivatives_are_those_of_all_pairs(window: str) -> None:
    over = WINDOWS[window]()
    mlp = PairMlp(3, 2, 4, True, 2, 1).double()
    u_BND, x_BNA = (part.requires_grad_() for part in _given(20))
    field_BHSE = torch.randn(2, 2, 20, 3).double()
    factors = mlp(u_BND, x_BNA)
    found = []
    for z, z0 in (
        tiled_sums(factors, field_BHSE, over, tile=100),
        dense_sums(factors, field_BHSE, None if over is None else over.weights()),
    ):
        (first,) = torch.autograd.grad(z.sum() + z0.sum(), u_BND, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), [u_BND, x_BNA], retain_graph=True))

    torch.testing.assert_close(*found, rtol=0, atol=1e-10)


class _Largest(TorchDispatchMode):
    """Numbers of the largest tensor that an operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor):
            self.numbers = max(self.numbers, out.untyped_storage().nbytes() // out.element_size())
        return out


@pytest.mark.parametrize("length", [256, 512])
def test_neither_pass_makes_more_than_a_tile_at_a_time(length: int) -> None:
    window = PairWindow(coordinates((length,)).float(), (length,), torch.zeros(2, 1, 2), False)
    mlp = PairMlp(8, 2, 8, True, 2, 1)
    factors = mlp(torch.randn(1, length, 8), torch.randn(1, length, 1))
    field_BHSE = torch.randn(1, 2, length, 5, requires_grad=True)

    with _Largest() as largest:
        z, z0 = tiled_sums(factors, field_BHSE, window, tile=1 << 15)
        (z.sum() + z0.sum()).backward()  # type: ignore[no-untyped-call]

    assert largest.numbers <= 1 << 15 < 8 * length**2


def test_what_is_kept_for_the_backward_pass_grows_with_positions_not_with_pairs() -> None:
    def kept(length: int) -> int:
        numbers = []

        def keep(tensor: Tensor) -> Tensor:
            numbers.append(tensor.numel())
            return tensor

        mlp = PairMlp(8, 2, 8, True, 2, 1)
        factors = mlp(torch.randn(1, length, 8), torch.randn(1, length, 1))
        field_BHSE = torch.randn(1, 2, length, 5, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            tiled_sums(factors, field_BHSE)
        return sum(numbers)

    assert kept(400) < 2.1 * kept(200)


@pytest.mark.parametrize(
    ("queries", "hidden", "device", "way", "reason"),
    [
        (64, 16, "cpu", "dense", "65,536 hidden numbers, not more than the 65,536 up to which all "
         "at once is faster on a CPU, as measured"),
        (65, 16, "cpu", "tiled", "67,600 hidden numbers, more than the 65,536 up to which all at "
         "once is faster on a CPU, as measured"),
        (65, 16, "cuda", "dense", "67,600 hidden numbers, not more than the 4,194,304 up to which "
         "cuda forms all at once, not measured"),
    ],
)  # fmt: skip
def test_all_at_once_or_in_tiles_for_a_reason(
    queries: int, hidden: int, device: str, way: str, reason: str
) -> None:
    ways = pair_evaluations(queries, queries, hidden, device)

    assert taken(ways) == way
    assert {one.reason for one in ways} == {reason}


@pytest.mark.parametrize(("length", "name"), [(10, "DivBackward0"), (200, "TiledSums")])
def test_what_is_taken_is_what_is_computed(length: int, name: str) -> None:
    mlp = PairMlp(3, 1, 4, True, 0, 1).double()

    z, _ = pair_sums(mlp(*_given(length)), torch.randn(2, 1, length, 2).double())

    node = z.grad_fn
    assert node is not None
    names = {type(node).__name__, *(type(up).__name__ for up, _ in node.next_functions)}
    assert any("TiledSums" in one for one in names) == (name == "TiledSums")


def _cloud(length: int) -> tuple[PairMlp, Tensor, Tensor, Tensor]:
    mlp = PairMlp(3, 2, 4, True, 2, 1).double()
    mask_BN = torch.arange(length) < torch.tensor([[length], [length - 7]])
    field_BHNE = torch.randn(2, 2, length, 3).double()
    field_BHNE[..., -1] = 1
    return mlp, *_given(length), field_BHNE * mask_BN[:, None, :, None]


def test_what_is_drawn_is_unbiased() -> None:
    """1,000 seeds: the mean lies within 5 standard errors everywhere, and within 1.1 on average."""
    mlp, u_BND, x_BNA, field_BHNE = _cloud(24)
    mask_BN = field_BHNE[:, 0, :, -1] > 0
    factors = mlp(u_BND, x_BNA)
    exact = dense_sums(factors, field_BHNE)[0].detach()
    draws = []
    with torch.no_grad():
        for seed in range(1000):
            torch.manual_seed(seed)
            draws.append(drawn_sums(factors, field_BHNE, 6, mask_BN)[0])

    all_XBHNE = torch.stack(draws)
    errors = (all_XBHNE.mean(0) - exact) / (all_XBHNE.std(0) / 1000**0.5)
    assert float(errors.abs().max()) < 5
    assert float(errors.square().mean().sqrt()) < 1.1


def test_what_is_drawn_leaves_the_other_sum_exact() -> None:
    mlp, u_BND, x_BNA, field_BHNE = _cloud(24)
    factors = mlp(u_BND, x_BNA)

    _, z0_BH1E = drawn_sums(factors, field_BHNE, 3)

    torch.testing.assert_close(z0_BH1E, dense_sums(factors, field_BHNE)[1])


def test_the_error_of_what_is_drawn_falls_as_the_square_root() -> None:
    mlp, u_BND, x_BNA, field_BHNE = _cloud(100)
    factors = mlp(u_BND, x_BNA)
    exact = dense_sums(factors, field_BHNE)[0].detach()

    def error(samples: int) -> float:
        with torch.no_grad():
            draws = [drawn_sums(factors, field_BHNE, samples)[0] for _ in range(60)]
        return float((torch.stack(draws) - exact).square().mean().sqrt())

    slope = torch.log2(torch.tensor(error(256) / error(16))) / 4
    assert float(slope) == pytest.approx(-0.5, abs=0.1)
