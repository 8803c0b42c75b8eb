from __future__ import annotations

import os
import random
import shutil
import string
from pathlib import Path

import pytest
from pydantic import ValidationError

from itnet_nas.errors import DataUnavailable
from itnet_nas.testing.task_contract import LanguageModelContract
from itnet_tasks.text import TextTask


def prose(seed: int, size: int) -> str:
    return "".join(random.Random(seed).choices(string.ascii_lowercase + " \n", k=size))


def task(**params: object) -> TextTask:
    return TextTask(TextTask.Params(**params))


def parts(found: TextTask) -> dict[str, str]:
    return {split: part.tobytes().decode() for split, part in found.corpus.parts.items()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with twelve texts, numbered from 00."""
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        Path(f"{number:02}.txt").write_text(f"text {number:02}\n" * 40)
    return tmp_path


class TestText(LanguageModelContract):
    task_class = TextTask
    cases = [
        {"files": ["*.txt"], "context": 40},
        {"files": ["a.txt", "b.txt"], "context": 32, "test": ["c.txt"]},
    ]

    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for seed, name in enumerate("abcdefghijk"):
            Path(f"{name}.txt").write_text(prose(seed, 2000))


def test_a_single_path_may_stand_without_a_list(folder: Path) -> None:
    assert TextTask.Params(files="00.txt").files == str(folder / "00.txt")
    assert parts(task(files="00.txt", context=16)) == parts(task(files=["00.txt"], context=16))


def test_params_hold_absolute_paths(folder: Path) -> None:
    params = TextTask.Params(files=["00.txt", "sub/*.txt"], validation=["11.txt"])

    assert params.files == (str(folder / "00.txt"), str(folder / "sub" / "*.txt"))
    assert params.validation == (str(folder / "11.txt"),)


def test_the_data_is_found_from_another_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    params = TextTask.Params(files="*.txt", context=16)
    before = TextTask(params).facts()

    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    assert TextTask(TextTask.Params(**params.model_dump())).facts() == before


def test_ten_files_and_more_are_split_by_file(folder: Path) -> None:
    found = parts(task(files="*.txt", context=16))

    assert found["validation"] == "text 08\n" * 40
    assert found["test"] == "text 09\n" * 40


def test_few_files_are_joined_in_the_order_given_and_cut_by_position(folder: Path) -> None:
    found = parts(task(files=["03.txt", "01.txt"], context=16))

    assert found["train"].startswith("text 03\n")
    assert found["test"] == "text 01\n" * 8
    assert found["train"] + found["validation"] + found["test"] == (
        "text 03\n" * 40 + "text 01\n" * 40
    )


def test_a_file_that_is_held_out_is_not_trained_on_though_a_pattern_names_it(folder: Path) -> None:
    found = parts(task(files="*.txt", validation="00.txt", test="01.txt", context=16))

    assert found["validation"] == "text 00\n" * 40
    assert found["test"] == "text 01\n" * 40
    assert found["train"] == "".join(f"text {n:02}\n" * 40 for n in range(2, 12))


def test_a_file_named_twice_is_read_once(folder: Path) -> None:
    assert parts(task(files=["00.txt", "0*.txt"], context=16)) == parts(
        task(files=["0*.txt"], context=16)
    )


def test_a_path_that_looks_like_a_pattern_is_a_path_when_it_exists(folder: Path) -> None:
    Path("notes[1].txt").write_text("seen\n" * 100)

    assert parts(task(files="notes[1].txt", context=16))["test"] == "seen\n" * 10


def test_a_changed_file_is_read_again(folder: Path) -> None:
    before = task(files="00.txt", context=16).facts().data
    Path("00.txt").write_text("other words\n" * 40)

    assert task(files="00.txt", context=16).facts().data != before


def test_the_data_hash_is_that_of_the_contents_and_not_of_the_place(folder: Path) -> None:
    Path("copy").mkdir()
    shutil.copy("00.txt", "copy/renamed.txt")

    one, other = task(files="00.txt", context=16), task(files="copy/renamed.txt", context=16)

    assert one.facts().data == other.facts().data


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        task(files=["00.txt", "away.txt"]).facts()

    assert str(caught.value) == (
        f"{folder}/away.txt: there is no such file; give paths that can be read from here, or "
        "patterns such as texts/*.txt"
    )


def test_a_pattern_without_a_file_is_named(folder: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        task(files="00.txt", test="*.md").facts()

    assert str(caught.value) == (
        f"{folder}/*.md: no file fits this pattern (`test`); give paths that can be read from "
        "here, or patterns such as texts/*.txt"
    )


def test_a_folder_is_no_text(folder: Path) -> None:
    Path("sub").mkdir()

    with pytest.raises(DataUnavailable) as caught:
        task(files="sub").facts()

    assert str(caught.value) == (
        f"{folder}/sub: is a folder, not a file; give paths that can be read from here, or "
        "patterns such as texts/*.txt"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    Path("00.txt").chmod(0)

    with pytest.raises(DataUnavailable) as caught:
        task(files="00.txt").facts()

    assert str(caught.value) == (
        f"{folder}/00.txt: this user may not read it; give paths that can be read from here, or "
        "patterns such as texts/*.txt"
    )


def test_a_text_that_is_too_short_says_which_part_and_how_much(folder: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        task(files="00.txt", context=64).facts()

    assert str(caught.value) == (
        "text files of the user: the validation part has 32 bytes, but one window takes 65 "
        "(context + 1); give more text or a smaller context"
    )


def test_nothing_left_to_train_on_is_an_error(folder: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        task(files="00.txt", validation="00.txt").facts()

    assert str(caught.value) == (
        "every file under `files` is held out for validation or test, so nothing is left to train "
        "on; add files to `files`"
    )


def test_a_file_cannot_be_validation_and_test(folder: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        task(files="*.txt", validation="00.txt", test="0*.txt").facts()

    assert str(caught.value) == (
        f"{folder}/00.txt: stands under `validation` and under `test`; leave it out of one"
    )


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        TextTask.Params(files=[])
