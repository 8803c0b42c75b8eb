from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from itnet_nas.tasks import Categorical, Domain, Encoder, Head, Input, Real, Target
from itnet_nas.tasks.facts import Metric, Recipe, TaskFacts
from itnet_nas.tasks.task import Task, TaskParams

WHERE = ("per_position", "pooled", "last")
inputs = st.lists(
    st.one_of(
        st.builds(Categorical, classes=st.integers(1, 9)),
        st.builds(Real, channels=st.integers(1, 5)),
    ),
    min_size=1,
    max_size=3,
)
targets = st.builds(
    Target,
    where=st.sampled_from(WHERE),
    kind=st.sampled_from(("classes", "reals")),
    size=st.integers(1, 7),
)


class Stated(Task[TaskParams]):
    """A task that has facts alone, to ask what its coding costs."""

    summary = "facts alone"

    def __init__(self, items: list[Input], target: Target, length: int) -> None:
        super().__init__(TaskParams())
        self._stated = TaskFacts(
            domain=Domain(kind="sequence", shape=(length,)),
            inputs=tuple(items),
            target=target,
            metrics=(Metric(name="error", direction="min"),),
            recipe=Recipe(steps=1, batch_size=1, lr=1e-3),
            licence="none",
            source="none",
            data="none",
        )

    def facts(self) -> TaskFacts:
        return self._stated

    def train_batch(self, step, batch_size, seed):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def eval_batches(self, split, batch_size):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def loss(self, out, batch):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def score(self, out, batch):  # type: ignore[no-untyped-def]
        raise NotImplementedError


def one_example(items: list[Input], length: int, device: str = "cpu") -> list[torch.Tensor]:
    return [
        torch.zeros(1, length, dtype=torch.int64, device=device)
        if isinstance(item, Categorical)
        else torch.zeros(1, length, item.channels, device=device)
        for item in items
    ]


@settings(max_examples=25, deadline=None)
@given(inputs, targets, st.integers(1, 6), st.integers(1, 9))
def test_the_stated_parameters_are_the_real_ones(
    items: list[Input], target: Target, length: int, width: int
) -> None:
    task = Stated(items, target, length)
    real = sum(
        parameter.numel()
        for module in (task.encoder(width), task.head(width))
        for parameter in module.parameters()
    )

    assert task.coding_cost(width).params == real


@settings(max_examples=25, deadline=None)
@given(inputs, targets, st.integers(1, 6), st.integers(1, 9))
def test_the_stated_flops_are_those_that_torch_counts(
    items: list[Input], target: Target, length: int, width: int
) -> None:
    task = Stated(items, target, length)
    encoder, head = task.encoder(width).to("meta"), task.head(width).to("meta")

    with FlopCounterMode(display=False) as counter:
        head(encoder(*one_example(items, length, "meta")))

    assert task.coding_cost(width).flops == counter.get_total_flops()


def test_coding_carries_no_state() -> None:
    target = Target(where="last", kind="reals", size=1)

    assert Stated([Real(channels=2)], target, 4).coding_cost(8).state_bytes == 0


def test_several_inputs_are_summed() -> None:
    encoder = Encoder([Categorical(classes=5), Real(channels=2)], 4)
    token_BN, x_BNC = torch.tensor([[3, 0, 4]]), torch.randn(1, 3, 2)
    embedding, linear = encoder.parts

    torch.testing.assert_close(encoder(token_BN, x_BNC), embedding(token_BN) + linear(x_BNC))


def test_the_encoder_knows_no_positions() -> None:
    encoder = Encoder([Categorical(classes=5)], 4)

    out_BND = encoder(torch.tensor([[2, 2, 2]]))

    assert torch.equal(out_BND[:, 0], out_BND[:, 2])


def test_a_missing_input_is_an_error() -> None:
    encoder = Encoder([Categorical(classes=5), Real(channels=2)], 4)

    with pytest.raises(ValueError, match="zip"):
        encoder(torch.tensor([[3, 0, 4]]))


@pytest.mark.parametrize(("where", "shape"), [(WHERE[0], (2, 5, 3)), (WHERE[1], (2, 3))])
def test_a_head_gives_the_shape_of_its_target(where: str, shape: tuple[int, ...]) -> None:
    head = Head(Target(where=where, kind="classes", size=3), 4)

    assert head(torch.randn(2, 5, 4)).shape == shape


@pytest.mark.parametrize("where", WHERE)
def test_a_mask_of_real_positions_alone_changes_nothing(where: str) -> None:
    head = Head(Target(where=where, kind="classes", size=3), 4)
    u_BND = torch.randn(2, 5, 4)

    torch.testing.assert_close(head(u_BND, torch.ones(2, 5, dtype=torch.bool)), head(u_BND))


@pytest.mark.parametrize("where", ["pooled", "last"])
def test_masked_positions_at_the_end_are_not_read(where: str) -> None:
    head = Head(Target(where=where, kind="classes", size=3), 4)
    u_BND = torch.randn(2, 5, 4)
    mask_BN = torch.tensor([[True, True, True, False, False], [True] * 5])

    found = head(u_BND, mask_BN)

    torch.testing.assert_close(found[:1], head(u_BND[:1, :3]))
    torch.testing.assert_close(found[1:], head(u_BND[1:]))


def test_the_last_position_is_the_last_real_one_when_padding_stands_before() -> None:
    head = Head(Target(where="last", kind="classes", size=3), 4)
    u_BND = torch.randn(1, 4, 4)

    found = head(u_BND, torch.tensor([[False, False, True, False]]))

    torch.testing.assert_close(found, head.linear(u_BND[:, 2]))


def test_an_example_without_a_real_position_gives_finite_numbers() -> None:
    head = Head(Target(where="pooled", kind="classes", size=3), 4)

    assert head(torch.randn(1, 4, 4), torch.zeros(1, 4, dtype=torch.bool)).isfinite().all()
