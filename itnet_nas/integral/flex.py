"""FlexAttention, on CUDA: softmax attention that leaves out blocks of pairs which nobody sees.

It is part of torch, and has to be compiled, by triton and anew for every shape. On a CPU it has no
backward pass.

Source  arXiv 2412.05496
Shapes  B examples, H heads, N positions, E channels of a head, A axes
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, final

import torch

from itnet_nas.integral.accelerators import Accelerator, accelerator
from itnet_nas.integral.positions import coordinates

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# To compile takes seconds, and fewer positions than these are few pairs for a GPU.
_FROM = 1024


@final
class Suits(NamedTuple):
    """Whether it is used, and why, or why not."""

    yes: bool
    reason: str


def flex_accelerator(device: str) -> Accelerator:
    """The function of torch, where there is what compiles it."""
    compiler = accelerator("triton:jit", device, "triton, which compiles FlexAttention,")
    if compiler.function is None:
        return compiler
    path = "torch.nn.attention.flex_attention:flex_attention"
    return accelerator(path, device, "FlexAttention")


def flex_suits(length: int, window: int | None, size: int, device: str) -> Suits:
    """For a window over `length` positions, with heads of `size` channels."""
    found = flex_accelerator(device)
    if device != "cuda":
        return Suits(False, f"FlexAttention runs on CUDA alone, this is {device}")
    if found.function is None:
        return Suits(False, found.reason)
    if window is None:
        return Suits(False, "no window: there is no pair to leave out")
    if length < _FROM:
        return Suits(False, f"{length} positions are computed sooner than it is compiled")
    if size < 16 or size & (size - 1):
        return Suits(False, f"it needs heads of 16, 32, 64 or more channels, and these have {size}")
    return Suits(True, "blocks of pairs outside the window are left out, and no key is copied")


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function, dynamic=False)


def flex_window_attention(
    q_BHNE: Tensor,
    k_BHNE: Tensor,
    v_BHNE: Tensor,
    radius: int,
    causal: bool,
    mask_BN: Tensor | None,
    slope_H: Tensor | None,
    shape: tuple[int, ...],
    function: Callable[..., Any] | None = None,
) -> Tensor:
    """What `window_attention` computes, by `function`; left out, by the compiled one of torch."""
    from torch.nn.attention.flex_attention import create_block_mask

    if function is None:
        found = flex_accelerator(q_BHNE.device.type).function
        assert found is not None
        function = _compiled(found)
    batch, _, length, _ = q_BHNE.shape
    x_NA = coordinates(shape, q_BHNE.device)

    def distance(i: Tensor, j: Tensor) -> Tensor:
        return (x_NA[i] - x_NA[j]).abs().amax(-1)

    def sees(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        near = distance(i, j) <= radius
        if causal:
            near = near & (j <= i)
        # A query sees its own key even if neither is real: no row of the softmax may be empty.
        return near if mask_BN is None else (near & mask_BN[b, j]) | (i == j)

    def lowered(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return score if slope_H is None else score - slope_H[h] * distance(i, j)

    examples = None if mask_BN is None else batch
    pairs = create_block_mask(sees, examples, None, length, length, device=str(q_BHNE.device))
    y_BHNE: Tensor = function(q_BHNE, k_BHNE, v_BHNE, score_mod=lowered, block_mask=pairs)
    return y_BHNE
