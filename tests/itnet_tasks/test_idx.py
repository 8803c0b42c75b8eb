from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.errors import DataUnavailable
from itnet_tasks.files import stamp
from itnet_tasks.idx import read_idx

SMALL = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])


def written(folder: Path, content: bytes) -> Path:
    path = folder / "some-idx2-ubyte"
    path.write_bytes(content)
    return path


def text_of_error(path: Path) -> str:
    with pytest.raises(DataUnavailable) as caught:
        read_idx(stamp(str(path), ""), 2, "get it again")
    return str(caught.value)


def test_rows_and_columns_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL)

    assert read_idx(stamp(str(path), ""), 2, "").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_gzipped_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(SMALL))

    assert read_idx(stamp(str(path), ""), 2, "").tolist() == [[1, 2, 3], [4, 5, 6]]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=3))
def test_every_shape_comes_back(tmp_path_factory: pytest.TempPathFactory, shape: list[int]) -> None:
    array = (np.arange(np.prod(shape)) % 256).astype(np.uint8).reshape(shape)
    head = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    path = written(tmp_path_factory.mktemp("idx"), head + array.tobytes())

    found = read_idx(stamp(str(path), ""), len(shape), "")

    assert found.shape == array.shape
    assert (found == array).all()


def test_a_file_that_is_cut_off_says_how_much_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL[:-2])

    assert text_of_error(path) == f"{path}: says 2 x 3 = 6 numbers, but holds 4; get it again"


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL + b"!")

    assert text_of_error(path) == f"{path}: says 2 x 3 = 6 numbers, but holds 7; get it again"


def test_another_magic_number_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"\x00\x00\x0d\x02" + SMALL[4:])

    assert text_of_error(path) == (
        f"{path}: begins with the bytes 00 00 0d 02, an IDX file of 2-dimensional bytes begins "
        "with 00 00 08 02; get it again"
    )


def test_a_file_without_room_for_its_sizes_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL[:7])

    assert text_of_error(path) == (
        f"{path}: holds 7 bytes, too few for the sizes of a 2-dimensional IDX file; get it again"
    )


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"")

    assert text_of_error(path) == (
        f"{path}: holds 0 bytes, too few for the sizes of a 2-dimensional IDX file; get it again"
    )


def test_a_gzip_stream_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(SMALL)[:-12])

    assert text_of_error(path) == (
        f"{path}: the gzip stream is cut off or damaged (Compressed file ended before the "
        "end-of-stream marker was reached); get it again"
    )


def test_a_damaged_gzip_stream_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(SMALL))
    content[-8] ^= 1

    assert "the gzip stream is cut off or damaged (CRC check failed" in text_of_error(
        written(tmp_path, bytes(content))
    )
