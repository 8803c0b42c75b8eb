"""First trials out of what another run measured: which they are, and why there may be none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.tiny import ORIGIN, record_of, tiny_space

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.axes import Bias, Content, Sharing, State, Support
from itnet_nas.errors import RunError, SpaceError
from itnet_nas.kernels import Cost, Domain
from itnet_nas.results.measured import Estimate, LayerProbe, Scores
from itnet_nas.results.store import Store
from itnet_nas.search.jobs import make_job
from itnet_nas.search.run_search import resume_run, run_search
from itnet_nas.search.seeding import seed_jobs
from itnet_nas.space import load_space
from itnet_nas.space.space import Choice, Edge, Layer, Repeat, Space
from itnet_nas.space.spec import SearchSpec

SEQUENCE = Domain(kind="sequence", shape=(64,), causal=True)


def choice(family: str, flops: int, bias: Bias, **params: Any) -> Choice:
    return Choice(
        family=family,
        params=params,
        bias=bias,
        cost=Cost(flops=flops, params=10, state_bytes=0),
    )


def window(radius: int) -> Choice:
    bias = Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=radius)
    return choice("conv", 100 * radius, bias, radius=radius)


LOOKS = choice(
    "attention",
    900,
    Bias(support=Support.FULL, sharing=Sharing.PERMUTATION, content=Content.PAIR),
)
ANYTHING = choice(
    "integral",
    5_000,
    Bias(support=Support.FULL, sharing=Sharing.TRANSLATION, content=Content.PAIR),
)
MEAN = choice(
    "ssm",
    400,
    Bias(support=Support.FULL, sharing=Sharing.TRANSLATION, state=State.LINEAR, state_size=4),
)
CHOICES = (LOOKS, window(8), window(2), MEAN)


def space(
    *names: str, choices: tuple[Choice, ...] = CHOICES, seeds: object = None, **changes: Any
) -> Space:
    """A chain of layers with these choices each."""
    names = names or ("near", "far")
    plain = tiny_space()
    facts = plain.facts.model_copy(update={"domain": changes.pop("domain", SEQUENCE)})
    search = {"strategy": "random", "trials": changes.pop("trials", 6), "seeds": seeds}
    fields: dict[str, Any] = {
        "facts": facts,
        "layers": tuple(Layer(name=name, choices=choices) for name in names),
        "edges": tuple(
            Edge(source=source, target=target)
            for source, target in zip(["input", *names], [*names, "output"], strict=True)
        ),
        "kernel_origins": {one.family: ORIGIN for one in (*choices, ANYTHING)},
        "search": SearchSpec.model_validate(search),
    }
    return plain.model_copy(update={**fields, **changes})


def exactly(value: float) -> Estimate:
    return Estimate(value=value, low=value, high=value)


def probe(**figures: float) -> LayerProbe:
    scores = Scores(**{name: exactly(value) for name, value in figures.items()})
    return LayerProbe(trained=scores, budget="full", inputs=8, rows=8)


NEARBY = probe(
    self_share=0.2, extent=0.1, r90=2.0, causality=1.0, sharing=1.0, content=0.0, pattern=0.0,
    routing=0.0, state=0.0, horizon=1.3,
)  # fmt: skip
ROUTING = probe(
    self_share=0.5, extent=0.99, r90=50.0, causality=1.0, sharing=0.95, content=0.98, pattern=0.99,
    routing=0.8, state=0.0, horizon=17.0,
)  # fmt: skip


def run(
    folder: Path,
    *trials: tuple[float, dict[str, LayerProbe]],
    names: tuple[str, ...] = ("near", "far"),
    **changes: Any,
) -> Path:
    """A run of the general kernel, one trial for each (error, what was measured)."""
    made = space(*names, choices=(ANYTHING,), **changes)
    architecture = Architecture(
        width=made.width,
        mlp_ratio=made.mlp_ratio,
        layers=tuple(LayerChoice(name=name, family="integral", params={}) for name in names),
        edges=tuple(sorted((edge.source, edge.target) for edge in made.edges)),
    )
    with Store.create(folder, made) as store:
        for number, (error, measured) in enumerate(trials):
            job = make_job(
                made, made.search, architecture, number=number, seed=1, proposed_by="random",
                checkpoint=folder, keep_weights=False, probe=True,
            )  # fmt: skip
            store.add_job(job)
            record = record_of(job, error=error)
            store.add_record(record.model_copy(update={"probe": measured}))
    return folder


def labels(of: Space, folder: Path) -> list[str]:
    return [job.architecture.label for job in seed_jobs(of, folder)]


def test_a_run_without_seeds_begins_with_nothing(tmp_path: Path) -> None:
    assert seed_jobs(space(), tmp_path) == []


def test_every_layer_begins_as_the_family_that_it_became(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    found = labels(space(seeds={"from": str(other), "trials": 1}), tmp_path / "run")

    assert found == ["conv(radius=2) > attention"]


def test_layers_are_matched_by_name_before_they_are_matched_by_order(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    found = labels(space("far", "near", seeds={"from": str(other), "trials": 1}), tmp_path / "run")

    assert found == ["attention > conv(radius=2)"]


def test_layers_of_other_names_are_matched_by_order(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    found = labels(space("one", "two", seeds={"from": str(other), "trials": 1}), tmp_path / "run")

    assert found == ["conv(radius=2) > attention"]


def test_what_counts_is_the_best_trial_that_was_measured(tmp_path: Path) -> None:
    other = run(
        tmp_path / "other",
        (0.4, {"near": ROUTING, "far": ROUTING}),
        (0.2, {"near": NEARBY, "far": NEARBY}),
        (0.1, {}),
    )

    found = labels(space(seeds={"from": str(other), "trials": 1}), tmp_path / "run")

    assert found == ["conv(radius=2) > conv(radius=2)"]


def test_seeds_are_different_architectures_the_nearest_first(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    found = labels(space(seeds={"from": str(other), "trials": 3}), tmp_path / "run")

    assert found[0] == "conv(radius=2) > attention"
    assert len(set(found)) == 3


def test_of_families_at_the_same_distance_the_cheaper_one_is_first(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": ROUTING, "far": ROUTING}))
    cheap = LOOKS.model_copy(update={"family": "cheap", "cost": MEAN.cost})
    dear_first = (LOOKS, cheap)
    of = space(
        choices=dear_first,
        seeds={"from": str(other), "trials": 2},
        kernel_origins={"cheap": ORIGIN, "attention": ORIGIN},
    )

    found = labels(of, tmp_path / "run")

    assert found[0] == "cheap > cheap"
    assert found[1] in ("cheap > attention", "attention > cheap")


def test_there_are_no_more_seeds_than_trials(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    found = labels(space(seeds={"from": str(other), "trials": 5}, trials=2), tmp_path / "run")

    assert len(found) == 2


def test_seeds_obey_the_constraints(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))
    seeds = {"from": str(other), "trials": 1}
    (free,) = seed_jobs(space(seeds=seeds), tmp_path / "run")
    bound = f"flops < {free.costs['flops']:.0f}"

    (bound_job,) = seed_jobs(space(seeds=seeds, constraints=(bound,)), tmp_path / "run")

    assert bound_job.costs["flops"] < free.costs["flops"]


def test_a_layer_without_a_counterpart_is_the_cheapest_or_left_out(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))
    of = space("near", "extra", "more", seeds={"from": str(other), "trials": 1})
    near, extra, more = of.layers
    of = of.model_copy(update={"layers": (near, extra, more.model_copy(update={"optional": True}))})

    found = labels(of, tmp_path / "run")

    assert found == ["conv(radius=2) > conv(radius=2)"]


def test_a_repeat_has_as_many_copies_as_have_a_counterpart(tmp_path: Path) -> None:
    other = run(
        tmp_path / "other",
        (0.5, {"body_1": NEARBY, "body_2": ROUTING}),
        names=("body_1", "body_2"),
    )
    copies = (("body_1",), ("body_2",), ("body_3",))
    repeat = Repeat(name="body", counts=(1, 2, 3), copies=copies, tied=False)
    of = space(
        "body_1", "body_2", "body_3", repeats=(repeat,), seeds={"from": str(other), "trials": 1}
    )

    found = labels(of, tmp_path / "run")

    assert found == ["conv(radius=2) > attention"]


def test_seeds_say_who_proposed_them(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    jobs = seed_jobs(space(seeds={"from": str(other)}), tmp_path / "run")

    assert [(job.number, job.proposed_by) for job in jobs] == [
        (0, "seeds"), (1, "seeds"), (2, "seeds"),
    ]  # fmt: skip
    assert len({job.seed for job in jobs}) == 3


def wrong(of: Space, folder: Path, text: str = "") -> str:
    with pytest.raises(SpaceError) as raised:
        seed_jobs(of, folder, text)
    return str(raised.value)


def test_a_folder_without_a_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    said = wrong(space(seeds={"from": "runs/none"}), tmp_path)

    assert said == (
        "tiny: 1 problem\n\n"
        "tiny: search.seeds.from\n"
        '  there is no run in "runs/none": it has no run.sqlite\n'
        f"  name the folder of a run, as seen from {tmp_path}, or leave search.seeds out"
    )


def test_a_problem_has_its_place_in_the_file(tmp_path: Path) -> None:
    text = "version: 1\nsearch:\n  trials: 3\n  seeds: {from: runs/none}\n"

    said = wrong(space(seeds={"from": "runs/none"}), tmp_path, text)

    assert "tiny.yaml:4:17: search.seeds.from\n" in said


def test_a_run_in_which_nothing_is_complete_gives_no_seeds(tmp_path: Path) -> None:
    other = run(tmp_path / "other")

    said = wrong(space(seeds={"from": str(other)}), tmp_path)

    assert f'no trial of the run in "{other}" is complete' in said
    assert f"`itnet-nas resume {other}`" in said


def test_a_run_in_which_nothing_was_measured_gives_no_seeds(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {}))

    said = wrong(space(seeds={"from": str(other)}), tmp_path)

    assert f'no layer of the run in "{other}" was measured' in said
    assert "search that space again with `probe: true`, or leave search.seeds out" in said


def test_a_run_without_a_counterpart_gives_no_seeds(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    said = wrong(space("one", seeds={"from": str(other)}), tmp_path)

    assert (
        f'no layer here is called like one that was measured in "{other}" (near, far), and there '
        "are 1 here and 2 there, so order does not match them either"
    ) in said


def test_a_run_on_another_kind_of_domain_gives_no_seeds(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))
    grid = Domain(kind="grid", shape=(8, 8))

    said = wrong(space(seeds={"from": str(other)}, domain=grid), tmp_path)

    assert (
        "were measured on a causal sequence of 64, and here they stand on a grid of 8 x 8" in said
    )


def test_constraints_that_nothing_near_meets_are_a_problem(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))

    said = wrong(space(seeds={"from": str(other)}, constraints=("flops <= 1",)), tmp_path)

    assert "meets the constraints of this space: flops <= 1" in said


def real_space(**search: Any) -> Space:
    """Two layers on the source of Python, as small as they come."""
    return load_space(
        {
            "version": 1,
            "task": {"name": "python_source", "context": 64},
            "network": {"width": 8},
            "layers": [
                {"name": "near", "kernels": {"conv": {"radius": [2, 6]}, "gru": {}}},
                {"name": "far", "after": ["near"], "kernels": {"attention": {"heads": [2]}}},
            ],
            "training": {"steps": 1, "batch_size": 2},
            "search": {"strategy": "random", "trials": 2, "probe": False, **search},
        }
    )


def test_seeds_are_trained_before_the_strategy_proposes(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))
    seeded = real_space(seeds={"from": str(other), "trials": 1})

    run_search(seeded, tmp_path / "run", backend="local")

    with Store.open(tmp_path / "run") as store:
        first, second = store.records()
    assert first.proposed_by == "seeds"
    assert first.architecture.label.startswith("conv(radius=2")
    assert second.proposed_by == "random"


def test_going_on_with_a_seeded_run_needs_nothing_of_the_other_one(tmp_path: Path) -> None:
    other = run(tmp_path / "other", (0.5, {"near": NEARBY, "far": ROUTING}))
    seeded = real_space(seeds={"from": str(other), "trials": 2})
    folder = tmp_path / "run"
    with Store.create(folder, seeded, jobs=seed_jobs(seeded, folder)) as store:
        assert len(store.pending()) == 2  # and killed before anything was trained
    shutil.rmtree(other)

    summary = resume_run(folder, backend="local")

    assert summary.complete == 2
    with Store.open(folder) as store:
        assert [record.proposed_by for record in store.records()] == ["seeds", "seeds"]


def test_named_seeds_are_trained_in_their_order_each_once(tmp_path: Path) -> None:
    named = ["recurrent", {"near": "conv"}, "recurrent", {"near": {"conv": {"radius": 6}}}]

    run_search(real_space(seeds=named, trials=4), tmp_path / "run", backend="local")

    with Store.open(tmp_path / "run") as store:
        records = store.records()
    assert [record.architecture.layers[0].label for record in records[:3]] == [
        "gru",
        "conv(radius=2, channels=depthwise, dilation=1)",
        "conv(radius=6, channels=depthwise, dilation=1)",
    ]
    assert [record.proposed_by for record in records[:3]] == ["seeds"] * 3


def test_no_more_seeds_are_trained_than_trials_were_asked_for(tmp_path: Path) -> None:
    named = space(seeds=["recurrent", "attention", "convolution"], trials=2)

    found = labels(named, tmp_path)

    assert found == ["ssm > ssm", "attention > attention"]


def test_a_run_that_cannot_be_seeded_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(SpaceError):
        run_search(space(seeds={"from": str(tmp_path / "none")}), tmp_path / "run")

    with pytest.raises(RunError, match="there is no run"):
        Store.open(tmp_path / "run")
