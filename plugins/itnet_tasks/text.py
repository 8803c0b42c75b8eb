"""Text: a byte-level language model of the user's own files.

    task: {name: text, files: ["notes/*.txt"], context: 128}

Paths are relative to the current directory and may be patterns (`*`, `?`, `[…]`, `**`); a single
one needs no list.

Split   `validation` and `test` name files of their own; such a file is never trained on, even if
        `files` names it too. A part that is not given is taken out of `files`: with ten files or
        more the 9th, 19th, … for validation and the 10th, 20th, … for test; with fewer the files
        are joined in the order given and the last tenths are cut off (80 / 10 / 10 when neither is
        given).
Judged  384 windows, evenly spaced; see `bytes_lm`
"""

from __future__ import annotations

import glob
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from pydantic import AfterValidator, Field

from itnet_nas.errors import DataUnavailable
from itnet_tasks.bytes_corpus import Corpus, divide, join
from itnet_tasks.bytes_lm import BytesParams, BytesTask
from itnet_tasks.files import Stamp, absolute, read, stamp

if TYPE_CHECKING:
    from itnet_nas.tasks import Split

REMEDY = "give paths that can be read from here, or patterns such as texts/*.txt"


Pattern = Annotated[str, AfterValidator(absolute)]
Patterns = Pattern | Annotated[tuple[Pattern, ...], Field(min_length=1)]


class TextParams(BytesParams):
    """Which files, and which of them are held out."""

    files: Annotated[
        Patterns,
        Field(description="paths or patterns, relative to the current directory"),
    ]
    validation: Annotated[
        Patterns | None, Field(description="files to validate on; default: a tenth of `files`")
    ] = None
    test: Annotated[
        Patterns | None, Field(description="files to test on; default: a tenth of `files`")
    ] = None


@final
class TextTask(BytesTask[TextParams]):
    """The user's own text, byte by byte."""

    Params = TextParams
    summary = "next byte of your own text files"
    licence = "that of your files"
    source = "text files of the user"

    def load(self) -> Corpus:
        """The files as they are now, read once per process and state of the files."""
        params = self.params
        validation = None if params.validation is None else _find("validation", params.validation)
        test = None if params.test is None else _find("test", params.test)
        both = sorted({file.path for file in validation or ()} & {file.path for file in test or ()})
        if both:
            raise DataUnavailable(
                f"{both[0]}: stands under `validation` and under `test`; leave it out of one"
            )
        held = {file.path for file in (*(validation or ()), *(test or ()))}
        train = tuple(file for file in _find("files", params.files) if file.path not in held)
        if not train:
            raise DataUnavailable(
                "every file under `files` is held out for validation or test, so nothing is left "
                "to train on; add files to `files`"
            )
        return _corpus(train, validation, test)


def _find(key: str, patterns: Patterns) -> tuple[Stamp, ...]:
    """Files of the paths and patterns, each once, in the order given; a pattern's are sorted."""
    found: dict[str, Stamp] = {}
    for pattern in (patterns,) if isinstance(patterns, str) else patterns:
        # A file may be called "notes[1].txt": what exists is a path, whatever it looks like.
        if Path(pattern).exists() or not glob.has_magic(pattern):
            paths = [pattern]
        else:
            # Path.glob takes no absolute pattern.
            matches = glob.glob(pattern, recursive=True)  # noqa: PTH207
            paths = sorted(path for path in matches if Path(path).is_file())
            if not paths:
                raise DataUnavailable(f"{pattern}: no file fits this pattern (`{key}`); {REMEDY}")
        for path in paths:
            found.setdefault(path, stamp(path, REMEDY))
    return tuple(found.values())


@lru_cache(maxsize=2)
def _corpus(
    train: tuple[Stamp, ...],
    validation: tuple[Stamp, ...] | None,
    test: tuple[Stamp, ...] | None,
) -> Corpus:
    given: dict[Split, tuple[Stamp, ...]] = {}
    if validation is not None:
        given["validation"] = validation
    if test is not None:
        given["test"] = test
    own: tuple[Split, ...] = ("validation", "test")
    held_out = tuple(split for split in own if split not in given)
    parts = divide([read(file, REMEDY) for file in train], held_out)
    for split, files in given.items():
        parts[split] = join([read(file, REMEDY) for file in files])
    return Corpus(parts)
