"""Texts as bytes, in three parts, with the windows that a language model is trained and judged on.

No torch: a search is planned with the facts of a corpus alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from itnet_nas.errors import DataUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from itnet_nas.tasks import Split

    Text = NDArray[np.uint8]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
EVALUATED = 384  # windows of a split on which a model is judged
WARM_UP = 32  # first positions of a judged window that are not scored: they have seen too little
ENOUGH_FILES = 10  # from here on a corpus is split by file, below by position


@final
@dataclass(frozen=True, eq=False)
class Corpus:
    """One text of bytes per split. Compared and hashed by identity, so that it can be a key."""

    parts: Mapping[Split, Text]

    @cached_property
    def digest(self) -> str:
        """32 hex digits over lengths and contents of the three parts."""
        found = hashlib.blake2b(digest_size=16)
        for split in SPLITS:
            found.update(f"{split} {len(self.parts[split])}\n".encode())
            found.update(self.parts[split].tobytes())
        return found.hexdigest()

    @cached_property
    def unigram(self) -> float:
        """Bits per byte of the validation text under the byte frequencies of the training text.

        Frequencies p_b = (n_b + 1) / (n + 256), so that an unseen byte is not impossible. Four
        decimals: the figure is part of the facts, which must not differ by rounding errors.
        """
        counts = np.bincount(self.parts["train"], minlength=256) + 1
        bits = -np.log2(counts / counts.sum())
        seen = np.bincount(self.parts["validation"], minlength=256)
        return round(float((seen * bits).sum() / seen.sum()), 4)

    def check(self, context: int, what: str) -> None:
        """Raises DataUnavailable when a part cannot hold one window of `context` + 1 bytes."""
        for split in SPLITS:
            size = len(self.parts[split])
            if size <= context:
                raise DataUnavailable(
                    f"{what}: the {split} part has {size} bytes, but one window takes "
                    f"{context + 1} (context + 1); give more text or a smaller context"
                )

    def starts(self, split: Split, context: int) -> NDArray[np.int64]:
        """First bytes of the judged windows of a split: 384, evenly spaced over the whole part.

        A part with fewer places for a window gives every one of them.
        """
        last = len(self.parts[split]) - context - 1
        count = min(EVALUATED, last + 1)
        return np.linspace(0, last, count).round().astype(np.int64)


def unscored(context: int) -> int:
    """Positions at the beginning of a judged window that are not scored."""
    return min(WARM_UP, context // 2)


def divide(texts: Sequence[bytes], held_out: Sequence[Split]) -> dict[Split, Text]:
    """Split texts into "train" and the parts of `held_out` ("validation", "test", in this order).

    Ten texts or more are split by text: number 9, 19, … is validation, number 10, 20, … is test.
    Fewer are joined and cut by position: the last tenth is the last part held out, and so on.
    What is not held out is for training.
    """
    if len(texts) >= ENOUGH_FILES:
        owner: dict[int, Split] = {8: "validation", 9: "test"}
        piles: dict[Split, list[bytes]] = {split: [] for split in ("train", *held_out)}
        for index, text in enumerate(texts):
            split = owner.get(index % 10, "train")
            piles[split if split in piles else "train"].append(text)
        return {split: join(pile) for split, pile in piles.items()}
    whole = join(texts)
    tenths = 10 - len(held_out)
    cuts = [len(whole) * tenth // 10 for tenth in range(tenths, 10)]
    pieces: list[Any] = np.split(whole, cuts)
    return dict(zip(("train", *held_out), pieces, strict=True))


def join(texts: Sequence[bytes]) -> Text:
    """The texts one after the other, with the line ends of Windows made plain ones."""
    # bytearray: torch warns about arrays that cannot be written to.
    return np.frombuffer(bytearray(b"".join(texts).replace(b"\r\n", b"\n")), dtype=np.uint8)
