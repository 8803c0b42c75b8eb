"""Mathematics that several kernel families share. Public: covered by the compatibility promise.

    masks       what "a position is not real" means to a tensor
    positions   coordinates, distances, ALiBi, rotary turns
    windows     softmax attention inside a window, in memory O(N·r)
    fft         long convolutions by FFT, without wrap-around

Torch alone is imported here, so that an exported network can carry these functions along.
"""
