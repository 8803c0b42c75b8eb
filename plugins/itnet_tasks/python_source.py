"""Python source: a byte-level language model of the running Python's own standard library.

Needs no download: every Python brings some 4 to 5 MB of real text with local syntax, names that
come back far away, and a state (indentation, open brackets).

Data    the *.py files at the top of the standard library's folder, sorted by name
Split   by file: the 9th, 19th, … is validation, the 10th, 20th, … is test, the others train
Judged  384 windows, evenly spaced; see `bytes_lm`

Recipe  300 steps of 32 windows at a peak learning rate of 1.5e-2, the same for every family. Bits
        per byte at width 48 (Python 3.11, one thread, mean of seeds 0 and 1):

            layers                  FLOPs     3e-3    6e-3    1e-2  1.5e-2    2e-2    3e-2
            identity, identity      4.52 M    3.62    3.59    3.58    3.58    3.58
            conv, conv              4.61 M    3.08    2.86    2.73    2.66    2.64    2.62
            conv, position_mixer    5.06 M    3.11    2.87    2.74    2.66    2.64
            conv, ssm               5.20 M    3.04    2.82    2.71    2.64    2.61    2.59
            conv, attention         5.90 M    3.06    2.78    2.65    2.59    2.55    2.55
            conv, gru               6.05 M    3.00    2.77    2.63    2.58    2.56    2.57
            attention, attention    7.19 M    3.10    2.86    2.74    2.69    2.67    2.66
            gru, gru                7.50 M    2.92    2.69    2.58    2.53    2.53    2.53

        (radius 6, 4 rotary heads, state 16.) Seeds differ by up to 0.07. Two layers would take a
        little more, but six of width 64 do best at 1.5e-2: 2.34 at 1e-2, 2.31, and 2.33 at 2e-2.

Python versions have different libraries, so figures compare within one version; the hash of the
data tells them apart.
"""

from __future__ import annotations

import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import final

from itnet_nas.errors import DataUnavailable
from itnet_tasks.bytes_corpus import ENOUGH_FILES, Corpus, divide
from itnet_tasks.bytes_lm import BytesParams, BytesTask
from itnet_tasks.files import Stamp, read, stamp

REMEDY = (
    "use a Python that comes with the source of its standard library, "
    'or the task "text" on files of your own'
)


class PythonSourceParams(BytesParams):
    """Nothing but the context."""


@final
class PythonSourceTask(BytesTask[PythonSourceParams]):
    """Source code of this Python's standard library, byte by byte."""

    Params = PythonSourceParams
    summary = "next byte of Python source: this Python's own standard library"
    licence = "Python Software Foundation License, version 2 (PSF-2.0)"
    source = "the standard library of the running Python, *.py at the top of its folder"

    def load(self) -> Corpus:
        """The library's files as they are now, read once per process."""
        return _corpus(standard_library(Path(sysconfig.get_paths()["stdlib"])))


def standard_library(folder: Path) -> tuple[Stamp, ...]:
    """The *.py files at the top of `folder`, sorted by name. Raises DataUnavailable."""
    files = sorted(path for path in folder.glob("*.py") if path.is_file())
    if len(files) < ENOUGH_FILES:
        raise DataUnavailable(
            f"{folder}: holds {len(files)} files *.py of the standard library, "
            f"at least {ENOUGH_FILES} are needed; {REMEDY}"
        )
    return tuple(stamp(str(path), REMEDY) for path in files)


@lru_cache(maxsize=2)
def _corpus(files: tuple[Stamp, ...]) -> Corpus:
    return Corpus(divide([read(file, REMEDY) for file in files], ("validation", "test")))
