"""The verbs that read a run."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Invoke = Callable[..., Result]


def test_the_front_in_a_pipe_is_tsv_cheapest_first(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("pareto", run_folder)

    assert result.exit_code == 0
    assert result.stdout == (
        "trial\terror\tflops\tmix1\tmix2\n"
        "0\t0.2\t2000.0\tconv(radius=1)\tgru\n"
        "1\t0.1\t4000.0\tconv(radius=1)\tattention(heads=2)\n"
    )


def test_the_front_as_json_has_what_the_schema_promises(
    itnet_nas: Invoke, run_folder: Path
) -> None:
    result = itnet_nas("pareto", run_folder, "--json")

    data = json.loads(result.stdout)
    assert result.stderr == ""
    assert data["schema"] == "itnet-nas/pareto/v1"
    assert data["trials"] == 4
    assert data["hypervolume"] > 0
    assert set(data["reference"]) == {"error", "flops"}
    assert [member["trial"] for member in data["front"]] == [0, 1]
    first = data["front"][0]
    assert len(first["key"]) == 32
    assert (first["error"], first["flops"]) == (0.2, 2000.0)
    assert first["layers"]["mix1"] == {
        "family": "conv",
        "params": {"radius": 1},
        "bias": {
            "support": "window",
            "sharing": "translation",
            "state": "none",
            "content": "none",
            "entry": [],
            "radius": 1,
            "dilation": 1,
            "state_size": None,
        },
    }


def test_the_front_as_csv_reads_back(itnet_nas: Invoke, run_folder: Path) -> None:
    rows = list(csv.reader(io.StringIO(itnet_nas("pareto", run_folder, "--csv").stdout)))

    assert rows[0] == ["trial", "error", "flops", "mix1", "mix2"]
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("rule", "number"), [("best", 1), ("cheapest", 0), ("flops<=3000", 0), ("flops <= 4e3", 1)]
)
def test_a_rule_picks_one_member(
    itnet_nas: Invoke, run_folder: Path, rule: str, number: int
) -> None:
    data = json.loads(itnet_nas("pareto", run_folder, "--json", "--pick", rule).stdout)

    assert data["pick"]["trial"] == number
    assert data["pick"]["rule"] == rule


def test_an_unknown_rule_is_a_usage_error(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("pareto", run_folder, "--pick", "nicest")

    assert result.exit_code == 2
    assert "nicest" in result.stderr


def test_a_rule_may_bound_the_quality(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("pareto", run_folder, "--pick", "error >= 0.2")

    assert result.stdout.splitlines()[1].startswith("0\t0.2\t")
    assert result.stderr == (f"best within error >= 0.2\nnext: itnet-nas explain {run_folder} 0\n")


def test_a_bound_that_nothing_meets_is_a_no(itnet_nas: Invoke, run_folder: Path) -> None:
    assert itnet_nas("pareto", run_folder, "--pick", "flops<=1").exit_code == 1


def test_no_front_is_a_no_that_says_where_to_look(itnet_nas: Invoke, empty_run: Path) -> None:
    result = itnet_nas("pareto", empty_run)

    assert result.exit_code == 1
    assert result.stderr == (
        f"itnet-nas: no trial of {empty_run} is complete, so there is no front; "
        f"`itnet-nas status {empty_run}` says what became of them\n"
    )


def test_status_counts_and_groups_failures(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("status", run_folder)

    assert result.exit_code == 0
    assert result.stdout == (
        "what\tis\n"
        "space\ttoy\n"
        "trials\t4 of 6\n"
        "complete\t3\n"
        "failed\t1\n"
        "running or interrupted\t1\n"
        "front\t0 1\n"
        "time in trials\t8 s\n"
        "sessions\t1\n"
    )
    assert result.stderr == (
        "1 failed with non_finite, as in trial 3: the loss was nan at step 3\n"
        f"next: itnet-nas resume {run_folder}\n"
    )


def test_status_as_json_is_whole(itnet_nas: Invoke, run_folder: Path) -> None:
    data = json.loads(itnet_nas("status", run_folder, "--json").stdout)

    assert data["schema"] == "itnet-nas/status/v1"
    assert data["states"] == {"complete": 3, "stopped": 0, "failed": 1, "infeasible": 0}
    assert data["pending"] == [4]
    assert data["failures"] == [
        {"kind": "non_finite", "count": 1, "trial": 3, "message": "the loss was nan at step 3"}
    ]


def test_an_explanation_names_biases_and_swaps(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("explain", run_folder, 1)

    key = "key"
    lines = result.stdout.splitlines()
    assert lines[3].startswith("  seed 7, proposed by random, key ")
    lines[3] = key
    assert "\n".join(lines) == (
        "trial 1: complete\n"
        "  conv(radius=1) then attention(heads=2): 0.1 error at 4 kFLOP; no trial was better. "
        "Its layers have different biases.\n"
        "  on the front: no other trial is at least as good in every objective\n"
        "key\n"
        "\n"
        "mix1\n"
        "  family   conv\n"
        "  params   radius=1\n"
        "  support  ○ window(1)\n"
        "  sharing  ○ translation\n"
        "  state    ○ none\n"
        "  content  ○ none\n"
        "  cost     1.52 kFLOP, 26 %\n"
        "           122 parameters, 22 %\n"
        "  tried    in 2 of 3 complete trials\n"
        "  front    in 2 of 2 members\n"
        "  swapped  gru: error +0.05, flops +1 k (trial 2)\n"
        "\n"
        "mix2\n"
        "  family   attention\n"
        "  params   heads=2\n"
        "  support  ○ full\n"
        "  sharing  ○ permutation\n"
        "  state    ○ none\n"
        "  content  ○ pair\n"
        "  cost     4.02 kFLOP, 69 %\n"
        "           392 parameters, 70 %\n"
        "  tried    in 2 of 3 complete trials\n"
        "  front    in 1 of 2 members; gru in 1\n"
        "  swapped  gru: error +0.1, flops -2 k (trial 0)\n"
        "\n"
        "○ declared by the kernel's family, not measured\n"
        "swaps compare single trials of one seed: a small change may be noise"
    )


def test_an_explanation_as_json_has_each_layer_whole(itnet_nas: Invoke, run_folder: Path) -> None:
    data = json.loads(itnet_nas("explain", run_folder, 1, "--json").stdout)

    layer = data["layers"][1]
    assert (layer["layer"], layer["family"], layer["params"]) == ("mix2", "attention", {"heads": 2})
    assert layer["bias"]["content"] == "pair"
    assert layer["evidence"] == dict.fromkeys(
        ["support", "sharing", "state", "content"], "declared"
    )
    assert layer["cost"]["flops"]["amount"] == 4024.0
    assert 0 < layer["cost"]["flops"]["share"] < 1
    assert layer["kernels_on_front"] == {"gru": 1, "attention(heads=2)": 1}


def test_an_explanation_says_who_dominates(itnet_nas: Invoke, run_folder: Path) -> None:
    data = json.loads(itnet_nas("explain", run_folder, 2, "--json").stdout)

    assert data["schema"] == "itnet-nas/explain/v1"
    assert data["on_front"] is False
    assert data["dominated_by"] == [1]


def test_an_explanation_of_a_dominated_trial_names_who_is_better(
    itnet_nas: Invoke, run_folder: Path
) -> None:
    assert (
        "  off the front: trial 1 is at least as good in every objective\n"
        in itnet_nas("explain", run_folder, 2).stdout
    )


def test_a_failure_is_explained_by_its_error(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("explain", run_folder, 3)

    assert result.exit_code == 0
    assert "  non_finite: the loss was nan at step 3" in result.stdout.splitlines()


def test_a_trial_without_a_record_is_a_usage_error(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("explain", run_folder, 99)

    assert result.exit_code == 2
    assert result.stderr == f"itnet-nas: {run_folder} has no record of trial 99: trials 0 to 3\n"


def test_the_table_has_every_trial_also_the_failed(itnet_nas: Invoke, run_folder: Path) -> None:
    lines = itnet_nas("table", run_folder).stdout.splitlines()

    assert len(lines) == 5
    assert "failed" in lines[4].split("\t")


def test_the_table_as_json_has_null_for_what_is_missing(
    itnet_nas: Invoke, run_folder: Path
) -> None:
    data = json.loads(itnet_nas("table", run_folder, "--json").stdout)

    assert data["schema"] == "itnet-nas/table/v1"
    assert [row["flops"] for row in data["rows"]] == [2000.0, 4000.0, 5000.0, None]


def test_parquet_comes_back_as_it_went(itnet_nas: Invoke, run_folder: Path, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    target = tmp_path / "trials.parquet"

    result = itnet_nas("table", run_folder, "-o", target)

    assert result.exit_code == 0
    assert list(pandas.read_parquet(target)["number"]) == [0, 1, 2, 3]


def test_a_table_goes_into_a_file_with_json_too(
    itnet_nas: Invoke, run_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "trials.csv"

    data = json.loads(itnet_nas("table", run_folder, "-o", target, "--json").stdout)

    assert data == {
        "schema": "itnet-nas/table/v1",
        "run": str(run_folder),
        "count": 4,
        "output": str(target),
    }
    assert len(target.read_text(encoding="utf-8").splitlines()) == 5


def test_only_a_command_that_failed_has_an_error_in_its_json(
    itnet_nas: Invoke, run_folder: Path
) -> None:
    data = json.loads(itnet_nas("explain", run_folder, 3, "--json").stdout)

    assert "error" not in data
    assert data["failure"] == "non_finite: the loss was nan at step 3"


def test_parquet_needs_a_file(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("table", run_folder, "--format", "parquet")

    assert result.exit_code == 2
    assert result.stderr == "itnet-nas: parquet is no text; say where it goes with -o FILE\n"


def test_one_row_per_layer_can_be_had(itnet_nas: Invoke, run_folder: Path) -> None:
    lines = itnet_nas("table", run_folder, "--layers").stdout.splitlines()

    assert len(lines) == 1 + 4 * 2


def test_the_report_is_one_file_in_the_run(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("report", run_folder)

    path = run_folder / "report.html"
    assert result.stdout == f"{path}\n"
    assert "<html" in path.read_text(encoding="utf-8")


def test_a_record_is_exported_as_json(itnet_nas: Invoke, run_folder: Path, tmp_path: Path) -> None:
    from itnet_nas.results.record import TrialRecord

    target = tmp_path / "one.json"

    itnet_nas("export", run_folder, 1, "--format", "json", "-o", target)

    assert TrialRecord.model_validate_json(target.read_text()).number == 1


def test_weights_are_exported_byte_for_byte(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("export", run_folder, 1, "--format", "weights")

    assert result.stdout == f"{run_folder / 'export' / '1.pt'}\n"
    assert (run_folder / "export" / "1.pt").read_bytes() == b"weights of trial 1"


def test_weights_that_were_not_kept_are_a_no(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("export", run_folder, 0, "--format", "weights")

    assert result.exit_code == 1
    assert result.stderr == (
        "itnet-nas: the weights of trial 0 (complete) were not kept; a run keeps those of the "
        "front, or with --keep-weights all those of every complete trial\n"
    )


def test_the_page_names_the_run_in_its_commands(itnet_nas: Invoke, run_folder: Path) -> None:
    itnet_nas("report", run_folder)

    page = (run_folder / "report.html").read_text(encoding="utf-8")
    assert f"itnet-nas explain {run_folder} 1" in page
    assert "RUN is the folder" not in page


def test_a_report_that_cannot_be_written_names_the_file(
    itnet_nas: Invoke, run_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")

    result = itnet_nas("report", run_folder, "-o", tmp_path / "taken" / "x.html")

    assert result.exit_code == 1
    assert result.stderr == (
        f"itnet-nas: {tmp_path / 'taken' / 'x.html'} cannot be written: File exists\n"
    )


@pytest.mark.parametrize("verb", ["status", "pareto", "table", "report", "explain"])
def test_a_damaged_run_is_a_sentence(itnet_nas: Invoke, run_folder: Path, verb: str) -> None:
    import sqlite3

    with contextlib.closing(sqlite3.connect(run_folder / "run.sqlite")) as database, database:
        database.execute("UPDATE records SET json = '{}' WHERE number = 1")

    result = itnet_nas(verb, run_folder, *(["1"] if verb == "explain" else []))

    assert result.exit_code == 1
    assert result.stderr == (
        f"itnet-nas: {run_folder / 'run.sqlite'} is damaged (a TrialRecord: number: Field "
        "required); restore a copy of it, or start a new run\n"
    )


def test_a_run_that_cannot_be_written_is_not_resumed(itnet_nas: Invoke, run_folder: Path) -> None:
    (run_folder / "lock").unlink(missing_ok=True)
    (run_folder / "lock").mkdir()

    result = itnet_nas("resume", run_folder, "--backend", "local")

    assert result.exit_code == 1
    assert result.stderr.endswith(
        f"itnet-nas: {run_folder / 'lock'} cannot be written: Is a directory\n"
    )


def test_a_run_with_broken_pages_is_a_sentence(itnet_nas: Invoke, run_folder: Path) -> None:
    database = run_folder / "run.sqlite"
    pages = database.read_bytes()
    database.write_bytes(pages[:4096] + b"\xff" * (len(pages) - 4096))

    result = itnet_nas("status", run_folder)

    assert result.exit_code == 1
    assert "is damaged (" in result.stderr


def test_the_shares_of_a_layer_stand_beside_chance(itnet_nas: Invoke, run_folder: Path) -> None:
    lines = itnet_nas("status", run_folder, "--layers").stdout.splitlines()

    assert lines[0] == "layer\tfamily\tbest 3\tfront\tchance\tcomplete\tfailed"
    assert lines[1] == f"mix1\tconv\t{2 / 3!r}\t1.0\t{1 / 3!r}\t2\t0"
    assert len(lines) == 1 + 2 * 3


@pytest.mark.parametrize(
    "words", [["status"], ["pareto"], ["table"], ["report"]], ids=lambda words: words[0]
)
def test_looking_leaves_the_records_as_they_are(
    itnet_nas: Invoke, run_folder: Path, words: list[str]
) -> None:
    before = (run_folder / "run.sqlite").read_bytes()

    itnet_nas(*words, run_folder)

    assert (run_folder / "run.sqlite").read_bytes() == before
