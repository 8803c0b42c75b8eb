"""The verbs that read a space file: check, show, schema, and a dry run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Invoke = Callable[..., Result]

TEXT = """\
version: 1
task: {name: python_source, context: 16}
network: {width: 8}
layers:
  - name: near
    kernels:
      identity: {}
      conv: {radius: [1, 2]}
  - name: far
    after: [near, {from: input, optional: true}]
    optional: true
    kernels:
      gru: {}
constraints: ["params <= 6000"]
training: {steps: 4, batch_size: 4}
search: {strategy: random, trials: 2, seed: 1}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A space of two layers on a task that every machine has."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT.replace("after: [near, {from: input, optional: true}]", "after: [near]"))
    return path


def test_a_sound_file_is_counted_and_priced(itnet_nas: Invoke, file: Path) -> None:
    result = itnet_nas("check", file)

    assert result.exit_code == 0
    lines = dict(line.split("\t", 1) for line in result.stdout.splitlines())
    assert lines["space"] == "tiny"
    assert lines["task"] == "python_source: causal sequence of 16"
    assert lines["layers"] == "2 of width 8"
    assert lines["objectives"] == "bits_per_byte min, flops min"
    assert lines["architectures"] == "6 raw, 6 distinct"
    assert set(lines) >= {"flops", "params"}
    assert result.stderr.endswith(
        f"{file} can be searched; next: itnet-nas search {file} --dry-run\n"
    )


def test_check_as_json_has_the_bounds(itnet_nas: Invoke, file: Path) -> None:
    data = json.loads(itnet_nas("check", file, "--json").stdout)

    assert data["schema"] == "itnet-nas/check/v1"
    assert (data["raw"], data["distinct"]) == (6, 6)
    assert data["costs"]["params"]["min"] < data["costs"]["params"]["max"]
    assert len(data["fingerprint"]) == 32


def test_every_problem_is_reported_with_its_place(itnet_nas: Invoke, file: Path) -> None:
    file.write_text(file.read_text().replace("conv:", "conf:").replace("width", "widht"))

    result = itnet_nas("check", file)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"{file}: ")
    assert f"{file}:3:" in result.stderr


def test_problems_are_json_where_that_is_asked_for(itnet_nas: Invoke, file: Path) -> None:
    file.write_text(file.read_text().replace("radius: [1, 2]", "radius: [0]"))

    result = itnet_nas("check", file, "--json")

    error = json.loads(result.stdout)["error"]
    assert result.exit_code == error["exit_code"] == 1
    assert error["kind"] == "SpaceError"
    assert [problem["line"] for problem in error["problems"]] == [8]


def test_constraints_that_nothing_meets_are_a_no(itnet_nas: Invoke, file: Path) -> None:
    file.write_text(file.read_text().replace("params <= 6000", "params <= 10"))

    result = itnet_nas("check", file)

    assert result.exit_code == 1
    assert "params" in result.stderr


def test_the_graph_is_drawn_as_text(itnet_nas: Invoke, file: Path) -> None:
    lines = itnet_nas("show", file).stdout.splitlines()

    assert lines[0] == "input: causal sequence of 16, 8 channels"
    assert lines[1] == "near <- input"
    assert lines[2] == f"    {'identity':<46}  point · permutation · no state · no content"
    assert lines[5] == "far? <- near"
    assert lines[-1] == "output <- far"


def test_the_graph_as_node_link_json_is_the_same_space(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    again = tmp_path / "tiny.json"

    itnet_nas("show", file, "--format", "node-link", "-o", again)

    fingerprints = [
        json.loads(itnet_nas("check", one, "--json").stdout)["fingerprint"] for one in (file, again)
    ]
    assert fingerprints[0] == fingerprints[1]


def test_the_graph_as_node_link_json_is_read_by_networkx(itnet_nas: Invoke, file: Path) -> None:
    import networkx as nx

    graph = nx.node_link_graph(
        json.loads(itnet_nas("show", file, "--format", "node-link").stdout), edges="edges"
    )

    assert nx.is_directed_acyclic_graph(graph)
    assert {"near", "far"} <= set(graph.nodes)


def test_a_graph_goes_into_a_file_with_json_too(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "graph.txt"

    data = json.loads(itnet_nas("show", file, "-o", target, "--json").stdout)

    assert (data["format"], data["output"]) == ("text", str(target))
    assert target.read_text(encoding="utf-8").startswith("input: ")


def test_graphml_can_be_read(itnet_nas: Invoke, file: Path, tmp_path: Path) -> None:
    import networkx as nx

    target = tmp_path / "tiny.graphml"

    itnet_nas("show", file, "--format", "graphml", "-o", target)

    assert {"near", "far"} <= set(nx.read_graphml(target).nodes)


def test_the_schema_knows_the_installed_families(itnet_nas: Invoke, tmp_path: Path) -> None:
    target = tmp_path / "space.schema.json"

    printed = itnet_nas("schema").stdout
    itnet_nas("schema", "-o", target)

    assert target.read_text(encoding="utf-8") == printed
    assert "position_mixer" in printed
    assert json.loads(printed)["type"] == "object"


def test_a_dry_run_says_the_plan_and_starts_nothing(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    result = itnet_nas("search", file, "--dry-run", "--run", folder, "--workers", 1)

    assert result.exit_code == 0
    lines = dict(line.split("\t", 1) for line in result.stdout.splitlines())
    assert lines["architectures"] == "6 raw, 6 distinct"
    assert lines["constraints"] == "params <= 6000"
    assert lines["feasible"].endswith("% of 1000 random architectures")
    assert lines["plan"] == "2 trials by random, 1 at a time"
    assert lines["each trial"] == "4 steps of 4 = 16 examples"
    assert result.stderr.endswith("nothing was started\n")
    assert not folder.exists()


def test_a_dry_run_as_json_has_the_share_of_the_feasible(itnet_nas: Invoke, file: Path) -> None:
    data = json.loads(itnet_nas("search", file, "--dry-run", "--json").stdout)

    assert data["schema"] == "itnet-nas/search/v1"
    assert data["dry_run"] is True
    assert 0 < data["feasible_share"] <= 1
    assert data["search"]["trials"] == 2
    assert data["run"] == "runs/tiny"


@pytest.mark.parametrize("time", ["ten", "5x", "-1m"])
def test_a_duration_that_is_none_is_a_usage_error(itnet_nas: Invoke, file: Path, time: str) -> None:
    result = itnet_nas("search", file, "--time", time)

    assert result.exit_code == 2
    assert f"'{time}' is no duration; write 90s, 10m, 2h or 1d." in result.stderr
