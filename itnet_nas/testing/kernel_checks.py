"""The checks of a kernel family by capability, and which of them its declarations need.

Some are needed always, at one site at least for each case. The rest are needed where something is
declared or possible: content by a bias that has some, a state by a bias that has one, causality
where a causal site is accepted, decoding where the family states what a step costs, moves where it
offers any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from itnet_nas.axes import Content, State
from itnet_nas.testing import content, forms, kept, measured, numeric, sharing, stated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itnet_nas.kernels import KernelFamily, KernelParams
    from itnet_nas.testing.bench import Bench

    Needed = Callable[["KernelFamily[Any]", "KernelParams", Sequence[Bench]], bool]


def _always(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    del family, params, where
    return True


def _never(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    """It runs where it finds something, and nothing is declared that would have to be there."""
    del family, params, where
    return False


def _content(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    del where
    return family.bias(params).content is not Content.NONE


def _state(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    del where
    return family.bias(params).state is not State.NONE


def _causal(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    del family, params
    return any(bench.site.causal for bench in where)


def _points(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    del family, params
    return any(bench.site.domain.kind == "points" for bench in where)


def _steps(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    costs = (family.cost(bench.site, params).decode_flops for bench in where)
    return _state(family, params, where) or any(flops is not None for flops in costs)


def _ways(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    return any(family.evaluations(bench.site, params) for bench in where)


def _moves(family: KernelFamily[Any], params: KernelParams, where: Sequence[Bench]) -> bool:
    return any(family.morphisms(bench.site, params) for bench in where)


class Promise(NamedTuple):
    """A check, what it belongs to, and whether a case needs it; `where` are the accepted sites."""

    capability: str
    check: Callable[[Bench], None]
    needed: Needed = _always


FAMILY_CHECKS: tuple[Callable[[KernelFamily[Any]], None], ...] = (
    stated.it_says_what_it_is,
    stated.every_param_has_values,
)
PROMISES: tuple[Promise, ...] = (
    Promise("statements", stated.the_bias_is_whole),
    Promise("statements", stated.normal_params_stay),
    Promise("statements", stated.arguments_are_plain, _never),
    Promise("cost", stated.the_cost_is_the_operators),
    Promise("cost", stated.every_cost_is_stated),
    Promise("cost", stated.no_operation_is_left_out),
    Promise("evaluations", stated.evaluations_have_reasons, _ways),
    Promise("values", numeric.forward_is_the_reference),
    Promise("values", numeric.gradients_are_the_reference),
    Promise("values", forms.forward_is_the_dense_kernel),
    Promise("values", numeric.every_parameter_counts, _never),
    Promise("padding", numeric.a_masked_position_does_not_exist),
    Promise("padding", numeric.a_masked_position_teaches_nothing),
    Promise("padding", forms.packed_examples_do_not_meet, _never),
    Promise("batches", numeric.examples_do_not_meet),
    Promise("precision", numeric.float32_stays_float32),
    Promise("precision", forms.bfloat16_is_close),
    Promise("determinism", kept.a_seed_gives_the_same_operator),
    Promise("determinism", kept.forward_leaves_things_alone),
    Promise("copies", kept.copies_compute_the_same),
    Promise("export", forms.it_can_be_exported),
    Promise("support", measured.support_is_as_declared),
    Promise("causality", measured.the_future_stays_hidden, _causal),
    Promise("sharing", sharing.sharing_is_as_declared),
    Promise("sharing", measured.a_set_has_no_order, _points),
    Promise("content", content.content_is_as_declared),
    Promise("content", content.content_enters_as_declared, _content),
    Promise("state", measured.a_state_keeps_its_size, _state),
    Promise("decoding", numeric.step_is_forward, _steps),
    Promise("moves", forms.morphisms_keep_the_function, _moves),
)
CASE_CHECKS: tuple[Callable[[Bench], None], ...] = tuple(promise.check for promise in PROMISES)
