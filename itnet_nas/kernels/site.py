"""Where an operator stands: the domain of its input and the number of channels."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Size = Annotated[int, Field(ge=1)]


class Domain(BaseModel):
    """The set of positions x over which the integral runs.

    sequence  (L,)      ordered positions; the only kind that may be causal
    grid      (H, W)    rows and columns, laid out row by row: position n is (n // W, n % W)
    points    (N,)      a set of points, in no order; each stands at `coordinates` numbers, which
                        differ from example to example; 0 for a bare set
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["sequence", "grid", "points"]
    shape: tuple[Size, ...]
    causal: bool = False
    coordinates: Annotated[int, Field(ge=0, le=8)] = 0

    @model_validator(mode="after")
    def _shape_fits_the_kind(self) -> Self:
        kind = "set of points" if self.kind == "points" else self.kind
        wanted, sizes = (2, "2 sizes") if self.kind == "grid" else (1, "1 size")
        if len(self.shape) != wanted:
            raise ValueError(f"a {kind} has {sizes}, got {len(self.shape)}")
        if self.causal and self.kind != "sequence":
            raise ValueError(f"a {kind} has no order, so it cannot be causal")
        if self.coordinates and self.kind != "points":
            raise ValueError(f"a {kind} has its coordinates from its shape, give none")
        return self

    @property
    def length(self) -> int:
        """Number of positions N."""
        return math.prod(self.shape)

    @property
    def extent(self) -> int:
        """The longest side: a window of radius `extent - 1` reaches every position."""
        return max(self.shape)

    @property
    def dimensions(self) -> int:
        """How many numbers say where a position stands: 1, 2, or the coordinates of points."""
        return {"sequence": 1, "grid": 2}.get(self.kind, self.coordinates)

    def __str__(self) -> str:
        causal = "causal " if self.causal else ""
        places = f" in {self.coordinates} dimensions" if self.coordinates else ""
        return f"{causal}{self.kind} of {' x '.join(map(str, self.shape))}{places}"


class Site(BaseModel):
    """What a family is told about the place where its operator will stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: Domain
    width: Annotated[int, Field(ge=1, description="channels D, in and out")]

    @property
    def length(self) -> int:
        """Number of positions N."""
        return self.domain.length

    @property
    def causal(self) -> bool:
        """Whether y(x) may depend on earlier positions and x itself alone."""
        return self.domain.causal
