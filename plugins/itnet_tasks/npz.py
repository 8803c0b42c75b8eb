"""Arrays out of a user's .npz file, with a clear word for whatever is wrong with it."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from itnet_nas.errors import DataUnavailable, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itnet_tasks.files import Stamp

SAVE = "write it with numpy.savez(path, x=…, y=…)"


def complain(file: Stamp, key: str, message: str) -> DataUnavailable:
    """The error for something that is wrong with one array of a file."""
    return DataUnavailable(f'{file.path}: key "{key}": {message}')


def read_array(file: Stamp, key: str, named_by: str = "x_key or y_key") -> NDArray[Any]:
    """The array under `key`, which the params `named_by` can rename. Raises DataUnavailable.

    Pickled objects are never loaded: unpickling runs code of whoever wrote the file.
    """
    if not zipfile.is_zipfile(file.path):
        raise DataUnavailable(f"{file.path}: is no .npz file; {SAVE}")
    try:
        with np.load(file.path, allow_pickle=False) as archive:
            if key not in archive.files:
                hint = did_you_mean(key, archive.files)
                known = ", ".join(archive.files) or "none"
                raise DataUnavailable(
                    f'{file.path}: has no key "{key}"; {hint + " " if hint else ""}'
                    f"its keys: {known}; name the right one with {named_by}"
                )
            found: NDArray[Any] = archive[key]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            raise complain(
                file,
                key,
                "holds Python objects, expected an array of numbers; rows of unequal "
                "length are often the reason: pad or cut them to one length",
            ) from error
        raise complain(file, key, f"cannot be read ({error}); {SAVE}") from error
    if found.size == 0:
        raise complain(file, key, f"is empty: its shape is {found.shape}")
    return found


def has_key(file: Stamp, key: str) -> bool:
    """Whether a file that can be read holds an array of this name."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            return f"{key}.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read_numbers(
    file: Stamp, key: str, named_by: str = "x_key or y_key", real: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """The array under `key` as finite float32. Raises DataUnavailable.

    Where `real`, which has its first sizes, is False, it becomes 0, whatever stands there.
    """
    found = read_array(file, key, named_by)
    if found.dtype.kind not in "fiub":
        raise complain(file, key, f"holds {found.dtype}, expected real numbers")
    with np.errstate(over="ignore"):
        numbers = found.astype(np.float32)
    if real is not None and numbers.shape[: real.ndim] == real.shape:
        numbers[~real] = 0
    broken = np.argwhere(~np.isfinite(numbers))
    if len(broken):
        place = tuple(int(index) for index in broken[0])
        raise complain(
            file,
            key,
            f"{len(broken)} of {numbers.size} numbers are not finite in float32, the first at "
            f"{list(place)} ({found[place]}); fill the gaps or leave the rows out",
        )
    return numbers


def read_labels(file: Stamp, key: str, named_by: str = "x_key or y_key") -> NDArray[np.int64]:
    """The class numbers under `key`: (n,), from 0. Raises DataUnavailable."""
    labels = read_integers(file, key, named_by)
    if labels.ndim != 1:
        raise complain(
            file, key, f"has shape {labels.shape}, expected one label per example, shape (n,)"
        )
    demand_classes(file, key, labels)
    return labels


def read_integers(file: Stamp, key: str, named_by: str) -> NDArray[np.int64]:
    """The array under `key` as integers. Raises DataUnavailable."""
    found = read_array(file, key, named_by)
    if found.dtype.kind not in "iub":
        raise complain(
            file, key, f"holds {found.dtype}, expected integers, the classes numbered from 0"
        )
    return found.astype(np.int64)


def demand_classes(file: Stamp, key: str, labels: NDArray[np.int64]) -> None:
    """Raises DataUnavailable for a negative label."""
    if labels.min() < 0:
        raise complain(
            file, key, f"holds the label {labels.min()}, expected the classes numbered from 0"
        )
