"""Mathematics that several kernel families share. Public: covered by the compatibility promise.

    masks       what "a position is not real" means to a tensor
    positions   coordinates, distances, ALiBi, rotary turns
    windows     softmax attention inside a window, in memory O(N·r)
    fft         long convolutions by FFT, without wrap-around

Torch alone is imported here, so that an exported network can carry these functions along.
"""

from __future__ import annotations

from itnet_nas.integral.fft import fft_flops, fft_length, long_convolution
from itnet_nas.integral.masks import real_positions, zero_masked
from itnet_nas.integral.positions import (
    alibi_bias,
    alibi_slopes,
    coordinates,
    distances,
    rotary_angles,
    rotate,
)
from itnet_nas.integral.windows import band_pairs, window_attention

__all__ = [
    "alibi_bias",
    "alibi_slopes",
    "band_pairs",
    "coordinates",
    "distances",
    "fft_flops",
    "fft_length",
    "long_convolution",
    "real_positions",
    "rotary_angles",
    "rotate",
    "window_attention",
    "zero_masked",
]
