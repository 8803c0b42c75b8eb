"""A confirmation from the command line, in this process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from itnet_nas.results.confirm_ledger import called
from itnet_nas.results.record import Replicate
from itnet_nas.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import Outcome

    Invoke = Callable[..., Result]


@pytest.fixture
def confirmed_run(run_folder: Path) -> Path:
    """The run of four trials, its front trained again: error + 0.02, and the test split + 0.03."""
    with Store.open(run_folder, write=True) as store:
        for number in (0, 1):
            record = store.records()[number]
            error, flops = record.objectives["error"], record.objectives["flops"]
            replicates = tuple(
                Replicate(
                    seed=100 + step,
                    objectives={"error": error + 0.02 + 0.01 * step, "flops": flops},
                    test={"error": error + 0.03 + 0.01 * step},
                )
                for step in (-1, 0, 1)
            )
            store.confirmations.add_record(
                record.model_copy(
                    update={"replicates": replicates, "proposed_by": called(1, "rank alone")}
                )
            )
    return run_folder


@pytest.mark.slow
def test_a_run_is_confirmed_shown_and_exported(itnet_nas: Invoke, run: Path) -> None:
    result = itnet_nas("confirm", run, "--seeds", "2", "--backend", "local", "--json")

    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["schema"] == "itnet-nas/confirm/v1"
    assert (found["ended"], found["reads"], found["left"]) == ("done", 1, 0)
    assert {one["fresh"]["n"] for one in found["members"]} == {2}
    assert all(one["test"] is not None for one in found["members"])
    assert result.stderr.startswith("confirmation 1: 2 candidates under 2 fresh seeds each, 4 ")
    assert "Does the front hold under fresh seeds?" in (run / "report.html").read_text()
    trial = found["members"][0]["trial"]
    exported = itnet_nas("export", run, str(trial))
    assert exported.exit_code == 0, exported.stderr
    folder = run / "export" / str(trial)
    described = json.loads((folder / "architecture.json").read_text())
    assert described["confirmed"] == found["members"][0]
    assert "         confirmed: " in (folder / "model.py").read_text()


@pytest.mark.slow
def test_what_was_trained_does_not_change_the_front(itnet_nas: Invoke, run: Path) -> None:
    before = json.loads(itnet_nas("pareto", run, "--json").stdout)["front"]

    itnet_nas("confirm", run, "--seeds", "2", "--backend", "local")

    after = json.loads(itnet_nas("pareto", run, "--json").stdout)["front"]
    assert [one.pop("confirmed")["fresh"]["n"] for one in after] == [2] * len(after)
    assert after == before


@pytest.mark.slow
def test_a_confirmation_that_was_killed_goes_on_and_trains_nothing_twice(
    itnet_nas: Invoke, run: Path
) -> None:
    words = ["confirm", str(run), "--seeds", "40", "--backend", "local"]
    code = f"from itnet_nas.cli.main import main; main({words!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not _planned(run) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert _planned(run)  # and not all of it trained
    with Store.open(run) as store:
        seeds = store.confirmations.jobs()[0].seeds
        assert store.confirmations.pending()

    result = itnet_nas("confirm", run, "--backend", "local", "--json")

    assert result.exit_code == 0, result.stderr
    with Store.open(run) as store:
        records = store.confirmations.records()
    assert [record.number for record in records] == [0, 1]
    assert {tuple(one.seed for one in record.replicates) for record in records} == {seeds}


@pytest.mark.slow
def test_ctrl_c_keeps_what_had_ended_and_says_how_to_go_on(
    itnet_nas: Invoke, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from itnet_nas.train import evaluate as module

    plain = module.evaluate

    def stopped(job: TrialJob, report: object = None) -> Outcome:
        if job.number == 1:
            raise KeyboardInterrupt
        return plain(job)

    monkeypatch.setattr(module, "evaluate", stopped)
    result = itnet_nas("confirm", run, "--seeds", "2", "--backend", "local")

    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == f"go on: itnet-nas confirm {run}"
    assert "2 trainings left: what stands here is not whole" in result.stderr


@pytest.mark.ray
@pytest.mark.slow
def test_workers_give_what_this_process_gives(itnet_nas: Invoke, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    words = ["--seeds", "2", "--json"]

    ray = itnet_nas("confirm", run, "--workers", "2", *words)
    local = itnet_nas("confirm", other, "--backend", "local", *words)

    assert ray.exit_code == 0, ray.stderr
    assert json.loads(ray.stdout)["members"] == json.loads(local.stdout)["members"]


def _planned(run: Path) -> bool:
    with Store.open(run) as store:
        return bool(store.confirmations.jobs())


def test_a_second_confirmation_is_a_usage_error(itnet_nas: Invoke, confirmed_run: Path) -> None:
    with Store.open(confirmed_run, write=True) as store:
        store.confirmations.plan(
            [
                job.model_copy(update={"proposed_by": called(1, "rank alone")})
                for job in store.jobs()[:2]
            ]
        )

    result = itnet_nas("confirm", confirmed_run, "--backend", "local")

    assert result.exit_code == 2
    assert "was confirmed already and the test split read 1 time" in result.stderr


def test_nothing_can_be_confirmed_where_nothing_is_complete(
    itnet_nas: Invoke, empty_run: Path
) -> None:
    result = itnet_nas("confirm", empty_run, "--backend", "local")

    assert result.exit_code == 1
    assert result.stderr == (
        f"itnet-nas: no trial of {empty_run} is complete, so there is nothing to confirm; "
        f"`itnet-nas status {empty_run}` says what became of them\n"
    )


def test_a_run_that_is_being_searched_is_not_confirmed(itnet_nas: Invoke, run_folder: Path) -> None:
    with Store.open(run_folder, write=True):
        result = itnet_nas("confirm", run_folder, "--backend", "local")

    assert result.exit_code == 1
    assert "another process" in result.stderr


def test_one_seed_is_too_few(itnet_nas: Invoke, run_folder: Path) -> None:
    assert itnet_nas("confirm", run_folder, "--seeds", "1").exit_code == 2


def test_the_front_in_a_pipe_has_the_confirmed_figures_after_the_objectives(
    itnet_nas: Invoke, confirmed_run: Path
) -> None:
    head, first, second = itnet_nas("pareto", confirmed_run).stdout.splitlines()

    assert head.split("\t") == [
        *("trial", "error", "flops", "error_fresh", "error_low", "error_high", "seeds"),
        *("error_test", "error_test_low", "error_test_high", "p_nondominated", "mix1", "mix2"),
    ]
    assert float(first.split("\t")[3]) == pytest.approx(0.22)
    assert float(second.split("\t")[7]) == pytest.approx(0.13)


def test_the_front_says_how_optimistic_it_was_and_what_was_read(
    itnet_nas: Invoke, confirmed_run: Path
) -> None:
    said = itnet_nas("pareto", confirmed_run).stderr

    assert "search-time values were too good by 0.02 ± 0 on average over 2 members" in said
    assert "the test split was read once" in said


def test_the_front_as_json_has_the_confirmation(itnet_nas: Invoke, confirmed_run: Path) -> None:
    data = json.loads(itnet_nas("pareto", confirmed_run, "--json", "--pick", "best").stdout)

    assert data["confirmation"]["reads"] == 1
    assert data["confirmation"]["optimism"]["mean"] == pytest.approx(0.02)
    assert data["pick"]["trial"] == 1
    assert data["pick"]["confirmed"]["fresh"]["mean"] == pytest.approx(0.12)
    assert data["pick"]["confirmed"]["search"] == 0.1


def test_the_front_as_csv_has_them_too(itnet_nas: Invoke, confirmed_run: Path) -> None:
    text = itnet_nas("pareto", confirmed_run, "--csv").stdout

    assert text.startswith("trial,error,flops,error_fresh,error_low,error_high,seeds,error_test,")


def test_an_explanation_has_the_confirmed_figures(itnet_nas: Invoke, confirmed_run: Path) -> None:
    text = itnet_nas("explain", confirmed_run, "1").stdout
    data = json.loads(itnet_nas("explain", confirmed_run, "1", "--json").stdout)

    assert (
        "  confirmed: 0.120 ± 0.025 error over 3 fresh seeds, 0.1 at search time; test split "
        "0.130 ± 0.025; non-dominated with probability" in text
    )
    assert data["confirmed"]["test"]["mean"] == pytest.approx(0.13)


def test_a_trial_that_was_not_trained_again_has_none(
    itnet_nas: Invoke, confirmed_run: Path
) -> None:
    assert "confirmed" not in itnet_nas("explain", confirmed_run, "2").stdout
    assert (
        json.loads(itnet_nas("explain", confirmed_run, "2", "--json").stdout)["confirmed"] is None
    )
