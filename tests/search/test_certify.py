"""What a certificate trains, in which order, and how it goes on, without a backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny import chain, job_of, record_of, tiny_space

from itnet_nas.analysis.certificate import certificate
from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.errors import UsageError
from itnet_nas.results.record import Outcome, TrialError, TrialRecord
from itnet_nas.results.store import Store
from itnet_nas.results.swap_ledger import CertificateRequest
from itnet_nas.search.certify import Certifier, certify_run
from itnet_nas.search.session import paired_seeds
from itnet_nas.space.space import Space

BIASES = {
    "left": Bias(support=Support.WINDOW, radius=2, sharing=Sharing.TRANSLATION),
    "middle": Bias(support=Support.FULL, sharing=Sharing.TRANSLATION),
    "right": Bias(support=Support.FULL, sharing=Sharing.POSITION_SPECIFIC),
}
ERRORS = {"left": 0.1, "middle": 0.5, "right": 0.6}


def space_of_biases() -> Space:
    """One layer: a window, a long window, a rule of its own at every position."""
    plain = tiny_space(layers=1)
    choices = tuple(
        choice.model_copy(update={"bias": BIASES[choice.family]})
        for choice in plain.layers[0].choices
    )
    layer = plain.layers[0].model_copy(update={"choices": choices})
    # A space of its own: a copy would keep the fingerprint of the plain one.
    return Space.model_validate(plain.model_dump() | {"layers": (layer,)})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    space = space_of_biases()
    with Store.create(tmp_path / "run", space) as made:
        made.add_record(record_of(job_of(space, 0, chain(space, ["left"])), error=0.1))
        yield made


def certifier(store: Store, seeds: int = 5, trainings: int | None = None) -> Certifier:
    return Certifier(
        store.space,
        store.swaps,
        store.search,
        store.records()[0],
        CertificateRequest(trial=0, seeds=seeds),
        trials=store.records(),
        trainings=trainings,
    )


def train(one: Certifier, count: int = 100) -> list[tuple[str, int]]:
    """Let a backend of one worker work; returns (family, seed) of what was trained."""
    done = []
    while len(done) < count and (job := one.next_job()) is not None:
        family = job.architecture.layers[0].family
        done.append((family, job.seed))
        noise = 0.001 * (job.seed % 7)
        one.tell(Outcome(record=record_of(job, error=ERRORS[family] + noise)))
    return done


def test_every_architecture_is_trained_under_the_same_seeds_the_candidate_first(
    store: Store,
) -> None:
    done = train(certifier(store))

    first, second, third = paired_seeds(store.search.seed, 3)
    assert done[:3] == [("left", first), ("left", second), ("left", third)]
    assert {family for family, _ in done} == {"left", "middle", "right"}
    assert {seed for _, seed in done} <= set(paired_seeds(store.search.seed, 5))


def test_a_certificate_that_is_whole_is_over(store: Store) -> None:
    one = certifier(store)

    train(one)

    assert one.idle
    assert one.ended == "done"
    assert certifier(store).next_job() is None


def test_waiting_for_results_is_not_the_end(store: Store) -> None:
    one = certifier(store)
    jobs = []
    while (job := one.next_job()) is not None:
        jobs.append(job)

    assert len(jobs) == 9  # three seeds of three architectures
    assert not one.idle
    for job in jobs:
        one.tell(Outcome(record=record_of(job, error=ERRORS[job.architecture.layers[0].family])))
    assert one.next_job() is None
    assert one.idle


def test_a_certificate_that_was_killed_goes_on_and_trains_nothing_twice(store: Store) -> None:
    one = certifier(store)
    before = train(one, count=2)
    lost = one.next_job()
    assert lost is not None

    after = train(certifier(store))

    assert after[0] == (lost.architecture.layers[0].family, lost.seed)
    assert not set(before) & set(after)
    assert len(set(after)) == len(after)


def test_no_more_is_trained_than_was_allowed(store: Store) -> None:
    one = certifier(store, trainings=4)

    assert len(train(one)) == 4
    assert one.idle
    assert len(train(certifier(store, trainings=4))) >= 1


def test_progress_never_shows_more_than_all(store: Store) -> None:
    one = certifier(store)
    train(one, count=2)
    assert one.next_job() is not None  # lost with its session
    again = certifier(store, trainings=2)

    shown = []
    while (job := again.next_job()) is not None:
        again.tell(Outcome(record=record_of(job, error=ERRORS[job.architecture.layers[0].family])))
        shown.append((again.progress().done, again.progress().total))

    assert shown == [(1, 3), (2, 3), (3, 3)]


def test_a_training_of_a_certificate_keeps_no_weights_and_reads_no_probe(store: Store) -> None:
    job = certifier(store).next_job()

    assert job is not None
    assert not job.keep_weights
    assert not job.probe
    assert job.proposed_by == "certificate"


def test_a_training_that_fails_is_not_tried_for_ever(store: Store) -> None:
    one = certifier(store)
    while (job := one.next_job()) is not None:
        family = job.architecture.layers[0].family
        failure = TrialError(kind="non_finite", message="nan") if family == "middle" else None
        one.tell(Outcome(record=record_of(job, error=ERRORS[family], failure=failure)))

    assert one.idle


def test_what_was_trained_names_the_window_as_necessary(store: Store) -> None:
    train(certifier(store))

    found = certificate(
        store.space,
        store.records()[0],
        store.swaps.records(),
        seeds=paired_seeds(store.search.seed, 5),
    )

    verdicts = {axis.axis: str(axis.verdict) for axis in found.axes}
    assert verdicts["support"] == "necessary"
    assert verdicts["sharing"] == "necessary"
    assert verdicts["state"] == "not tested"


@pytest.mark.parametrize("number", [7, 1])
def test_only_a_complete_trial_is_certified(store: Store, number: int) -> None:
    failed: TrialRecord = record_of(
        job_of(store.space, 1, chain(store.space, ["right"])),
        failure=TrialError(kind="non_finite", message="nan"),
    )
    store.add_record(failed)
    store.close()

    with pytest.raises(UsageError, match=f"trial {number} of .*`itnet-nas pareto"):
        certify_run(store.folder, number, backend="local")
