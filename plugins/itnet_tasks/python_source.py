"""Python source: a byte-level language model of the running Python's own standard library.

Needs no download: every Python brings some 4 to 5 MB of real text with local syntax, names that
come back far away, and a state (indentation, open brackets).

Data    the *.py files at the top of the standard library's folder, sorted by name
Split   by file: the 9th, 19th, … is validation, the 10th, 20th, … is test, the others train
Judged  384 windows, evenly spaced; see `bytes_lm`

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
