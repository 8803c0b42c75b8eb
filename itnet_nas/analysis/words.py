"""Figures and architectures in words, for reports and terminals."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from itnet_nas.space.space import INPUT, OUTPUT

if TYPE_CHECKING:
    from itnet_nas.arch.architecture import Architecture

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_UNITS = {
    "flops": "FLOP",
    "params": "parameters",
    "state_bytes": "B of state",
    "latency_ms": "ms",
    "memory_mb": "MB",
    "train_seconds": "s of training",
}


def short(value: float, digits: int = 3) -> str:
    """`1.23 M`, `0.123`, `12`: significant digits, an SI prefix from a thousand on."""
    rounded = float(f"{value:.{digits}g}")
    for factor, prefix in _PREFIXES:
        if abs(rounded) >= factor:
            return f"{rounded / factor:.12g} {prefix}"
    return f"{rounded:.12g}"


def unit(name: str) -> str:
    """`bits/byte` for bits_per_byte, `FLOP` for flops."""
    return _UNITS.get(name) or name.replace("_per_", "/").replace("_", " ")


def figure(name: str, value: float, digits: int = 3) -> str:
    """`2.98 bits/byte`, `1.2 MFLOP`, `34 k parameters`."""
    if name == "depth":
        return f"depth {value:g}"
    number = short(value, digits)
    of = unit(name)
    if " " in number and of[0].isupper() and name != "memory_mb":
        return number + of  # 1.2 MFLOP
    if " " in number and of.startswith("B "):
        return number + of  # 1.2 kB of state
    return f"{number} {of}"


def value(name: str, number: float, digits: int = 3) -> str:
    """The same beside the figure's name: `0.37` for accuracy, `1.2 MFLOP` for flops."""
    return figure(name, number, digits) if name in _UNITS else short(number, digits)


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def times(ratio: float) -> str:
    """`3.1`, `12`, `450`: a ratio of at least one in two digits."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


def count(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def architecture_words(architecture: Architecture) -> str:
    """`conv(radius=3) then gru` for a chain, `mix1 conv(radius=3), mix2 gru` for other graphs."""
    names = [layer.name for layer in architecture.layers]
    chain = sorted(zip([INPUT, *names], [*names, OUTPUT], strict=True))
    if sorted(architecture.edges) != chain:
        return ", ".join(f"{layer.name} {layer.label}" for layer in architecture.layers)
    parts = []
    for label, same in groupby(layer.label for layer in architecture.layers):
        copies = len(list(same))
        parts.append(label if copies == 1 else f"{copies} × {label}")
    return " then ".join(parts) or "no layer"
