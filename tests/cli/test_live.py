"""The line that says how a search stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from itnet_nas.cli.live import LiveLine, line
from itnet_nas.search.progress import Progress

PROGRESS = Progress(
    done=12,
    running=2,
    failed=1,
    total=40,
    workers=2,
    front_size=5,
    elapsed=65,
    eta=150,
    best={"error": 0.12, "flops": 4_200_000.0},
)


def test_the_line_is_pinned() -> None:
    assert line(PROGRESS) == (
        "[●●●○○○○○○○] 12/40 · 2 running · 1 failed · front 5 · "
        "best error 0.12, flops 4.2 M · 1 min 05 s · about 2 min 30 s left"
    )


def test_what_is_not_known_is_left_out() -> None:
    start = Progress(done=0, running=0, failed=0, total=4, workers=1, front_size=0, elapsed=0)

    assert line(start) == "[○○○○○○○○○○] 0/4 · 0 running · 0 s"


def test_where_nobody_watches_a_line_is_printed_every_thirty_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = iter([0.0, 1.0, 29.0, 30.0, 30.0, 31.0, 60.0, 60.0])
    with LiveLine(clock=lambda: next(times)) as show:
        for _ in range(5):
            show(PROGRESS)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (line(PROGRESS) + "\n") * 2


def test_a_note_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    noted = Progress(
        done=0, running=0, failed=0, total=4, workers=1, front_size=0, elapsed=0, note="odd"
    )
    with LiveLine(clock=lambda: 0.0) as show:
        show(noted)
        show(noted)

    assert capsys.readouterr().err == "warning: odd\n"


def test_trials_that_wait_are_told_apart_from_those_that_run() -> None:
    assert line(replace(PROGRESS, paused=3)).startswith(
        "[●●●○○○○○○○] 12/40 · 2 running · 3 paused · 1 failed · front 5"
    )
