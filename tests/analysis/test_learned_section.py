"""The section of the page that says which bias each layer learned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from analysis.certificates import certified, probed_run
from analysis.support import run, space
from analysis.test_learned import with_solved
from analysis.test_palette import luminance
from analysis.test_report import STAMP, Page

from itnet_nas.analysis.axis_verdict import Verdict
from itnet_nas.analysis.beside import Beside
from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.pick import pick
from itnet_nas.analysis.report import TEMPLATES, render, write_report

OF = space()
RECORDS = probed_run(OF)
KNEE = pick(OF, front(OF, RECORDS), "knee")
BEST = pick(OF, front(OF, RECORDS), "best")


def section(text: str) -> str:
    """The words of the section alone."""
    found = re.search(r'<section class="learned".*?</section>', text, re.DOTALL)
    assert found is not None
    return Page(found.group()).text


def test_the_section_is_well_formed_with_and_without_a_certificate() -> None:
    for certificate in (None, certified(OF, KNEE)):
        page = Page(render(OF, RECORDS, STAMP, "RUN", Beside(certificate=certificate)))

        assert page.wrong == []
        assert page.open == []


def test_a_row_answers_what_and_how_much() -> None:
    text = section(render(OF, RECORDS, STAMP, "RUN", Beside(certificate=certified(OF, KNEE))))

    assert (
        "memory ssm(state_size=8) recurrence ● fading: 90 % within 34 may: full necessary "
        "● the same everywhere may: translation preferred ● about 7 states, 14.2 positions long "
        "may: linear(8) not identified ● no influence may: none not identified "
        "20 %, by chance 20 % 0.33 ± 0.06 support necessary support"
    ) in text


def test_under_a_row_stand_its_partings() -> None:
    text = section(render(OF, RECORDS, STAMP))

    assert "≠ may look 6 positions far, but 90 % lies within 2" in text


def test_what_how_sure_and_what_next_stand_in_this_order() -> None:
    text = section(render(OF, RECORDS, STAMP, "RUN", Beside(certificate=certified(OF, KNEE))))

    places = [text.index(words) for words in ("acts like", "How sure?", "What next?")]
    assert places == sorted(places)
    assert "itnet-nas certify RUN 5 --seeds 8" in text


def test_the_section_shows_the_trial_of_the_certificate() -> None:
    text = section(render(OF, RECORDS, STAMP, "RUN", Beside(certificate=certified(OF, BEST))))

    assert BEST.number != KNEE.number
    assert f"Trial {BEST.number}." in text


def test_without_a_probe_the_section_says_what_is_missing() -> None:
    text = section(render(OF, run(OF, 20), STAMP))

    assert "What the layers do was not measured." in text
    assert "itnet-nas certify RUN 5" in text
    assert "●" not in text


def test_a_task_that_is_not_solved_names_nobody_on_the_page() -> None:
    of = with_solved(OF, 1.2)
    text = section(render(of, RECORDS, STAMP, "RUN", Beside(certificate=certified(of, KNEE))))

    assert "Not solved: trial 5 reaches, over its seeds, 3.13 bits/byte of a ceiling of 1" in text
    assert not {"necessary", "preferred", "by chance"} & set(re.split(r"[ ,.]", text))
    assert "by chance" not in text


def test_a_written_page_has_the_certificate(tmp_path: Path) -> None:
    found = certified(OF, KNEE)

    path = write_report(
        OF, RECORDS, STAMP, tmp_path / "report.html", beside=Beside(certificate=found)
    )

    assert "necessary" in section(path.read_text(encoding="utf-8"))


CSS = (TEMPLATES / "report.css").read_text(encoding="utf-8")
THEMES = dict(zip(("light", "dark", "print"), re.findall(r":root\{(.*?)\}", CSS), strict=True))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("text", "ground"), [("on", "needs"), ("needs", "card"), ("dim", "card"), ("warn", "card")]
)
def test_every_verdict_can_be_read(theme: str, text: str, ground: str) -> None:
    light = dict(re.findall(r"--([a-z]+):(#[0-9a-fA-F]+)", THEMES["light"]))
    colours = {**light, **dict(re.findall(r"--([a-z]+):(#[0-9a-fA-F]+)", THEMES[theme]))}
    dark, bright = sorted(luminance(_full(colours[name])) for name in (text, ground))

    assert (bright + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_look_of_its_own(verdict: Verdict) -> None:
    assert f".v-{verdict.replace(' ', '-')}" in CSS


def _full(code: str) -> str:
    return code if len(code) == 7 else "#" + "".join(2 * part for part in code[1:])
