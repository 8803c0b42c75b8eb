from __future__ import annotations

import pytest
from analysis.certificates import certified, probed_run
from analysis.probes import KNOWN, probe
from analysis.support import deep_space, run, space

from itnet_nas.analysis.bias_table import bias_table
from itnet_nas.analysis.learned import Learned, expressed_layers, learned
from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.pick import pick
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Space
from itnet_nas.tasks import Metric


def section(
    of: Space, records: list[TrialRecord], *, tested: bool = False, rule: str = "knee"
) -> Learned:
    members = front(of, records)
    shown = pick(of, members, rule)
    return learned(
        of,
        shown,
        pick(of, members, "best"),
        bias_table(of, records),
        "RUN",
        certified(of, shown) if tested else None,
    )


def with_solved(of: Space, solved: float) -> Space:
    first, *others = of.facts.metrics
    stated = Metric(**{**first.model_dump(), "ceiling": 1.0, "solved": solved})
    facts = of.facts.model_copy(update={"metrics": (stated, *others)})
    return of.model_copy(update={"facts": facts})


def test_the_lead_says_what_each_layer_acts_like() -> None:
    of = space()

    assert section(of, probed_run(of)).lead == (
        "local acts like a short window and memory acts like a recurrence. "
        "Whether the task needs it was not tested."
    )


def test_the_lead_says_what_the_task_needs_once_it_was_tested() -> None:
    of = space()

    assert section(of, probed_run(of), tested=True).lead == (
        "local acts like a short window and memory acts like a recurrence. The task needs full "
        "support at memory. It prefers translation sharing at memory, but not surely."
    )


def test_without_a_probe_only_what_is_declared_is_there() -> None:
    of = space()
    found = section(of, run(of, 20))

    assert found.lead == (
        "What the layers do was not measured. Whether the task needs it was not tested."
    )
    assert [cell.marked for _, cell in found.rows[0].cells] == [
        "○ window(6)",
        "○ translation",
        "○ none",
        "○ none",
    ]
    assert not found.measured


def test_a_row_has_the_share_of_its_family_beside_chance() -> None:
    of = space()
    records = probed_run(of)
    table = bias_table(of, records)
    row = section(of, records).rows[1]
    share = next(one for one in table.layers[1].shares if one.family == row.family)

    assert (row.share, row.chance) == (share.in_best, share.chance)


def test_a_tested_row_says_what_is_lost_and_on_which_axis() -> None:
    of = space()
    found = section(of, probed_run(of), tested=True)
    memory = found.rows[1]

    assert memory.verdict == "necessary"
    assert memory.needs == ("support",)
    assert memory.dearest == "support"
    assert memory.lost.count(" ± ") == 1
    assert memory.together == "support with state; sharing with state and content"


def test_a_row_whose_every_axis_may_go_is_not_identified() -> None:
    of = space()
    local = section(of, probed_run(of), tested=True).rows[0]

    assert local.verdict == "not identified"
    assert local.needs == ("support", "sharing", "state", "content")


def test_what_parts_stands_in_the_row() -> None:
    of = space()

    assert section(of, probed_run(of)).rows[0].partings == (
        "may look 6 positions far, but 90 % lies within 2",
    )


def test_a_task_that_is_not_solved_names_nobody() -> None:
    of = with_solved(space(), 1.2)
    found = section(of, probed_run(of), tested=True)

    assert found.warns
    assert "needs" not in found.lead.replace("to need", "")
    for row in found.rows:
        assert row.verdict == "not solved"
        assert row.share is None
        assert row.lost == row.together == ""
        assert row.needs == row.sentences == ()


def test_a_task_that_is_solved_is_named_as_always() -> None:
    of = with_solved(space(), 4.0)

    assert section(of, probed_run(of), tested=True).rows[1].verdict == "necessary"


def test_a_certificate_of_another_trial_is_left_aside() -> None:
    of = space()
    records = probed_run(of)
    members = front(of, records)
    best, knee = pick(of, members, "best"), pick(of, members, "knee")

    found = learned(of, best, best, bias_table(of, records), "RUN", certified(of, knee))

    assert not found.tested
    assert all(row.verdict is None for row in found.rows)


def test_layers_that_are_left_out_keep_their_row() -> None:
    of = deep_space()
    found = section(of, probed_run(of, 60))

    assert [row.layer for row in found.rows] == [layer.name for layer in of.layers]
    assert any(row.kernel is None and not row.cells for row in found.rows)


@pytest.mark.parametrize("name", ["sharp causal attention", "GRU", "identity", "long conv"])
def test_each_kind_of_layer_has_its_article(name: str) -> None:
    of = space()
    trained = KNOWN[name][0]
    records = [
        one.model_copy(update={"probe": dict.fromkeys(one.bias, probe(trained))})
        if one.complete
        else one
        for one in run(of, 20)
    ]
    articles = {
        "sharp causal attention": "attention",
        "GRU": "a gated recurrence",
        "identity": "a pointwise map",
        "long conv": "a long convolution",
    }

    assert f"local acts like {articles[name]}" in section(of, records).lead


def test_only_probed_layers_are_expressed() -> None:
    of = space()
    record = next(one for one in probed_run(of) if one.complete)
    partly = record.model_copy(update={"probe": {"memory": record.probe["memory"]}})

    assert list(expressed_layers(of, partly)) == ["memory"]
