"""Checks of what a family states without computing: params, values, costs, its two texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from pydantic import ValidationError
from torch.utils.flop_counter import FlopCounterMode

from itnet_nas.axes import Bias, Content, State, Support
from itnet_nas.testing.bench import demand, nothing_here
from itnet_nas.testing.measured import state_bytes

if TYPE_CHECKING:
    from itnet_nas.kernels import KernelFamily, Operator
    from itnet_nas.testing.bench import Bench


def the_cost_is_the_operators(bench: Bench) -> None:
    """Parameters to the last one, bytes of state, and FLOPs that are not nothing."""
    op = bench.build(dtype=torch.float32)
    cost = bench.family.cost(bench.site, bench.params)
    counted = sum(p.numel() for p in op.parameters() if p.requires_grad)
    demand(cost.params == counted, f"states {cost.params} parameters, the operator has {counted}")
    mixes = bench.family.bias(bench.params).support is not Support.POINT
    demand(cost.flops > 0 or not mixes, "mixes positions, but states 0 FLOPs")
    if not op.decodes:
        demand(cost.state_bytes is None, "states bytes of a state, but does not decode")
        return
    u_BND = bench.field(batch=1, dtype=torch.float32)
    state = op.start(1)
    with torch.no_grad():
        for u_BD in u_BND.unbind(1):
            _, state = op.step(u_BD, state)
    carried = state_bytes(state)
    demand(cost.state_bytes == carried,
           f"states {cost.state_bytes} bytes of state, the last step left {carried}")  # fmt: skip


def no_operation_is_left_out(bench: Bench) -> None:
    """FLOPs are at least what torch counts of products and convolutions, and grow with the domain.

    torch's counter is blind to FFTs, scans and fused kernels, so that it can only be a lower bound;
    a quarter of it, since blocks multiply zeros too, and on a short domain many of them.
    """
    family, site, params = bench.family, bench.site, bench.params
    op, u_BND = bench.build(dtype=torch.float32), bench.field(batch=1, dtype=torch.float32)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        bench.place(op, batch=1)(u_BND)
    stated, counted = family.cost(site, params).flops, int(counter.get_total_flops())
    demand(4 * stated >= counted,
           f"states {stated} FLOPs, torch counts {counted} in products alone")  # fmt: skip
    long = bench.at_length(4 * site.length)
    more = family.cost(long.site, params).flops
    demand(long == bench or stated == 0 or more > stated,
           f"states {more} FLOPs at {long.site.length} positions, and {stated} at "
           f"{site.length}")  # fmt: skip


def every_cost_is_stated(bench: Bench) -> None:
    """No figure is left out, and those that can be measured are near what is stated.

    The bytes kept for the backward pass are counted on the operator, and have to be within a factor
    of 2; training takes more than a forward pass, and moving bytes takes at least input, output and
    weights.
    """
    op = bench.build(dtype=torch.float32)
    site, cost = bench.site, bench.family.cost(bench.site, bench.params)
    wanted = {"train_flops", "traffic_bytes", "activation_bytes"}
    wanted |= {"state_bytes", "decode_flops"} if op.decodes else set()
    left_out = sorted(name for name in wanted if getattr(cost, name) is None)
    demand(not left_out, f"states no {' and no '.join(left_out)}")
    demand(op.decodes or cost.decode_flops is None, "states operations of a step, but has none")
    trains = cost.train_flops or 0
    demand(trains >= 2 * cost.flops,
           f"states {trains} FLOPs of training, less than twice the {cost.flops} of a forward "
           f"pass")  # fmt: skip
    least = 4 * (2 * site.length * site.width + cost.params)
    traffic = cost.traffic_bytes or 0
    demand(traffic >= least,
           f"states {traffic} bytes moved, but input, output and weights are {least}")  # fmt: skip
    if op.decodes and cost.flops:
        demand(bool(cost.decode_flops), "states 0 FLOPs of a step")
    kept, stated = _bytes_kept(bench, op), cost.activation_bytes or 0
    demand(
        stated / 2 <= kept <= 2 * stated,
        f"states {stated} bytes kept for the backward pass, the operator keeps {kept}",
    )


def _bytes_kept(bench: Bench, op: Operator) -> int:
    """Of one example in training, counted once for each tensor that autograd holds on to."""
    u_BND = bench.field(batch=1, dtype=torch.float32).requires_grad_()
    weights = {p.untyped_storage().data_ptr() for p in op.parameters()}
    kept: dict[int, int] = {}
    alive = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)  # a freed one would lend its address to the next
        return tensor

    op.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        bench.place(op, batch=1)(u_BND)
    return sum(kept.values())


def evaluations_have_reasons(bench: Bench) -> None:
    """Where there are several ways to compute, one is taken on each device, all say why."""
    family, params = bench.family, bench.params
    known = any(family.evaluations(bench.site, params, device) for device in ("cpu", "cuda"))
    nothing_here(not known, "there is one way to compute it")
    for device in ("cpu", "cuda"):
        ways = family.evaluations(bench.site, params, device)
        names = [way.name for way in ways]
        demand(len(set(names)) == len(names), f"an evaluation is listed twice: {names}")
        chosen = [way.name for way in ways if way.taken]
        demand(not ways or len(chosen) == 1, f"on {device} the evaluations {chosen} are taken")
        for way in ways:
            demand(bool(way.reason.strip()), f'the evaluation "{way.name}" has no reason')


def the_bias_is_whole(bench: Bench) -> None:
    """Radius and dilation with a window, a size with a state, an entry with content; no others."""
    bias = bench.family.bias(bench.params)
    demand(isinstance(bias, Bias), f"bias returned {type(bias).__name__}")
    demand((bias.radius is not None) == (bias.support is Support.WINDOW),
           f"{bias.support} support with radius {bias.radius}")  # fmt: skip
    demand(bias.dilation == 1 or bias.support is Support.WINDOW,
           f"{bias.support} support with dilation {bias.dilation}")  # fmt: skip
    demand((bias.state_size is not None) == (bias.state is not State.NONE),
           f"state {bias.state} with state_size {bias.state_size}")  # fmt: skip
    demand(bool(bias.entry) == (bias.content is not Content.NONE),
           f"content {bias.content} with entry {bias.entry}")  # fmt: skip
    demand(bias == bench.family.bias(bench.params), "bias is not the same when asked again")


def normal_params_stay(bench: Bench) -> None:
    """`normalize` gives params that stand at the site, are normal themselves, and cost no more."""
    family, site = bench.family, bench.site
    normal = family.normalize(site, bench.params)
    demand(type(normal) is family.Params, f"normalize returned {type(normal).__name__}")
    demand(type(normal)(**normal.model_dump()) == normal, f"normalize left the bounds: {normal!r}")
    refused = family.refuses(site, normal)
    demand(not refused, f"normalize made params that are refused: {refused}")
    again = family.normalize(site, normal)
    demand(again == normal, f"normalize of {normal!r} is {again!r}")
    before, after = family.cost(site, bench.params), family.cost(site, normal)
    demand(after.flops <= before.flops, "normal params cost more")


def arguments_are_plain(bench: Bench) -> None:
    """An exported network is written with them: numbers, texts, None, and tuples of those."""
    args, kwargs = bench.build().arguments
    values = (*args, *kwargs.values())
    nothing_here(not values, "the constructor takes no arguments")
    for value in values:
        demand(_plain(value), f"a constructor argument is {value!r}, a {type(value).__name__}")


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def every_param_has_values(family: KernelFamily[Any]) -> None:
    """Each field of Params states values to try, each of them legal, none given twice."""
    values = family.Params.default_values()
    nothing_here(not values, "there are no params")
    first = {name: domain[0] for name, domain in values.items()}
    for name, domain in values.items():
        shown = [repr(value) for value in domain]
        demand(len(set(shown)) == len(shown), f"{name} states a value twice: {', '.join(shown)}")
        for value in domain:
            try:
                params = family.Params(**{**first, name: value})
            except ValidationError as error:
                demand(False, f"{name} states the value {value!r}, but: {error.errors()[0]['msg']}")
            else:
                kept = getattr(params, name)
                demand(repr(kept) == repr(value), f"{name} = {value!r} becomes {kept!r}")


def it_says_what_it_is(family: KernelFamily[Any]) -> None:
    """`summary` and `source` are single lines with something in them."""
    for name in ("summary", "source"):
        text = getattr(family, name, "")
        demand(bool(text.strip()) and "\n" not in text, f"{name} is not one line of text: {text!r}")
