"""What a person sees, through a real terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ESCAPE = re.compile("\x1b\\[[0-9;]*m")


def seen(*words: str | Path, columns: int, **environment: str) -> str:
    """The output of a command whose stdout is a terminal; stderr is left out."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    plain = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    code = "from itnet_nas.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=subprocess.DEVNULL,
        env={**plain, "PYTHONUTF8": "1", **environment},
    ) as process:
        os.close(child)
        text = b""
        while True:
            try:
                more = os.read(parent, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not more:
                break
            text += more
    os.close(parent)
    assert process.returncode == 0
    return text.decode().replace("\r\n", "\n")


def test_a_front_is_rounded_and_drawn(run_folder: Path) -> None:
    text = seen("pareto", run_folder, columns=100, NO_COLOR="1")

    table, picture = text.split("\n\n", 1)
    assert table == (
        "trial  error   flops  mix1            mix2\n"
        "    0  0.200  2.00 k  conv(radius=1)  gru\n"
        "    1  0.100  4.00 k  conv(radius=1)  attention(heads=2)"
    )
    assert "flops (log)" in picture
    assert "\x1b" not in text


def test_a_terminal_of_forty_columns_loses_nothing(run_folder: Path) -> None:
    text = seen("pareto", run_folder, "--no-plot", columns=40, NO_COLOR="1")

    assert text == (
        "trial  error   flops\n"
        "    0  0.200  2.00 k\n"
        "    mix1  conv(radius=1)\n"
        "    mix2  gru\n"
        "    1  0.100  4.00 k\n"
        "    mix1  conv(radius=1)\n"
        "    mix2  attention(heads=2)\n"
    )


def test_colour_adds_no_word(run_folder: Path) -> None:
    coloured = seen("table", run_folder, columns=100)

    assert "\x1b[48;5;" in coloured
    stripped = [line.rstrip() for line in ESCAPE.sub("", coloured).splitlines()]
    assert stripped == seen("table", run_folder, columns=100, NO_COLOR="1").splitlines()


def test_every_trial_is_in_the_table_the_failed_with_its_state(run_folder: Path) -> None:
    lines = seen("table", run_folder, columns=100, NO_COLOR="1").splitlines()

    assert lines[0].split() == ["trial", "state", "error", "flops", "mix1", "mix2"]
    assert lines[4].split() == ["3", "failed", "–", "–", "gru", "gru"]


@pytest.mark.parametrize("verb", ["table", "kernels", "schema", "status"])
def test_a_reader_that_goes_away_gets_no_traceback(run_folder: Path, verb: str) -> None:
    words = [verb, str(run_folder)] if verb in ("table", "status") else [verb]
    code = "from itnet_nas.cli.main import main; main()"
    read, write = os.pipe()
    os.close(read)

    result = subprocess.run(
        [sys.executable, "-c", code, *words], stdout=write, stderr=subprocess.PIPE, check=False
    )

    os.close(write)
    assert b"Traceback" not in result.stderr
    assert b"Exception" not in result.stderr
