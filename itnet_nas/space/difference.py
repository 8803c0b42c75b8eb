"""What changed between two spaces, in lines that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itnet_nas.space.space import Layer, Space

FIELDS = (
    "task",
    "facts",
    "width",
    "mlp_ratio",
    "edges",
    "repeats",
    "objectives",
    "constraints",
    "recipe",
)


def difference(old: Space, new: Space) -> list[str]:
    """One line per layer, choice or setting that is in one of the two alone or differs.

    Empty exactly when the fingerprints are equal, but for changes of a choice's cost or bias.
    """
    lines = []
    for field in FIELDS:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            lines.append(f"~ {field}: {_short(before)} -> {_short(after)}")
    for name in [*old.layer, *(name for name in new.layer if name not in old.layer)]:
        if name not in new.layer:
            lines.append(f"- layer {name}")
        elif name not in old.layer:
            lines.append(f"+ layer {name}: {', '.join(_labels(new.layer[name]))}")
        else:
            lines += _layer(old.layer[name], new.layer[name])
    return lines


def incomparable(old: Space, new: Space) -> list[str]:
    """Settings that differ and under which records of one mean nothing in the other."""
    kept = ("task", "facts", "recipe", "objectives", "width", "mlp_ratio")
    return [name for name in kept if getattr(old, name) != getattr(new, name)]


def _layer(old: Layer, new: Layer) -> list[str]:
    before, after = _labels(old), _labels(new)
    lines = [f"- {old.name}: {label}" for label in before if label not in after]
    lines += [f"+ {new.name}: {label}" for label in after if label not in before]
    if old.optional != new.optional:
        lines.append(f"~ {new.name}: optional {old.optional} -> {new.optional}")
    return lines


def _labels(layer: Layer) -> list[str]:
    return [choice.label for choice in layer.choices]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
