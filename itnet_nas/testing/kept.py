"""Checks of what stays as it is: input, generator, and an operator that is copied or saved."""

from __future__ import annotations

import copy
import io
import pickle
from typing import TYPE_CHECKING

import torch

from itnet_nas.testing.bench import ContractBroken, demand
from itnet_nas.testing.measured import tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.kernels import Operator
    from itnet_nas.testing.bench import Bench


def a_seed_gives_the_same_operator(bench: Bench) -> None:
    """The same seed the same weights, the same weights the same output, and no dice are thrown."""
    u_BND = bench.field()
    first, second = bench.place(bench.build(seed=5)), bench.place(bench.build(seed=5))
    with torch.no_grad():
        demand(torch.equal(first(u_BND), second(u_BND)), "one seed gave two different operators")
        demand(torch.equal(first(u_BND), first(u_BND)), "one operator gave two different outputs")


def forward_leaves_things_alone(bench: Bench) -> None:
    """Input, mask and places, weights and buffers, and the generator are as they were before.

    So are the input and the state that a step is given: they may be needed again.
    """
    op, u_BND, mask_BN, x_BNA = (
        bench.build(),
        bench.field(),
        bench.masks()["padding"],
        bench.places(),
    )
    given = {"the input": u_BND, "the mask": mask_BN}
    if x_BNA is not None:
        given["the places"] = x_BNA
    given |= dict(op.named_parameters()) | dict(op.named_buffers())
    before = {name: tensor.detach().clone() for name, tensor in given.items()}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        dice = torch.get_rng_state()
        op(u_BND, mask_BN, x_BNA)
        demand(torch.equal(torch.get_rng_state(), dice), "forward draws from the global generator")
    for name, tensor in given.items():
        demand(torch.equal(tensor, before[name]), f"forward changes {name} in place")
    if not op.decodes:
        return
    with torch.no_grad():
        _, state = op.step(u_BND[:, 0], op.start(len(u_BND)))
        u_BD, kept = u_BND[:, 1].clone(), [tensor.clone() for tensor in tensors(state)]
        op.step(u_BD, state)
    demand(torch.equal(u_BD, u_BND[:, 1]), "step changes the input in place")
    same = all(map(torch.equal, kept, tensors(state)))
    demand(same, "step changes the state that it is given in place")


def copies_compute_the_same(bench: Bench) -> None:
    """By pickle, by deepcopy, and by constructor arguments with weights that went through a file.

    The last one is how a network is exported: what was drawn at random has to be in the state dict.
    """
    op, u_BND = bench.build(), bench.field()
    ways: dict[str, Callable[[Operator], Operator]] = {
        "pickle": lambda op: pickle.loads(pickle.dumps(op)),
        "deepcopy": copy.deepcopy,
        "its constructor arguments and its saved weights": _rebuilt,
    }
    with torch.no_grad():
        y_BND = bench.place(op)(u_BND)
        for name, way in ways.items():
            try:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(9)
                    other = way(op)
            except Exception as error:
                why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
                raise ContractBroken(f"cannot be copied by {name}: {why}") from error
            same = torch.equal(bench.place(other)(u_BND), y_BND)
            demand(same, f"a copy by {name} computes otherwise")


def _rebuilt(op: Operator) -> Operator:
    """What an exported network does: the class, its arguments, and the state dict from a file."""
    args, kwargs = op.arguments
    built = type(op)(*args, **kwargs).double().eval()
    file = io.BytesIO()
    torch.save(op.state_dict(), file)
    file.seek(0)
    built.load_state_dict(torch.load(file, weights_only=True))
    return built
