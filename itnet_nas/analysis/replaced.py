"""What became of a trained network when one of its layers was replaced: figures, words, JSON.

    drop   how much worse the first objective is after the replacement; negative: better
    lost   drop minus the drop of the same network that was only trained on for as long, so that
           the extra steps are credited to nobody

Where the probe is right, what matches a layer's measured bias loses little, and what does not loses
much. A layer that the network hardly needs loses little either way, and the fresh copy of its own
family shows how much is lost to a short training alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from itnet_nas.analysis.numbers import change, count, short
from itnet_nas.analysis.words import unit

Role = Literal["match", "other", "cheapest", "mismatch", "own"]
ROLES: dict[Role, str] = {
    "match": "match",
    "other": "other family",
    "cheapest": "cheapest",
    "mismatch": "mismatch",
    "own": "fresh copy",
}


@dataclass(frozen=True)
class Replacement:
    """One layer with another operator, after the brief training.

    replaced, by    `conv(radius=2)`: what was trained, and what came in
    matches         whether what came in may do what the layer was measured to do; None where
                    nothing was measured
    misfit          mean squared error of what came in on the layer's own inputs, over the mean
                    square of what the layer gave there, when it alone had been trained; None where
                    it has nothing to train
    before, after   the first objective of the trained network, and of the one with the replacement
    failure         why there is no figure after it; empty where there is one
    """

    layer: str
    replaced: str
    by: str
    family: str
    params: dict[str, Any]
    matches: bool | None
    misfit: float | None
    before: float
    after: float | None
    drop: float | None
    steps: int
    seconds: float
    failure: str = ""


@dataclass(frozen=True)
class Continued:
    """The network as it was, trained on for the steps in which the others were tuned whole."""

    before: float
    after: float
    drop: float
    steps: int
    seconds: float


@dataclass(frozen=True)
class LayerReplaced:
    """One layer and what replaced it; `notes` says why a role has nobody."""

    layer: str
    kernel: str
    acts_like: str
    replacements: dict[Role, Replacement]
    notes: dict[Role, str]


@dataclass(frozen=True)
class ReplacementTest:
    """Every layer of one trial. `fit_steps` train what came in alone, `tune_steps` the whole."""

    trial: int
    objective: str
    seed: int
    share: float
    fit_steps: int
    tune_steps: int
    continued: Continued
    layers: tuple[LayerReplaced, ...]

    def lost(self, replacement: Replacement) -> float | None:
        """What the replacement cost beyond the extra steps; None where it has no figure."""
        return None if replacement.drop is None else replacement.drop - self.continued.drop

    def losses(self, role: Role) -> list[float]:
        """What replacements of a role lost, in the layers that have one with a figure."""
        found = [
            self.lost(layer.replacements[role])
            for layer in self.layers
            if role in layer.replacements
        ]
        return [loss for loss in found if loss is not None]

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON, `lost` included."""
        plain = asdict(self)
        for written, layer in zip(plain["layers"], self.layers, strict=True):
            for role, one in layer.replacements.items():
                written["replacements"][role]["lost"] = self.lost(one)
        return plain

    def __str__(self) -> str:
        name = unit(self.objective)
        continued = self.continued
        lines = [
            f"replacement test of trial {self.trial}: {name}, + is worse, beside the same network "
            f"without a replacement",
            f"  each replacement: {count(self.fit_steps, 'step')} to fit it alone, then "
            f"{self.tune_steps} of the whole network; seed {self.seed}",
            f"  without a replacement: {short(continued.before, 4)}, after "
            f"{count(continued.steps, 'step')} more {short(continued.after, 4)}",
        ]
        for layer in self.layers:
            lines += ["", f"{layer.layer}: acts like {layer.acts_like}; {layer.kernel} was trained"]
            for role, words in ROLES.items():
                lines.append(f"  {words:<12} {self._words(layer, role)}")
        return "\n".join(lines)

    def _words(self, layer: LayerReplaced, role: Role) -> str:
        if role not in layer.replacements:
            return f"– {layer.notes[role]}"
        one = layer.replacements[role]
        loss = self.lost(one)
        return f"{one.by}: {one.failure if loss is None else change(loss, 2)}"


def worse(direction: Literal["min", "max"], before: float, after: float) -> float:
    """By how much `after` is worse than `before`."""
    return after - before if direction == "min" else before - after
