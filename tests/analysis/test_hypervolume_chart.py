from __future__ import annotations

import re

import pytest
from analysis.support import deep_space, run, space

from itnet_nas.analysis.baseline import Baseline
from itnet_nas.analysis.baseline_section import baseline_section
from itnet_nas.analysis.beside import Beside
from itnet_nas.analysis.chart import BOTTOM, LEFT, RIGHT, TOP
from itnet_nas.analysis.hypervolume import scale
from itnet_nas.analysis.hypervolume_chart import hypervolume_chart
from itnet_nas.analysis.report import render

OF = space()
TRIALS = run(OF, 25)
BAND = ((1, 0.0, 0.2), (10, 0.2, 0.4), (25, 0.3, 0.5), (100, 0.4, 0.99))


def beside(kind: str) -> Baseline:
    return Baseline(
        *(kind, scale(OF, TRIALS), 25, 25, 0.5, 0.4),  # type: ignore[arg-type]
        curve=((1, 0.1), (10, 0.3), (25, 0.4), (100, 0.6)),
        band=BAND,
    )


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_the_curve_of_the_hypervolume_rises_to_the_last_trial() -> None:
    found = hypervolume_chart(OF, TRIALS)

    assert found is not None
    assert found.random is None
    assert found.chart.path.endswith(f"H{RIGHT}")
    ordinates = [float(step.split("H")[0]) for step in found.chart.path.split("V")[1:]]
    assert ordinates == sorted(ordinates, reverse=True)


def test_nothing_complete_is_no_picture() -> None:
    assert hypervolume_chart(OF, run(OF, 3, failing=1.0)) is None
    assert hypervolume_chart(OF, []) is None


def test_random_search_is_drawn_as_far_as_the_search_went() -> None:
    found = hypervolume_chart(OF, TRIALS, beside("real"))

    assert found is not None
    assert found.random is not None
    line, band = points(found.random.path), points(found.random.band)
    assert len(line) == 3  # what lies beyond the last trial is not in the picture
    assert len(band) == 6
    assert line[-1][0] == RIGHT
    for x, y in [*line, *band]:
        assert LEFT <= x <= RIGHT
        assert TOP <= y <= BOTTOM


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("real", "random search, made beside it"),
        ("estimated", "random search, estimated"),
    ],
)
def test_what_is_estimated_is_told_from_what_was_made(kind: str, title: str) -> None:
    found = hypervolume_chart(OF, TRIALS, beside(kind))

    assert found is not None
    assert found.random is not None
    assert found.random.title == title
    assert found.random.estimated == (kind == "estimated")


def test_a_report_draws_an_estimate_dashed_and_what_was_made_solid() -> None:
    of = deep_space()
    trials = [
        one.model_copy(update={"proposed_by": "random" if one.number < 12 else "evolution"})
        for one in run(of, 30)
    ]
    made = run(of, 30, seed=3)

    estimated = render(of, trials, {})
    real = render(of, trials, {}, beside=Beside(baseline=made))

    assert 'class="random estimated"' in estimated
    assert "(estimated from 12 random trials)." in estimated
    assert 'class="random"' in real
    assert "Random search needed " in real


def test_a_report_says_when_random_search_cannot_be_estimated() -> None:
    trials = [one.model_copy(update={"proposed_by": "evolution"}) for one in TRIALS]

    found = baseline_section(OF, trials, [])

    assert found is not None
    assert found.sentences == [
        "Too few trials were drawn at random, or are complete, to say what random search would "
        "reach; `--with-baseline` makes it."
    ]


def test_the_hypervolume_that_is_shown_is_on_the_scale_of_the_picture() -> None:
    of = deep_space()
    trials, made = run(of, 30), run(of, 30, seed=3)

    found = baseline_section(of, trials, made)

    assert found is not None
    assert found.scale == scale(of, [*trials, *made])
    assert found.hypervolume == found.scale.hypervolume(trials)
