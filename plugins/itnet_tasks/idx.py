"""IDX, the file format of the MNIST family: bytes 0, 0, type, rank; sizes; the numbers.

Source  the format as described with the MNIST database: sizes are big-endian 32-bit; type 8 is
        unsigned byte, the only one that these sets use.
"""

from __future__ import annotations

import gzip
import math
import zlib
from typing import TYPE_CHECKING

import numpy as np

from itnet_nas.errors import DataUnavailable
from itnet_tasks.files import read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itnet_tasks.files import Stamp

UNSIGNED_BYTE = 8


def read_idx(file: Stamp, rank: int, remedy: str) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes, plain or gzipped.

    Raises DataUnavailable, closing with `remedy`, when the file is cut off, is no IDX file of
    unsigned bytes, has another rank, or has other sizes than it says.
    """
    content = read(file, remedy)
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise DataUnavailable(
                f"{file.path}: the gzip stream is cut off or damaged ({error}); {remedy}"
            ) from error
    head = 4 + 4 * rank
    if len(content) < head:
        raise DataUnavailable(
            f"{file.path}: holds {len(content)} bytes, too few for the sizes of a "
            f"{rank}-dimensional IDX file; {remedy}"
        )
    if content[:4] != bytes([0, 0, UNSIGNED_BYTE, rank]):
        raise DataUnavailable(
            f"{file.path}: begins with the bytes {content[:4].hex(' ')}, an IDX file of "
            f"{rank}-dimensional bytes begins with 00 00 08 {rank:02x}; {remedy}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", rank, offset=4))
    wanted, found = math.prod(shape), len(content) - head
    if wanted != found:
        raise DataUnavailable(
            f"{file.path}: says {' x '.join(map(str, shape))} = {wanted} numbers, but holds "
            f"{found}; {remedy}"
        )
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
