"""Mathematics that several kernel families share. Public: covered by the compatibility promise.

    masks       what "a position is not real" means to a tensor
    positions   coordinates, distances, ALiBi, rotary turns
    attending   softmax attention by the fused kernel that suits what is seen
    windows     softmax attention inside a window, without a number for every pair
    flex        softmax attention by FlexAttention, on CUDA
    neighbours  which points stand near a point
    bands       sums over a window, with weights that differ from position to position
    precision   places where autocast must not round
    chunks      sums over the past whose pairs fade, in chunks with a state
    linear_sums sums whose weights are products and fade at fixed rates
    scans       memories that fade at rates of their own at every position
    recurrences memories that run forward, or both ways, past masked positions
    convolution windows slid along a sequence or over a grid, directly or by FFT
    fft         convolutions with many taps by FFT, without wrap-around
    low_rank    kernels through which positions meet in a few numbers
    delta       the gated delta rule: a memory in which new values replace old ones
    dense       the factors K, V, O in which every family can be written
    packing     several examples in one row, kept apart
    features    a small network of two positions, as factors of one and of the other
    measures    soft windows, and kernels centred and normalised under them
    pairwise    sums over pairs of positions, weighed by such a network
    tiled       the same in tiles, in memory that does not grow with the number of pairs
    general     the general kernel, of all these
    monte_carlo means over many positions, from a few drawn by importance
    evaluation  the ways to compute an operator, each taken or refused with a reason
    accelerators  kernels of other packages, where they are installed

Torch alone is imported here, so that an exported network can carry these functions along.
"""

from __future__ import annotations

from itnet_nas.integral.accelerators import Accelerator, accelerator
from itnet_nas.integral.attending import (
    AttentionWork,
    Sight,
    attend,
    attention_evaluations,
    attention_loudness,
    attention_work,
    softmax_over,
)
from itnet_nas.integral.bands import window_offsets, window_pairs, window_real, window_sum
from itnet_nas.integral.chunks import (
    FadingWork,
    chunk_sizes,
    fading_sum,
    fading_sum_evaluations,
    fading_sum_work,
)
from itnet_nas.integral.convolution import (
    DepthwiseWork,
    dense_convolution,
    depthwise_convolution,
    depthwise_evaluations,
    depthwise_kernel,
    depthwise_work,
    spread_taps,
    tap_pairs,
    taps_inside,
)
from itnet_nas.integral.delta import (
    delta_chunk,
    delta_evaluations,
    delta_flops,
    delta_rule,
    delta_step,
    unit,
)
from itnet_nas.integral.dense import DenseKernel, apply_dense, one_head_per_channel, with_one
from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.features import (
    PairFactors,
    PairMlp,
    twice_hidden,
    twice_products,
)
from itnet_nas.integral.fft import fft_convolution, fft_flops, fft_length, long_convolution
from itnet_nas.integral.flex import flex_accelerator, flex_suits, flex_window_attention
from itnet_nas.integral.general import GeneralKernel, GeneralWork, general_work
from itnet_nas.integral.linear_sums import (
    fading_norms,
    linear_sum,
    linear_sum_evaluations,
    linear_sum_work,
)
from itnet_nas.integral.low_rank import (
    FeatureMap,
    low_rank_evaluations,
    low_rank_mix,
    low_rank_work,
)
from itnet_nas.integral.masks import real_positions, zero_masked
from itnet_nas.integral.measures import CentredMeasure, DomainWindow, PairWindow
from itnet_nas.integral.monte_carlo import draw, monte_carlo_mean
from itnet_nas.integral.neighbours import at_neighbours, centred, near_matrix, nearest
from itnet_nas.integral.packing import Packing, pack, packing, unpack
from itnet_nas.integral.pairwise import (
    PairSizes,
    PairWork,
    dense_sums,
    gathered_sums,
    gathered_work,
    pair_kernel,
    pair_work,
)
from itnet_nas.integral.positions import (
    alibi_bias,
    alibi_slopes,
    coordinates,
    distances,
    domain_shape,
    over_both,
    rotary_angles,
    rotate,
)
from itnet_nas.integral.precision import as_given, at_least_float32
from itnet_nas.integral.recurrences import both_ways, kept_products, tanh_slope, torch_loop
from itnet_nas.integral.scans import (
    linear_scan,
    scan_chunks,
    selective_scan,
    selective_scan_evaluations,
)
from itnet_nas.integral.tiled import drawn_sums, pair_evaluations, pair_sums, tiled_sums
from itnet_nas.integral.windows import Blocks, band_pairs, window_attention, window_blocks

__all__ = [
    "Accelerator",
    "AttentionWork",
    "Blocks",
    "CentredMeasure",
    "DenseKernel",
    "DepthwiseWork",
    "DomainWindow",
    "Evaluation",
    "FadingWork",
    "FeatureMap",
    "GeneralKernel",
    "GeneralWork",
    "Packing",
    "PairFactors",
    "PairMlp",
    "PairSizes",
    "PairWindow",
    "PairWork",
    "Sight",
    "accelerator",
    "alibi_bias",
    "alibi_slopes",
    "apply_dense",
    "as_given",
    "at_least_float32",
    "at_neighbours",
    "attend",
    "attention_evaluations",
    "attention_loudness",
    "attention_work",
    "band_pairs",
    "both_ways",
    "centred",
    "chunk_sizes",
    "coordinates",
    "delta_chunk",
    "delta_evaluations",
    "delta_flops",
    "delta_rule",
    "delta_step",
    "dense_convolution",
    "dense_sums",
    "depthwise_convolution",
    "depthwise_evaluations",
    "depthwise_kernel",
    "depthwise_work",
    "distances",
    "domain_shape",
    "draw",
    "drawn_sums",
    "fading_norms",
    "fading_sum",
    "fading_sum_evaluations",
    "fading_sum_work",
    "fft_convolution",
    "fft_flops",
    "fft_length",
    "flex_accelerator",
    "flex_suits",
    "flex_window_attention",
    "gathered_sums",
    "gathered_work",
    "general_work",
    "kept_products",
    "linear_scan",
    "linear_sum",
    "linear_sum_evaluations",
    "linear_sum_work",
    "long_convolution",
    "low_rank_evaluations",
    "low_rank_mix",
    "low_rank_work",
    "monte_carlo_mean",
    "near_matrix",
    "nearest",
    "one_head_per_channel",
    "over_both",
    "pack",
    "packing",
    "pair_evaluations",
    "pair_kernel",
    "pair_sums",
    "pair_work",
    "real_positions",
    "rotary_angles",
    "rotate",
    "scan_chunks",
    "selective_scan",
    "selective_scan_evaluations",
    "softmax_over",
    "spread_taps",
    "taken",
    "tanh_slope",
    "tap_pairs",
    "taps_inside",
    "tiled_sums",
    "torch_loop",
    "twice_hidden",
    "twice_products",
    "unit",
    "unpack",
    "window_attention",
    "window_blocks",
    "window_offsets",
    "window_pairs",
    "window_real",
    "window_sum",
    "with_one",
    "zero_masked",
]
