"""One job, several seeds, one record."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_builders import BRANCHES, architecture, job

from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import CurvePoint, TrialRecord, TrialState
from itnet_nas.train.evaluate import evaluate

PLUGINS = Path(__file__).parents[1] / "nn" / "plugins"
NOISY = architecture({"a": ("shift", {"radius": 1}), "b": ("noisy", {})})
DIVERGING = architecture({"mix": ("diverging", {})})


def several(*seeds: int, member: Any = BRANCHES, **changes: Any) -> TrialJob:
    return job(member, seed=seeds[0], seeds=seeds, **{"steps": 15, **changes})


def one_by_one(here: TrialJob) -> list[TrialRecord]:
    return [
        evaluate(here.model_copy(update={"seed": seed, "seeds": ()})).record for seed in here.seeds
    ]


def test_the_record_has_a_replicate_of_every_seed() -> None:
    record = evaluate(several(4, 0, 9)).record

    assert record.state is TrialState.COMPLETE
    assert record.seed == 4
    assert record.steps == 15
    assert [each.seed for each in record.replicates] == [4, 0, 9]


def test_objectives_are_means_over_the_seeds() -> None:
    record = evaluate(several(4, 0, 9)).record

    for name in ("error", "flops"):
        values = [each.objectives[name] for each in record.replicates]
        assert record.objectives[name] == pytest.approx(sum(values) / 3, rel=1e-12)


def test_replicates_are_what_jobs_of_one_seed_each_give() -> None:
    here = several(4, 0, 9, member=NOISY)

    record = evaluate(here).record

    alone = one_by_one(here)
    assert [each.objectives for each in record.replicates] == [each.objectives for each in alone]
    assert record.figures["bits"] == sum(each.figures["bits"] for each in alone) / 3


def test_seeds_that_are_trained_together_give_what_each_gives_alone() -> None:
    here = several(4, 0, 9)

    record = evaluate(here).record

    assert record.apart == ""
    for found, alone in zip(record.replicates, one_by_one(here), strict=True):
        assert found.objectives == pytest.approx(alone.objectives, rel=1e-4)


def test_the_record_says_why_seeds_were_trained_one_after_the_other() -> None:
    assert evaluate(several(4, 0, member=NOISY)).record.apart == (
        "a step of training draws random numbers"
    )


def test_a_measured_cost_is_measured_of_one_network_at_a_time() -> None:
    record = evaluate(several(4, 0, measure=("latency_ms",))).record

    assert record.apart == "latency_ms can be measured of one network at a time"
    assert record.figures["latency_ms"] > 0


def test_early_figures_are_of_one_training_at_a_time() -> None:
    record = evaluate(several(4, 0, measure_at=(5,))).record

    assert record.apart == "early figures are of one training at a time"
    assert [point.step for point in record.curve] == [5, 10, 15]


def test_a_large_batch_is_trained_one_after_the_other() -> None:
    record = evaluate(several(4, 0, batch_size=400, steps=1)).record

    assert record.apart == (
        "38,400 numbers in a batch are more than the 32,768 up to which together is faster"
    )


def test_one_seed_is_a_training_like_any_other() -> None:
    here = several(4)

    record = evaluate(here).record

    assert record.apart == "there is one seed"
    assert record.objectives == one_by_one(here)[0].objectives


def test_metrics_of_the_test_split_are_read_only_where_they_are_wanted() -> None:
    assert [each.test for each in evaluate(several(4, 0)).record.replicates] == [{}, {}]


def test_each_seed_has_its_metrics_of_the_test_split() -> None:
    record = evaluate(several(4, 0, test=True)).record

    assert record.apart == ""
    assert [set(each.test) for each in record.replicates] == [{"error", "bits"}] * 2
    assert record.replicates[0].test != record.replicates[1].test
    assert not [name for name in record.figures if name.startswith("test_")]


def test_the_curve_is_the_mean_curve() -> None:
    here = several(1, 2, member=NOISY)

    record = evaluate(here).record

    curves = [each.curve for each in one_by_one(here)]
    assert [point.step for point in record.curve] == [10, 15]
    for at, point in enumerate(record.curve):
        bits = [curve[at].metrics["bits"] for curve in curves]
        assert point.metrics["bits"] == sum(bits) / 2


def test_there_is_no_probe() -> None:
    record = evaluate(several(1, 2, probe=True)).record

    assert record.probe == {}
    assert record.probe_error == ""


def test_the_weights_are_those_of_the_first_seed() -> None:
    here = several(3, 1, member=NOISY, keep_weights=True)

    weights = evaluate(here).weights

    assert weights == evaluate(here.model_copy(update={"seeds": ()})).weights


def test_no_weights_are_kept_unasked() -> None:
    assert evaluate(several(3, 1, keep_weights=False)).weights is None


def test_the_same_seeds_give_the_same_record() -> None:
    first, again = (evaluate(several(3, 1)).record for _ in range(2))

    assert first.reproducible() == again.reproducible()


@pytest.mark.slow
def test_another_process_gives_the_same_record() -> None:
    here = several(4, 0, 9)
    code = (
        "import sys; from itnet_nas.results.job import TrialJob; "
        "from itnet_nas.train.evaluate import evaluate; "
        "job = TrialJob.model_validate_json(sys.stdin.read()); "
        "print(evaluate(job).record.model_dump_json())"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        input=here.model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PLUGINS), *sys.path])},
    )

    record = evaluate(here).record
    assert record.apart == ""
    theirs = type(record).model_validate_json(done.stdout)
    assert theirs.reproducible() == record.reproducible()


def test_a_seed_that_diverges_fails_the_record_and_is_named() -> None:
    record = evaluate(several(5, 6, member=DIVERGING)).record

    assert record.state is TrialState.FAILED
    assert record.steps == 3
    assert record.objectives == {}
    assert record.replicates == ()
    assert record.error is not None
    assert record.error.kind == "non_finite"
    assert record.error.message == (
        "seed 5: the loss is nan at step 3; a lower learning rate or a longer warm-up may help"
    )


def test_a_seed_that_overflows_beside_others_is_named() -> None:
    record = evaluate(several(5, 6, lr=1e30, warmup=0)).record

    assert record.state is TrialState.FAILED
    assert record.apart == ""
    assert record.error is not None
    assert record.error.kind == "non_finite"
    assert record.error.message.startswith(("seed 5: the ", "seed 6: the "))


def test_an_exception_of_a_plugin_names_the_seed() -> None:
    error = evaluate(several(5, 6, member=architecture({"mix": ("raising", {})}))).record.error

    assert error is not None
    assert error.message == "seed 5: this family cannot"


def test_a_false_answer_stops_every_seed() -> None:
    seen: list[CurvePoint] = []

    record = evaluate(several(5, 6), lambda point: bool(seen.append(point))).record

    assert record.state is TrialState.STOPPED
    assert record.steps == 10
    assert record.replicates == ()
    assert set(record.objectives) == {"error", "flops"}


def test_no_checkpoint_is_left(tmp_path: Any) -> None:
    evaluate(several(5, 6, checkpoint=str(tmp_path), checkpoint_every=5))

    assert list(tmp_path.iterdir()) == []
