from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from analysis.support import choice, deep_space, origin, run, space

from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.pick import pick
from itnet_nas.analysis.report import render, write_report
from itnet_nas.results.record import TrialError
from itnet_nas.space.space import Choice, Layer, Objective, TaskChoice

STAMP: dict[str, Any] = {
    "command": "itnet-nas search quickstart.yaml",
    "started": 1_764_000_000.0,
    "python": "3.11.9",
    "platform": "Linux",
    "versions": {"torch": "2.13.0", "ray": "2.60.0"},
    "git": "a58cf38630f1",
}
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Reads a page: its tags, its text, what it refers to; complains about tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


@pytest.mark.parametrize("trials", [0, 1, 2, 40, 400])
def test_the_page_is_well_formed_at_any_size(trials: int) -> None:
    of = deep_space()
    page = Page(render(of, run(of, trials), STAMP))

    assert page.wrong == []
    assert page.open == []


@pytest.mark.parametrize("trials", [0, 40])
def test_the_page_refers_to_nothing_outside_itself(trials: int) -> None:
    of = space()
    text = render(of, run(of, trials), STAMP)
    page = Page(text)

    assert "http" not in text
    assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    assert not re.search(r"url\(|@import", text)
    for tag, attributes in page.tags:
        assert "src" not in attributes
        assert tag not in ("link", "img", "iframe", "object")
        assert (attributes.get("href") or "#").startswith("#")


def test_every_link_leads_somewhere() -> None:
    of = space()
    page = Page(render(of, run(of, 40), STAMP))
    places = {attributes.get("id") for _, attributes in page.tags}
    links = {a["href"] for tag, a in page.tags if tag == "a" and a["href"]}

    assert links
    assert {link.removeprefix("#") for link in links} <= places


def test_four_hundred_trials_stay_below_400_kilobytes() -> None:
    of = deep_space()

    assert len(render(of, run(of, 400), STAMP).encode()) < 400_000


def test_two_thousand_trials_are_still_a_page() -> None:
    of = deep_space(8)
    records = run(of, 2000)
    text = render(of, records, STAMP)

    assert Page(text).wrong == []
    assert len(text.encode()) < 1_000_000
    assert all(f'id="t{member.number}"' in text for member in front(of, records))


def test_text_from_files_stays_text() -> None:
    attack = '<script>alert("1")</script>'
    of = space(
        name=attack,
        task=TaskChoice(name="task", params={"folder": attack}),
        layers=(
            Layer(name=attack, choices=(choice("conv3"),)),
            Layer(
                name="memory",
                choices=(
                    Choice(**{**choice("gru").model_dump(), "family": attack}),
                    Choice(**{**choice("ssm").model_dump(), "params": {"mode": attack}}),
                ),
            ),
        ),
        edges=({"source": "input", "target": attack}, {"source": attack, "target": "memory"},
               {"source": "memory", "target": "output"}),
        kernel_origins={name: origin(name) for name in ("conv", "gru", "ssm", attack)},
    )  # fmt: skip
    failure = TrialError(kind=attack, message=attack)
    records = [
        one if one.error is None else one.model_copy(update={"error": failure})
        for one in run_with_any_family(of)
    ]
    stamp = {**STAMP, "command": attack, "git": attack, "versions": {attack: attack}}

    text = render(of, records, stamp, run=attack)
    page = Page(text)

    assert any(one.error for one in records)
    assert page.count("script") == 1
    assert attack not in text
    assert page.text.count(attack) > 10
    assert page.wrong == []


def run_with_any_family(of):  # type: ignore[no-untyped-def]
    """Records without a made-up quality: the names of the families are not those of the table."""
    from random import Random

    from analysis.support import record

    from itnet_nas.arch.sample import sample

    rng = Random(1)
    failure = TrialError(kind="x", message="x")
    return [
        record(of, n, sample(of, rng), failure if n % 3 == 2 else None, bits_per_byte=3 - n / 10)
        for n in range(9)
    ]


def test_a_run_without_trials_says_so() -> None:
    text = Page(render(space(), [], {})).text

    assert "No trial has ended yet." in text
    assert "local (5 kernels), memory (5 kernels)" in text
    assert "bits_per_byte (less is better), flops (less is better)" in text
    assert "itnet-nas status RUN" in text


def test_a_run_where_everything_failed_says_so_and_why() -> None:
    of = space()
    text = Page(render(of, run(of, 5, failing=1.0), STAMP)).text

    assert (
        "None of 5 trials is complete, so there is no front yet. What went wrong is below." in text
    )
    assert "the loss was nan" in text


def test_a_running_search_says_how_far_it_is() -> None:
    of = space()
    text = Page(render(of, run(of, 7), STAMP)).text

    assert "7 of 20 planned trials have ended" in text
    assert "itnet-nas resume RUN" in text


def test_the_page_begins_with_the_verdict_on_the_knee() -> None:
    of = space()
    records = run(of, 20)
    knee = pick(of, front(of, records), "knee")
    text = Page(render(of, records, STAMP)).text

    assert (
        "conv(radius=6) then ssm(state_size=8): 3.166 bits/byte at 8.25 MFLOP; 0.306 bits/byte "
        "worse than the best found (trial 19), for 1.4 times less FLOP." in text
    )
    assert f"The candidate: trial {knee.number}" in text
    assert "one seed per trial: differences below the seed-to-seed spread are ties" in text


def test_every_member_of_the_front_has_a_row_with_its_biases() -> None:
    of = space()
    records = run(of, 20)
    page = Page(render(of, records, STAMP))

    rows = [a["data-t"] for tag, a in page.tags if tag == "tr" and "data-t" in a]
    assert rows == [str(member.number) for member in front(of, records)]
    assert "full · translation · feedback · path content" in page.text


def test_biases_are_called_declared() -> None:
    of = space()
    text = Page(render(of, run(of, 20), STAMP)).text

    assert "○ declared by the kernel's family." in text
    assert "not measured: this trial was not probed" in text
    assert "○ window(6)" in text


def test_families_without_a_complete_trial_are_listed() -> None:
    of = space()
    text = Page(render(of, run(of, 1, failing=0), STAMP)).text

    assert "local: identity, conv, attention" in text
    assert "memory: conv, attention, ssm, gru" in text


def test_failures_are_grouped_with_one_example() -> None:
    of = space()
    records = run(of, 60, failing=0.3)
    kinds = [one.error.kind for one in records if one.error]
    text = Page(render(of, records, STAMP)).text

    for kind in set(kinds):
        assert f"{kind} in {kinds.count(kind)} trials" in text


def test_a_very_long_message_is_cut() -> None:
    of = space()
    records = run(of, 3, failing=1.0)
    long = records[0].model_copy(update={"error": TrialError(kind="x", message="y" * 10_000)})

    assert len(render(of, [long], STAMP)) < 20_000


def test_the_stamp_has_what_it_takes_to_repeat_the_run() -> None:
    of = space()
    text = Page(render(of, run(of, 20), STAMP)).text

    for words in (
        "itnet-nas search quickstart.yaml",
        "evolution, 20 trials, seed 0",
        of.fingerprint,
        of.facts.data,
        "PSF-2.0",
        "torch 2.13.0, ray 2.60.0",
        "3.11.9",
        "a58cf38630f1",
    ):
        assert words in text


def test_a_stamp_that_knows_nothing_leaves_nothing_empty() -> None:
    of = space()
    text = render(of, run(of, 20), {})

    assert "git commit" not in text
    assert "<dd></dd>" not in text


def test_the_next_commands_name_the_run_and_the_candidate() -> None:
    of = space()
    records = run(of, 20)
    text = Page(render(of, records, STAMP, run="my runs/a")).text

    assert "itnet-nas explain 'my runs/a' 5" in text
    assert "itnet-nas pareto 'my runs/a' --pick 'flops<=8700000'" in text


def test_the_suggested_bound_holds_for_the_candidate() -> None:
    of = deep_space()
    for seed in range(8):
        records = run(of, 60, seed=seed)
        members = front(of, records)
        knee = pick(of, members, "knee")
        text = Page(render(of, records, STAMP)).text
        rule = re.findall(r"--pick '([^']*)'", text)[0]

        assert (
            pick(of, members, rule).objectives["bits_per_byte"]
            <= (knee.objectives["bits_per_byte"])
        )


def test_two_costs_are_two_pictures() -> None:
    of = deep_space(objectives=(*space().objectives, Objective(name="latency_ms", direction="min")))
    page = Page(render(of, run(of, 60), STAMP))

    labels = [a.get("aria-label") for tag, a in page.tags if tag == "svg"]
    assert labels == [
        "bits_per_byte against flops",
        "bits_per_byte against latency_ms",
        "Effects of options on bits/byte",
        "Hypervolume over trials, beside random search, estimated",
    ]


def test_the_same_records_give_the_same_page() -> None:
    of = space()
    records = run(of, 20)

    assert render(of, records, STAMP) == render(of, records, STAMP)


def test_writing_replaces_the_file_and_leaves_no_draft(tmp_path: Path) -> None:
    of = space()
    target = tmp_path / "report.html"
    target.write_text("old")

    found = write_report(of, run(of, 3), STAMP, target)

    assert found == target
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "</html>" in target.read_text(encoding="utf-8")


def test_reading_results_needs_neither_torch_nor_ray_nor_pandas() -> None:
    code = (
        "import sys\n"
        "import itnet_nas.analysis.report, itnet_nas.analysis.terminal\n"
        "import itnet_nas.results.frame\n"
        "print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"torch", "ray", "pandas", "itnet_kernels"} & set(done.stdout.split())


def test_the_page_does_not_depend_on_the_order_of_hashes() -> None:
    tests = Path(__file__).parent.parent
    code = (
        f"import sys; sys.path.insert(0, {str(tests)!r})\n"
        "from analysis.support import run, space\n"
        "from itnet_nas.analysis.report import render\n"
        "of = space()\n"
        "print(render(of, run(of, 40, failing=0.3), {}))"
    )

    pages = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    ]

    assert pages[0] == pages[1] == pages[2]
