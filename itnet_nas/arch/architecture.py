"""`Architecture`: one member of a space, frozen, with a key that says when two are the same."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from itnet_nas.arch.canonical import canonical_key

if TYPE_CHECKING:
    from collections.abc import Mapping

_encode = json.JSONEncoder(sort_keys=True).encode


def choice_text(family: str, params: Mapping[str, Any]) -> str:
    """Tells choices of a layer apart; unlike ==, it tells 1, 1.0 and True apart as well."""
    return f"{family} {_encode(params)}"


class LayerChoice(BaseModel):
    """The kernel that sits at one layer. `params` are canonical: what the space's choice says."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    name: str
    family: str
    params: dict[str, Any]

    @cached_property
    def text(self) -> str:
        """Tells choices of a layer apart, as `choice_text` does."""
        return choice_text(self.family, self.params)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic has it, but what was computed of the old values stays behind."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("text", None)
        return copied

    @property
    def label(self) -> str:
        """`conv(radius=3)`; a parameter that is None, as a window not there, is left out."""
        given = {name: value for name, value in self.params.items() if value is not None}
        inside = ", ".join(f"{name}={value}" for name, value in given.items())
        return f"{self.family}({inside})" if inside else self.family


class Architecture(BaseModel):
    """A graph with one family and params per layer.

    `layers` holds the layers that are present, in topological order; `edges` the data flow between
    them, "input" and "output" included, with absent layers already bridged. An absent layer leaves
    nothing behind.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    width: int
    mlp_ratio: int
    layers: tuple[LayerChoice, ...]
    edges: tuple[tuple[str, str], ...]

    @cached_property
    def key(self) -> str:
        """The same for two architectures that differ in names or order of branches alone."""
        return canonical_key(
            {layer.name: [layer.family, layer.params] for layer in self.layers},
            self.edges,
            {"width": self.width, "mlp_ratio": self.mlp_ratio},
        )

    @cached_property
    def label(self) -> str:
        """`conv(radius=3) > gru`: one line for tables, layers in topological order."""
        return " > ".join(layer.label for layer in self.layers) or "no layer"

    def sources(self, name: str) -> list[str]:
        """Names that feed `name`, sorted as in `edges`."""
        return [source for source, target in self.edges if target == name]
