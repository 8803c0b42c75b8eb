"""`explain --replace`: layers of a kept network give way to others, from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.short_window import SHORT_WINDOW

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.results.store import Store
from itnet_nas.search.jobs import make_job
from itnet_nas.space.load import load_space
from itnet_nas.train.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Invoke = Callable[..., Result]

SPACE = {
    "version": 1,
    "task": {"name": "python_source", "context": 16},
    "network": {"width": 8},
    "layers": [
        {
            "name": "mix",
            "kernels": {
                "identity": {},
                "conv": {"radius": [1, 2]},
                "gru": {},
                "attention": {"heads": [2], "position": ["rotary"], "window": [None]},
            },
        }
    ],
    "training": {"steps": 20, "batch_size": 4},
    "search": {"strategy": "random", "trials": 1, "seed": 1},
}


@pytest.fixture(scope="module")
def made() -> tuple[Any, Any]:
    """A trained window and its space."""
    space = load_space(SPACE)
    choice = next(c for c in space.layers[0].choices if c.params.get("radius") == 1)
    member = Architecture(
        width=space.width,
        mlp_ratio=space.mlp_ratio,
        layers=(LayerChoice(name="mix", family=choice.family, params=choice.params),),
        edges=(("input", "mix"), ("mix", "output")),
    )
    job = make_job(
        space,
        space.search,
        member,
        number=0,
        seed=0,
        proposed_by="random",
        keep_weights=True,
        probe=False,
    )
    return space, (job, evaluate(job))


@pytest.fixture
def run(made: tuple[Any, Any], tmp_path: Path) -> Callable[..., Path]:
    """Writes the run of that one trial, with or without a probe and weights."""

    def write(probe: bool = True, weights: bool = True) -> Path:
        space, (job, outcome) = made
        folder = tmp_path / "run"
        probes = {"mix": SHORT_WINDOW} if probe else {}
        with Store.create(folder, space) as store:
            store.add_job(job)
            store.add_record(outcome.record.model_copy(update={"probe": probes}))
            if weights:
                store.save_weights(0, outcome.weights)
        return folder

    return write


def test_a_layer_gives_way_to_a_match_a_mismatch_and_a_copy(
    itnet_nas: Invoke, run: Callable[..., Path]
) -> None:
    result = itnet_nas("explain", run(), 0, "--replace")

    assert result.exit_code == 0, result.stderr
    test = result.stdout[result.stdout.index("replacement test") :]
    assert re.sub(r"([+-]?\d+\.\d+(e-\d+)?|±0)", "y", test) == (
        "replacement test of trial 0: bits/byte, + is worse, beside the same network without a "
        "replacement\n"
        "  each replacement: 3 steps to fit it alone, then 1 of the whole network; seed 0\n"
        "  without a replacement: y, after 1 step more y\n"
        "\n"
        "mix: acts like short window; conv(radius=1, channels=depthwise, dilation=1) was trained\n"
        "  match        conv(radius=2, channels=depthwise, dilation=1): y\n"
        "  other family long_conv: y\n"
        "  cheapest     locally_connected(radius=1, groups=4): y\n"
        "  mismatch     attention(heads=2, position=none, window=None): y\n"
        "  fresh copy   conv(radius=1, channels=depthwise, dilation=1): y\n"
    )


def test_the_command_says_that_it_trains_and_what(
    itnet_nas: Invoke, run: Callable[..., Path]
) -> None:
    said = itnet_nas("explain", run(), 0, "--replace").stderr.splitlines()

    assert said[0] == "training 1 of 6: without a replacement"
    assert said[-1].startswith("training 6 of 6: mix by conv(radius=1")


def test_the_figures_are_in_the_json_with_what_each_lost(
    itnet_nas: Invoke, run: Callable[..., Path]
) -> None:
    data = json.loads(itnet_nas("explain", run(), 0, "--replace", "--json").stdout)

    found = data["replacements"]
    match = found["layers"][0]["replacements"]["match"]
    assert data["schema"] == "itnet-nas/explain/v1"
    assert match["matches"] is True
    assert match["lost"] == pytest.approx(match["drop"] - found["continued"]["drop"])


def test_nothing_is_trained_unless_it_is_asked_for(
    itnet_nas: Invoke, run: Callable[..., Path]
) -> None:
    result = itnet_nas("explain", run(), 0, "--json")

    assert result.stderr == ""
    assert "replacements" not in json.loads(result.stdout)


def test_nothing_is_written_by_the_test(itnet_nas: Invoke, run: Callable[..., Path]) -> None:
    folder = run()
    before = contents(folder)

    itnet_nas("explain", folder, 0, "--replace")

    assert contents(folder) == before


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file but those by which readers of the database find each other."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def test_a_trial_without_weights_cannot_be_replaced(
    itnet_nas: Invoke, run: Callable[..., Path]
) -> None:
    result = itnet_nas("explain", run(weights=False), 0, "--replace")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        "itnet-nas: the weights of trial 0 (complete) were not kept; a run keeps those of the front"
    )


def test_a_trial_that_was_not_measured_cannot_be_replaced(
    itnet_nas: Invoke, run: Callable[..., Path]
) -> None:
    result = itnet_nas("explain", run(probe=False), 0, "--replace")

    assert result.exit_code == 1
    assert result.stderr == (
        "itnet-nas: layer mix of trial 0 was not measured, so nothing says what a replacement has "
        "to match; search again with `probe: true` under `search:` of the file\n"
    )
