"""What a search takes over from another run, and what it says of the rest."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.landscape import planted_record, planted_space, run_search

from itnet_nas.analysis.pareto import front
from itnet_nas.arch.sample import sample
from itnet_nas.errors import RunError, SpaceError
from itnet_nas.results.record import Outcome, TrialRecord, TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller
from itnet_nas.search.priors import split
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.seeding import seed_jobs
from itnet_nas.search.warm_start import warm_start
from itnet_nas.space.space import Space, TaskChoice
from itnet_nas.space.spec import SearchSpec

SPACE = planted_space(layers=2)


def run(folder: Path, space: Space = SPACE, trials: int = 12, **changes: Any) -> list[TrialRecord]:
    """A run of random trials, with weights that say whose they are."""
    records = run_search(RandomSearcher(), space, trials)
    if changes:
        records = [record.model_copy(update=changes) for record in records]
    with Store.create(folder, space) as store:
        for record in records:
            store.add_record(record)
            store.save_weights(record.number, f"of {record.key}".encode())
    return records


def made(space: Space = SPACE, **changes: Any) -> Space:
    """A space of its own: a copy would keep the fingerprint."""
    return Space(**{**{name: getattr(space, name) for name in Space.model_fields}, **changes})


def begun(folder: Path, space: Space = SPACE, **search: Any) -> Space:
    """The space with a warm start from `folder`."""
    settings = {"strategy": "random", "trials": 5, "warm_start": str(folder), **search}
    return made(space, search=SearchSpec.model_validate(settings))


def elsewhere(**changes: Any) -> Space:
    """The same space on another task."""
    return made(task=TaskChoice(name="other", params={}), **changes)


def wrong(space: Space, text: str = "") -> str:
    with pytest.raises((RunError, SpaceError)) as caught:
        warm_start(space, text)
    return str(caught.value)


def test_a_search_without_a_warm_start_takes_nothing() -> None:
    taken = warm_start(SPACE)

    assert (taken.results, taken.priors, taken.notes) == ((), (), ())


def test_trials_of_the_same_task_are_results_with_new_numbers(tmp_path: Path) -> None:
    there = run(tmp_path / "a", trials=4)[1:]
    shutil.rmtree(tmp_path / "a")
    with Store.create(tmp_path / "a", SPACE) as store:
        for record in there:
            store.add_record(record)

    taken = warm_start(begun(tmp_path / "a"))

    assert [record.number for record in taken.results] == [0, 1, 2]
    assert [record.objectives for record in taken.results] == [one.objectives for one in there]
    assert {record.imported for record in taken.results} == {str(tmp_path / "a")}
    assert {record.proposed_by for record in taken.results} == {"imported"}
    assert taken.priors == ()
    assert taken.notes == (f"3 results taken over from {tmp_path / 'a'}, not trained again",)


def test_whoever_trained_a_result_first_stays_its_origin(tmp_path: Path) -> None:
    run(tmp_path / "b", imported="runs/first")

    taken = warm_start(begun(tmp_path / "b"))

    assert {record.imported for record in taken.results} == {"runs/first"}


def test_what_is_no_member_failed_or_breaks_a_constraint_is_left_with_its_count(
    tmp_path: Path,
) -> None:
    wide = planted_space(layers=2)
    records = run(tmp_path / "a", wide, trials=40)
    failed = planted_record(wide, 40, sample(wide, Random("f")), state=TrialState.FAILED)
    stopped = planted_record(wide, 41, sample(wide, Random("g")), state=TrialState.STOPPED)
    with Store.open(tmp_path / "a", write=True) as store:
        store.add_record(failed)
        store.add_record(stopped)
    first = wide.layers[0]
    kept = tuple(choice for choice in first.choices if choice.params["size"] < 5)
    limit = sorted(record.objectives["flops"] for record in records)[30]
    narrow = made(
        wide,
        layers=(first.model_copy(update={"choices": kept}), wide.layers[1]),
        constraints=(f"flops <= {limit}",),
    )

    taken = warm_start(begun(tmp_path / "a", narrow))

    foreign = [r for r in records if r.architecture.layers[0].params["size"] == 5]
    dear = [r for r in records if r not in foreign and r.objectives["flops"] > limit]
    assert foreign
    assert dear
    assert len(taken.results) == 40 - len(foreign) - len(dear)
    (note,) = taken.notes
    assert f"{len(dear)} break a constraint of this space" in note
    assert note.endswith(", 1 failed, 1 for other reasons")
    assert 'size=5) at the layer "mix1"' in note


def test_weights_of_the_front_come_along(tmp_path: Path) -> None:
    run(tmp_path / "a")
    space = begun(tmp_path / "a")

    taken = warm_start(space)
    with Store.create(tmp_path / "b", space, taken=taken) as store:
        kept = {record.number: store.weights(record.number) for record in store.records()}

    members = {record.number: record.key for record in front(space, taken.results)}
    assert 0 < len(members) < len(kept)
    assert kept == {
        number: f"of {members[number]}".encode() if number in members else None for number in kept
    }


@pytest.mark.parametrize(("keep", "kept"), [("all", 12), ("none", 0)])
def test_weights_come_along_as_they_are_kept(tmp_path: Path, keep: str, kept: int) -> None:
    run(tmp_path / "a")

    assert len(warm_start(begun(tmp_path / "a", keep_weights=keep)).weights) == kept


def test_what_was_imported_counts_for_no_budget_and_is_not_proposed(tmp_path: Path) -> None:
    there = run(tmp_path / "a", trials=12)
    space = begun(tmp_path / "a", trials=5)
    with Store.create(tmp_path / "b", space, taken=warm_start(space)) as store:
        controller = Controller(space, store, RandomSearcher(), space.search)
        jobs = []
        while (job := controller.next_job()) is not None:
            jobs.append(job)
            record = planted_record(space, job.number, job.architecture)
            controller.tell(Outcome(record=record))

        progress = controller.progress()
        records = store.records()

    assert [job.number for job in jobs] == [12, 13, 14, 15, 16]
    assert not {job.architecture.key for job in jobs} & {record.key for record in there}
    assert (progress.done, progress.total, progress.eta) == (5, 5, 0.0)
    assert controller.ended == "done"
    assert len(records) == 17
    best = min(record.objectives["error"] for record in records)
    assert progress.best["error"] == best


def test_seeds_that_were_trained_there_are_not_trained_again(tmp_path: Path) -> None:
    there = run(tmp_path / "a")
    first = {layer.name: {layer.family: layer.params} for layer in there[0].architecture.layers}
    space = begun(tmp_path / "a", seeds=[first, {"mix1": {"left": {"size": 5}}, "mix2": "left"}])
    taken = warm_start(space)

    jobs = seed_jobs(
        space, tmp_path / "b", first=len(taken.results), known={one.key for one in taken.results}
    )

    assert [job.number for job in jobs] == [12]
    assert jobs[0].architecture.label == "left(size=5) > left(size=1)"


def test_a_run_killed_while_it_takes_over_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "a")
    space = begun(tmp_path / "a", keep_weights="all")
    copies: list[str] = []

    def killed(source: Path, target: Path) -> None:
        copies.append(str(target))
        target.write_bytes(b"half")
        if len(copies) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("itnet_nas.results.store.shutil.copyfile", killed)
        with pytest.raises(KeyboardInterrupt):
            Store.create(tmp_path / "b", space, taken=warm_start(space))
    with pytest.raises(RunError, match="there is no run"):
        Store.open(tmp_path / "b")

    # What the first attempt left behind does not come back in the second.
    with Store.create(tmp_path / "b", SPACE) as store:
        assert store.weights(0) is None


def test_going_on_needs_nothing_of_the_other_run(tmp_path: Path) -> None:
    run(tmp_path / "a")
    space = begun(tmp_path / "a", trials=1)
    Store.create(tmp_path / "b", space, taken=warm_start(space)).close()
    shutil.rmtree(tmp_path / "a")

    with Store.open(tmp_path / "b", write=True) as store:
        controller = Controller(store.space, store, RandomSearcher(), store.search)
        job = controller.next_job()

    assert job is not None
    assert job.number == 12


def test_trials_of_another_task_are_priors(tmp_path: Path) -> None:
    other = elsewhere()
    records = run(tmp_path / "a", other)
    space = begun(tmp_path / "a")

    taken = warm_start(space)
    with Store.create(tmp_path / "b", space, taken=taken) as store:
        found, results = store.priors.records(), store.records()

    assert [record.key for record in found] == [record.key for record in records]
    assert results == []
    assert split(space, found) == ([], found)
    assert taken.notes == (
        f"told beforehand of 12 trials of {tmp_path / 'a'}: no results, since its task is other",
    )


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            made(facts=SPACE.facts.model_copy(update={"data": "another"})),
            "its data differ",
        ),
        (
            made(recipe=SPACE.recipe.model_copy(update={"steps": 1})),
            "its recipe differs",
        ),
        (
            made(task=TaskChoice(name="made_up", params={"length": 3})),
            "its task has other params",
        ),
    ],
    ids=["data", "recipe", "params"],
)
def test_other_data_params_or_another_recipe_make_priors_too(
    tmp_path: Path, other: Space, why: str
) -> None:
    run(tmp_path / "a", other)

    taken = warm_start(begun(tmp_path / "a"))

    assert len(taken.priors) == 12
    assert split(SPACE, taken.priors) == ([], list(taken.priors))
    assert taken.notes[0].endswith(why)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            made(width=8),
            'no trial of the run in "A" can be used here: width: 8 there, 4 here; make width the '
            "same, or search without another run",
        ),
        (
            made(
                objectives=(
                    SPACE.objectives[0],
                    SPACE.objectives[1].model_copy(update={"name": "params"}),
                )
            ),
            'no trial of the run in "A" can be used here: objectives: error min, params min there, '
            "error min, flops min here; make objectives the same, or search without another run",
        ),
        (
            elsewhere(
                objectives=(
                    SPACE.objectives[0].model_copy(update={"direction": "max"}),
                    SPACE.objectives[1],
                )
            ),
            'no trial of the run in "A" can be used here: quality: error max there, error min '
            "here; make quality the same, or search without another run",
        ),
        (
            planted_space(layers=3),
            '0 of 12 trials of the run in "A" can be used here: 12 with a layer "mix3"; take a run '
            "whose layers, families and params are offered here too, or search without another run",
        ),
    ],
    ids=["width", "objectives", "quality", "layers"],
)
def test_a_run_that_cannot_be_used_says_why(tmp_path: Path, other: Space, why: str) -> None:
    run(tmp_path / "a", other)

    said = wrong(begun(tmp_path / "a"))

    assert said.replace(str(tmp_path / "a"), "A") == why


def test_a_setting_of_the_file_has_its_place(tmp_path: Path) -> None:
    run(tmp_path / "a", planted_space(layers=3))
    text = f"version: 1\nsearch:\n  warm_start: {tmp_path / 'a'}\n"

    said = wrong(begun(tmp_path / "a"), text)

    assert said.startswith(
        "tiny.yaml: 1 problem\n\ntiny.yaml:3:15: search.warm_start\n  0 of 12 trials of the run in "
    )


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    said = wrong(begun(tmp_path / "none"))

    assert said.startswith(f'there is no run in "{tmp_path / "none"}": it has no run.sqlite; ')


def test_a_run_without_trials_has_nothing_to_give(tmp_path: Path) -> None:
    run(tmp_path / "a", trials=0)

    assert "0 of 0 trials" in wrong(begun(tmp_path / "a"))
    assert "none has ended" in wrong(begun(tmp_path / "a"))


def test_records_whose_cost_is_counted_otherwise_now_are_left(tmp_path: Path) -> None:
    layer = SPACE.layers[0]
    dearer = tuple(
        one.model_copy(update={"cost": one.cost.model_copy(update={"flops": one.cost.flops + 1})})
        for one in layer.choices
    )
    before = made(layers=(layer.model_copy(update={"choices": dearer}), SPACE.layers[1]))
    run(tmp_path / "a", before)

    assert "12 their cost is counted otherwise now" in wrong(begun(tmp_path / "a"))


def test_a_measured_constraint_of_this_space_judges_what_is_taken(tmp_path: Path) -> None:
    run(tmp_path / "a", trials=1, figures={"latency_ms": 5.0})
    run(tmp_path / "b", trials=1)
    strict = made(constraints=("latency_ms <= 4",))

    (record,) = warm_start(begun(tmp_path / "a", strict)).results

    assert record.state is TrialState.INFEASIBLE
    assert "1 without latency_ms" in wrong(begun(tmp_path / "b", strict))
