from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.errors import DataUnavailable
from itnet_tasks.bytes_corpus import Corpus, divide, join, unscored

if TYPE_CHECKING:
    from itnet_nas.tasks import Split


def corpus(train: bytes, validation: bytes, test: bytes) -> Corpus:
    parts = {"train": train, "validation": validation, "test": test}
    return Corpus({split: join([text]) for split, text in parts.items()})


def test_ten_texts_are_split_by_text() -> None:
    texts = [bytes([65 + n]) * 3 for n in range(10)]

    parts = divide(texts, ("validation", "test"))

    assert {split: part.tobytes() for split, part in parts.items()} == {
        "train": b"AAABBBCCCDDDEEEFFFGGGHHH",
        "validation": b"III",
        "test": b"JJJ",
    }


def test_nine_texts_are_joined_and_cut_into_tenths() -> None:
    parts = divide([b"0123456789", b"abcdefghij"], ("validation", "test"))

    assert {split: part.tobytes() for split, part in parts.items()} == {
        "train": b"0123456789abcdef",
        "validation": b"gh",
        "test": b"ij",
    }


def test_a_part_that_is_not_held_out_is_trained_on() -> None:
    texts = [bytes([65 + n]) for n in range(10)]

    assert divide(texts, ("test",))["train"].tobytes() == b"ABCDEFGHI"
    assert divide([b"0123456789"], ("validation",))["train"].tobytes() == b"012345678"


@given(
    st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\r", b"")), max_size=25),
    st.sampled_from([(), ("validation",), ("test",), ("validation", "test")]),
)
def test_splitting_loses_and_invents_no_byte(
    texts: list[bytes], held_out: tuple[Split, ...]
) -> None:
    parts = divide(texts, held_out)

    assert set(parts) == {"train", *held_out}
    assert sorted(b"".join(part.tobytes() for part in parts.values())) == sorted(b"".join(texts))


def test_line_ends_of_windows_become_plain_ones() -> None:
    assert join([b"a\r\nb\r", b"\nc"]).tobytes() == b"a\nb\nc"


@given(st.integers(2, 64), st.integers(1, 3000))
def test_judged_windows_are_distinct_and_reach_from_end_to_end(context: int, room: int) -> None:
    text = bytes(context + room)

    starts = corpus(text, text, text).starts("validation", context)

    assert len(set(starts.tolist())) == len(starts) == min(384, room)
    assert starts[0] == 0
    assert starts[-1] == (room - 1 if len(starts) > 1 else 0)


@pytest.mark.parametrize(("context", "skipped"), [(64, 32), (200, 32), (16, 8), (3, 1), (2, 1)])
def test_at_most_half_a_window_is_not_scored(context: int, skipped: int) -> None:
    assert unscored(context) == skipped


def test_the_digest_changes_when_a_byte_moves_to_another_part() -> None:
    assert corpus(b"ab", b"c", b"d").digest != corpus(b"a", b"bc", b"d").digest


def test_the_digest_of_equal_texts_is_equal() -> None:
    assert corpus(b"ab", b"c", b"d").digest == corpus(b"ab", b"c", b"d").digest


def test_unigram_bits_of_a_text_of_one_letter_are_almost_nothing() -> None:
    wanted = -np.log2(10_001 / 10_256)

    assert corpus(b"a" * 10_000, b"a" * 10, b"a").unigram == round(float(wanted), 4)


def test_a_part_that_is_too_short_is_named_with_its_size() -> None:
    with pytest.raises(DataUnavailable) as caught:
        corpus(b"a" * 100, b"a" * 64, b"a" * 100).check(64, "text files of the user")

    assert str(caught.value) == (
        "text files of the user: the validation part has 64 bytes, but one window takes 65 "
        "(context + 1); give more text or a smaller context"
    )
