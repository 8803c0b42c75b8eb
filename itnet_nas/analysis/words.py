"""Figures and architectures in words, for reports and terminals."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import short
from itnet_nas.space.space import INPUT, OUTPUT

if TYPE_CHECKING:
    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.axes import Bias
    from itnet_nas.results.measured import Estimate

_UNITS = {
    "flops": "FLOP",
    "params": "parameters",
    "state_bytes": "B of state",
    "latency_ms": "ms",
    "memory_mb": "MB",
    "train_seconds": "s of training",
}


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


def axis_words(bias: Bias) -> dict[str, str]:
    """Axis -> its value with the figure that belongs to it: `window(2)`, `path in transition`."""
    support, state, content = str(bias.support), str(bias.state), str(bias.content)
    if bias.radius is not None:
        support += f"({bias.radius}{bias.steps})"
    if bias.state_size is not None:
        state += f"({bias.state_size})"
    if bias.entry:
        content += f" in {', '.join(bias.entry)}"
    return {"support": support, "sharing": str(bias.sharing), "state": state, "content": content}


def estimate(name: str, one: Estimate) -> str:
    """`routing 0.90 [0.85, 0.94]`, `r90 2.0 [2, 2.4]`: a score with its 95 % interval."""
    if name in _POSITIONS:
        return f"{name} {one.value:.1f} [{_tenths(one.low)}, {_tenths(one.high)}]"
    label = name.replace("_", " ")
    return f"{label} {one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


_POSITIONS = ("r90", "horizon")  # scores that are counted in positions, not from 0 to 1


def _tenths(value: float) -> str:
    return f"{round(value, 1):g}"
