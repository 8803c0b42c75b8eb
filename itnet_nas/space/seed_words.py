"""What a word under `search.seeds` means: one kind of bias for every layer, or two in turn.

    convolution   window support, shared under translation, no state, no content
    attention     content of pairs
    recurrent     a state
    hybrid        layer by layer: content, then recurrent or convolution, then content, …

A layer has the cheapest of its choices that are of that kind, and the cheapest of all where none
is. Copies of a tied motif count as one layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from itnet_nas.axes import Content, Sharing, State, Support
from itnet_nas.space.values import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itnet_nas.axes import Bias
    from itnet_nas.space.space import Choice, Space

    Kind = Callable[[Bias], bool]


@final
class NoSuchSeed(Exception):
    """Why a word names no architecture of a space, and what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def word_choices(space: Space, word: str) -> dict[str, Choice]:
    """Layer -> its choice. Raises NoSuchSeed where no layer offers what the word asks for."""
    found: dict[str, Choice] = {}
    wanted = _HYBRID if word == "hybrid" else (_KINDS[word],)
    met = [False for _ in wanted]
    for turn, names in enumerate(groups(space)):
        place = turn % len(wanted)
        choices = space.layer[names[0]].choices
        able = [choice for choice in choices if wanted[place](choice.bias)]
        met[place] = met[place] or bool(able)
        found |= dict.fromkeys(names, cheapest(able or choices))
    if not all(met):
        families = list(dict.fromkeys(c.family for layer in space.layers for c in layer.choices))
        asked = _MEANS[word]
        where = (
            "no layer offers one" if word != "hybrid" else "the layers in turn do not offer both"
        )
        raise NoSuchSeed(
            f'"{word}" asks for {asked}, and {where}',
            f"what they offer: {listed(families)}; offer such a family, or leave the word out",
        )
    return found


def groups(space: Space) -> list[list[str]]:
    """Layers in topological order, each with those that make the same choice: tied copies."""
    leader = {
        name: repeat.copies[0][place]
        for repeat in space.repeats
        if repeat.tied
        for copy in repeat.copies
        for place, name in enumerate(copy)
    }
    found: dict[str, list[str]] = {}
    for layer in space.layers:
        found.setdefault(leader.get(layer.name, layer.name), []).append(layer.name)
    return list(found.values())


def cheapest(choices: Sequence[Choice]) -> Choice:
    """Fewest FLOPs, then fewest parameters, then the order of the space."""
    return min(choices, key=lambda one: (one.cost.flops, one.cost.params))


def _convolution(bias: Bias) -> bool:
    local = bias.support is Support.WINDOW and bias.sharing is Sharing.TRANSLATION
    return local and bias.state is State.NONE and bias.content is Content.NONE


def _attention(bias: Bias) -> bool:
    return bias.content is Content.PAIR


def _recurrent(bias: Bias) -> bool:
    return bias.state is not State.NONE


def _content(bias: Bias) -> bool:
    return bias.content is not Content.NONE and bias.state is State.NONE


_KINDS: dict[str, Kind] = {
    "convolution": _convolution,
    "attention": _attention,
    "recurrent": _recurrent,
}
_HYBRID: tuple[Kind, ...] = (_content, lambda bias: _recurrent(bias) or _convolution(bias))
_MEANS = {
    "convolution": "a window that is shared under translation, without state or content",
    "attention": "content of pairs",
    "recurrent": "a state",
    "hybrid": "layers with content and, between them, recurrent or convolutional ones",
}
