from __future__ import annotations

import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch

from itnet_nas.errors import DataUnavailable
from itnet_nas.testing.task_contract import LanguageModelContract
from itnet_tasks.python_source import PythonSourceTask, standard_library


class TestPythonSource(LanguageModelContract):
    task_class = PythonSourceTask
    cases = [{}, {"context": 128}]


def library(folder: Path, files: int) -> None:
    for number in range(files):
        (folder / f"module_{number:02}.py").write_text(f"x = {number}\n" * 20)


def test_every_tenth_file_is_validation_and_every_tenth_is_test() -> None:
    folder = Path(sysconfig.get_paths()["stdlib"])
    texts = [
        path.read_bytes().replace(b"\r\n", b"\n")
        for path in sorted(folder.glob("*.py"))
        if path.is_file()
    ]

    parts = PythonSourceTask(PythonSourceTask.Params()).corpus.parts

    assert parts["validation"].tobytes() == b"".join(texts[8::10])
    assert parts["test"].tobytes() == b"".join(texts[9::10])
    assert sum(map(len, parts.values())) == sum(map(len, texts))


def test_the_library_files_are_sorted_and_only_those_at_the_top(tmp_path: Path) -> None:
    library(tmp_path, 11)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "inner.py").write_text("x = 1\n")
    (tmp_path / "notes.txt").write_text("no code\n")

    found = standard_library(tmp_path)

    assert [Path(file.path).name for file in found] == [f"module_{n:02}.py" for n in range(11)]


def test_a_python_without_source_is_an_error_that_says_what_else_to_use(tmp_path: Path) -> None:
    library(tmp_path, 3)

    with pytest.raises(DataUnavailable) as caught:
        standard_library(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}: holds 3 files *.py of the standard library, at least 10 are needed; use a "
        'Python that comes with the source of its standard library, or the task "text" on files '
        "of your own"
    )


def test_two_tasks_of_one_process_share_the_corpus() -> None:
    one = PythonSourceTask(PythonSourceTask.Params(context=64))
    other = PythonSourceTask(PythonSourceTask.Params(context=32))

    assert one.corpus is other.corpus


def test_the_domain_is_causal_and_holds_the_context() -> None:
    facts = PythonSourceTask(PythonSourceTask.Params(context=48)).facts()

    assert str(facts.domain) == "causal sequence of 48"


def test_the_unigram_baseline_is_the_cross_entropy_of_the_byte_frequencies() -> None:
    task = PythonSourceTask(PythonSourceTask.Params())
    train, validation = (task.corpus.parts[split] for split in ("train", "validation"))
    probability = (np.bincount(train, minlength=256) + 1) / (len(train) + 256)
    bits = -np.log2(probability[validation]).mean()

    baseline = task.facts().quality.baselines["unigram"]

    assert baseline == pytest.approx(float(bits), abs=1e-4)


@pytest.mark.slow
def test_a_small_convolutional_network_learns_far_more_than_byte_frequencies() -> None:
    torch.manual_seed(0)
    task = PythonSourceTask(PythonSourceTask.Params())
    facts, width = task.facts(), 48
    encoder, head = task.encoder(width), task.head(width)
    taps, mlp = torch.nn.Conv1d(width, width, 7), torch.nn.Linear(width, width)

    def forward(tokens_BN: torch.Tensor) -> torch.Tensor:
        u_BND = encoder(tokens_BN)
        past_BDN = torch.nn.functional.pad(u_BND.mT, (6, 0))
        out: torch.Tensor = head(u_BND + mlp(taps(past_BDN).mT.relu()))
        return out

    modules = torch.nn.ModuleList([encoder, head, taps, mlp])
    optimiser = torch.optim.AdamW(modules.parameters(), lr=facts.recipe.lr)
    for step in range(facts.recipe.steps):
        batch = task.train_batch(step, facts.recipe.batch_size, seed=0)
        optimiser.zero_grad()
        task.loss(forward(batch.inputs[0]), batch).backward()
        optimiser.step()
    with torch.no_grad():
        scores = [
            task.score(forward(batch.inputs[0]), batch)["bits_per_byte"]
            for batch in task.eval_batches("validation", 128)
        ]
    bits = sum(part for part, _ in scores) / sum(weight for _, weight in scores)

    assert 2 < bits < facts.quality.baselines["unigram"] - 1
