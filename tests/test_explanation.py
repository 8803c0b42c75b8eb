from __future__ import annotations

import json

from analysis.certificates import certified, probed_run
from analysis.support import run, space
from analysis.test_learned import with_solved

from itnet_nas.analysis.explained import Explanation
from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.pick import pick
from itnet_nas.explanation import explain
from itnet_nas.results.record import TrialRecord

OF = space()
RECORDS = probed_run(OF)
KNEE = pick(OF, front(OF, RECORDS), "knee")


def explanation_of(record: TrialRecord) -> Explanation:
    return explain(OF, RECORDS, record)


def test_a_probed_layer_says_what_it_acts_like_and_what_each_axis_shows() -> None:
    text = str(explain(OF, RECORDS, KNEE))

    assert (
        "  params   radius=6\n"
        "  acts     like a short window\n"
        "  support  ● near: 90 % within 2 (may: window(6))\n"
        "             r90 2.0 [1.6, 2.4] · extent 0.06 [0.04, 0.08]\n"
        "             in training r90 6.0 → 2.0, extent 0.15 → 0.06, self share 0.19 → 0.28\n"
        "  sharing  ● the same everywhere (may: translation)\n"
        "             sharing 1.00 [0.98, 1.00]\n"
        "  state    ● none: the past is kept apart (may: none)\n"
        "             state 0.00 [0.00, 0.02] · horizon 2.2 [1.8, 2.6]\n"
        "             in training horizon 3.4 → 2.2\n"
        "  content  ● no influence (may: none)\n"
        "             routing 0.00 [0.00, 0.02] · pattern 0.00 [0.00, 0.02] · "
        "content 0.00 [0.00, 0.02]\n"
        "  parts    may look 6 positions far, but 90 % lies within 2\n"
        "  cost     "
    ) in text


def test_a_layer_of_the_general_kernel_says_what_it_came_nearest_to() -> None:
    record = KNEE.model_copy(
        update={
            "architecture": KNEE.architecture.model_copy(
                update={
                    "layers": tuple(
                        layer.model_copy(update={"family": "integral"})
                        for layer in KNEE.architecture.layers
                    )
                }
            )
        }
    )

    general, known = explanation_of(record), explanation_of(KNEE)

    assert all(layer.nearest for layer in general.layers)
    assert dict(general.layers[0].nearest)["nearest"].startswith("conv(radius=2), distance 0.00")
    assert "  nearest  conv(radius=2), distance 0.00" in str(general)
    assert not any(layer.nearest for layer in known.layers)


def test_the_marks_are_explained_and_what_they_rest_on() -> None:
    text = str(explain(OF, RECORDS, KNEE))

    assert (
        "\n\n● measured on the trained layer, figures with their 95 % intervals\n"
        "○ declared by the kernel's family, not measured\n"
        "measured: Jacobians on 24 examples of validation data, 1728 rows, budget full; figures in "
        "brackets are 95 % intervals\n"
    ) in text


def test_without_a_probe_nothing_is_called_measured() -> None:
    plain = run(OF, 20)
    found = explain(OF, plain, plain[KNEE.number])

    assert "●" not in str(found)
    assert "not tested" not in str(found)
    assert found.sure == ()


def test_a_certificate_adds_a_sentence_per_axis() -> None:
    found = explain(OF, RECORDS, KNEE, certified(OF, KNEE))
    lines = [line for layer in found.layers for line in layer.says]

    assert len(lines) == 8
    assert lines[4].startswith("support necessary: without full support (state changes too) the ")
    assert "  tested   support necessary: without full support" in str(found)


def test_a_certificate_of_another_trial_adds_nothing() -> None:
    best = pick(OF, front(OF, RECORDS), "best")

    assert explain(OF, RECORDS, best, certified(OF, KNEE)) == explain(OF, RECORDS, best)


def test_a_task_that_is_not_solved_says_so() -> None:
    of = with_solved(OF, 1.2)

    text = str(explain(of, RECORDS, KNEE))

    assert (
        "Not solved: the best trial (19) reaches 2.86 bits/byte of a ceiling of 1, and the task "
        "counts as solved from 1.2 on. No layer is said to need its bias.\n"
    ) in text


def test_a_task_that_is_not_solved_names_no_layer() -> None:
    of = with_solved(OF, 1.2)

    found = explain(of, RECORDS, KNEE, certified(of, KNEE))

    assert all(layer.says == layer.tested == () for layer in found.layers)


def test_the_same_is_there_as_json() -> None:
    found = explain(OF, RECORDS, KNEE, certified(OF, KNEE))

    plain = json.loads(json.dumps(found.as_json()))

    layer = plain["layers"][0]
    assert layer["evidence"] == dict.fromkeys(
        ["support", "sharing", "state", "content"], "measured"
    )
    assert layer["expressed"]["acts_like"] == "short window"
    assert layer["expressed"]["scores"]["r90"] == {
        "trained": [2, 1.6, 2.4],
        "initial": [6, 5.6, 6.4],
    }
    assert layer["expressed"]["axes"]["support"]["declared"] == "window(6)"
    assert plain["layers"][1]["tested"][0]["verdict"] == "necessary"
