"""A whole search over real text, as a user starts it: same figures everywhere, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from itnet_nas import open_run
from itnet_nas.results.record import TrialRecord
from itnet_nas.results.store import Store

pytestmark = [pytest.mark.ray, pytest.mark.slow]

COMMAND = Path(sys.executable).parent / "itnet-nas"
SPACE = """\
version: 1
task: {name: python_source, context: 32}
network: {width: 16}
layers:
  - name: first
    kernels:
      conv: {radius: [2, 6]}
      attention: {heads: [2], position: [rotary]}
      identity: {}
  - name: second
    after: [first]
    kernels:
      gru: {}
      ssm: {}
      identity: {}
objectives: [bits_per_byte, flops]
training: {steps: STEPS, batch_size: 8}
search: {strategy: random, trials: TRIALS, seed: 3}
"""


def space_file(folder: Path, trials: int, steps: int = 20) -> Path:
    path = folder / "space.yaml"
    path.write_text(SPACE.replace("STEPS", str(steps)).replace("TRIALS", str(trials)))
    return path


def command(*words: object, code: int = 0) -> str:
    done = subprocess.run(
        [str(COMMAND), *map(str, words)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def records(run: Path) -> list[TrialRecord]:
    with Store.open(run) as store:
        return store.records()


def reproducible(run: Path) -> list[dict[str, Any]]:
    return [record.reproducible() for record in records(run)]


@pytest.fixture(scope="module")
def on_two_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    command("search", space_file(folder, trials=6), "--run", folder / "run", "--workers", 2)
    return folder / "run"


@pytest.mark.parametrize("where", [("--workers", 1), ("--backend", "local")], ids=str)
def test_records_are_the_same_wherever_the_trials_ran(
    on_two_workers: Path, tmp_path: Path, where: tuple[object, ...]
) -> None:
    command("search", space_file(tmp_path, trials=6), "--run", tmp_path / "run", *where)

    assert reproducible(tmp_path / "run") == reproducible(on_two_workers)


def test_another_seed_gives_other_trials(on_two_workers: Path, tmp_path: Path) -> None:
    command(
        *("search", space_file(tmp_path, trials=6), "--run", tmp_path / "run"),
        *("--backend", "local", "--seed", 4),
    )

    assert reproducible(tmp_path / "run") != reproducible(on_two_workers)


def test_pareto_as_json_holds_the_front_and_its_biases(on_two_workers: Path) -> None:
    found = json.loads(command("pareto", on_two_workers, "--json"))

    assert found["schema"] == "itnet-nas/pareto/v1"
    assert found["trials"] == 6
    assert 0 < found["hypervolume"] <= 1
    assert found["front"]
    for member in found["front"]:
        assert {"trial", "key", "bits_per_byte", "flops", "layers"} <= member.keys()
        for layer in member["layers"].values():
            assert layer.keys() >= {"family", "params", "bias"}
            assert layer["bias"]["support"] in {"point", "window", "full"}


def test_the_report_stands_beside_the_records(on_two_workers: Path) -> None:
    page = (on_two_workers / "report.html").read_text()

    assert "bits_per_byte" in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


def test_an_exported_network_gives_the_trained_networks_figures(
    on_two_workers: Path, tmp_path: Path
) -> None:
    front = json.loads(command("pareto", on_two_workers, "--json"))["front"]
    number = front[-1]["trial"]

    command("export", on_two_workers, number, "--format", "python", "-o", tmp_path / "net")

    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'itnet_nas', 'itnet_kernels', 'itnet_tasks'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import torch, model\n"
        "network = model.load(sys.argv[1] + '/weights.pt').eval()\n"
        "torch.manual_seed(0)\n"
        "out = network(torch.randint(0, 256, (2, 32)))\n"
        "torch.save(out.detach(), sys.argv[1] + '/out.pt')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "net")], check=True, cwd=tmp_path)
    alone = torch.load(tmp_path / "net" / "out.pt")
    network = open_run(on_two_workers).trial(number).module().eval()
    torch.manual_seed(0)
    with torch.no_grad():
        here = network(torch.randint(0, 256, (2, 32)))
    assert torch.equal(alone, here)


def processes_below(pid: int) -> list[int]:
    """Every descendant of a process, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue  # it ended meanwhile
        parent = int(text.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def wait_for_records(run: Path, count: int, driver: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert driver.poll() is None, "the search ended before it could be killed"
        if (run / "run.sqlite").exists() and len(records(run)) >= count:
            return
        time.sleep(0.1)
    raise AssertionError("no trial ended within a minute")


def start(file: Path, run: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(COMMAND), "search", str(file), "--run", str(run), "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_search_killed_in_the_middle_is_resumed_without_loss_or_repetition(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    file = space_file(tmp_path, trials=12, steps=60)
    driver = start(file, run)
    assert driver.stderr is not None
    wait_for_records(run, 3, driver)
    family = processes_below(driver.pid)
    for pid in (driver.pid, *family):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it ended with its parent
    driver.wait(timeout=60)
    driver.stderr.close()
    before = records(run)

    command("resume", run, "--workers", 2)

    after = records(run)
    assert len(after) == 12
    assert [record for record in after if record.number in {one.number for one in before}] == before
    assert len({record.key for record in after}) == 12
    command("search", file, "--run", tmp_path / "whole", "--backend", "local")
    assert reproducible(run) == reproducible(tmp_path / "whole")


def test_one_interrupt_finishes_what_runs_and_says_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    driver = start(space_file(tmp_path, trials=12, steps=60), run)
    wait_for_records(run, 2, driver)

    driver.send_signal(signal.SIGINT)
    _, talk = driver.communicate(timeout=120)

    assert driver.returncode == 130
    assert f"itnet-nas resume {run}" in talk
    assert "Traceback" not in talk
    with Store.open(run) as store:
        assert store.pending() == []
        assert 2 <= len(store.records()) < 12


def test_two_interrupts_stop_at_once_and_the_trials_run_again_on_resume(tmp_path: Path) -> None:
    run = tmp_path / "run"
    driver = start(space_file(tmp_path, trials=6, steps=100_000), run)
    for _ in range(600):
        if (run / "run.sqlite").exists():
            with Store.open(run) as store:
                if len(store.pending()) == 2:
                    break
        time.sleep(0.1)
    time.sleep(1)
    driver.send_signal(signal.SIGINT)
    time.sleep(2)
    driver.send_signal(signal.SIGINT)
    _, talk = driver.communicate(timeout=60)

    assert driver.returncode == 130
    assert f"itnet-nas resume {run}" in talk
    with Store.open(run) as store:
        assert [job.number for job in store.pending()] == [0, 1]
        assert store.records() == []


def test_a_disk_without_room_ends_the_search_with_a_way_out(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes every write beyond 200 kB fail, as a full disk does."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from itnet_nas.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "sys.argv = ['itnet-nas', *sys.argv[1:]]\n"
        "main()"
    )
    words = ["search", space_file(tmp_path, trials=200, steps=1), "--run", tmp_path / "run"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words), "--backend", "local"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 4, done.stderr
    assert "could not be written" in done.stderr
    assert f"itnet-nas resume {tmp_path / 'run'}" in done.stderr
    assert "Traceback" not in done.stderr
