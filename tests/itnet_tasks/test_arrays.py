from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from itnet_nas.errors import DataUnavailable
from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.arrays import ArraysTask


def task(**params: object) -> ArraysTask:
    return ArraysTask(ArraysTask.Params(**params))


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(3.0, 2.0, shape)


def labels(n: int, classes: int = 3) -> np.ndarray:
    return np.arange(n) % classes


def problem(**params: object) -> str:
    with pytest.raises(DataUnavailable) as caught:
        task(**params).facts()
    return str(caught.value)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestClassify(TaskContract):
    task_class = ArraysTask
    cases = [
        {"train": "sequences.npz"},
        {"train": "channels.npz", "domain": "sequence", "causal": True},
        {"train": "channels.npz", "domain": "grid", "split_seed": 7},
        {"train": "pictures.npz", "validation": "held.npz"},
    ]

    @pytest.fixture(autouse=True)
    def _files(self, _here: None) -> None:
        np.savez("sequences.npz", x=numbers(100, 12), y=labels(100))
        np.savez("channels.npz", x=numbers(100, 8, 3), y=labels(100))
        np.savez("pictures.npz", x=numbers(90, 4, 5, 2), y=labels(90))
        np.savez("held.npz", x=numbers(30, 4, 5, 2, seed=1), y=labels(30))


class TestForecast(TaskContract):
    task_class = ArraysTask
    cases = [
        {"kind": "forecast", "train": "s.npz", "context": 12, "horizon": 4, "columns": [2, 0]},
        {"kind": "forecast", "train": "s.npz", "x_key": "z", "context": 8, "horizon": 1},
    ]

    @pytest.fixture(autouse=True)
    def _files(self, _here: None) -> None:
        np.savez("s.npz", x=numbers(300, 3), z=numbers(200, seed=1))


@pytest.mark.parametrize(
    ("shape", "domain", "said", "channels"),
    [
        ((20, 6), None, "sequence of 6", 1),
        ((20, 6, 2), "sequence", "sequence of 6", 2),
        ((20, 6, 2), "grid", "grid of 6 x 2", 1),
        ((20, 6, 2, 4), None, "grid of 6 x 2", 4),
    ],
)
def test_the_domain_follows_from_the_shape(
    shape: tuple[int, ...], domain: str | None, said: str, channels: int
) -> None:
    np.savez("a.npz", x=numbers(*shape), y=labels(20))

    facts = task(train="a.npz", domain=domain).facts()

    assert str(facts.domain) == said
    assert facts.inputs[0].channels == channels


def test_a_sequence_is_causal_when_asked_for() -> None:
    np.savez("a.npz", x=numbers(20, 6), y=labels(20))

    assert str(task(train="a.npz", causal=True).facts().domain) == "causal sequence of 6"
    assert not task(train="a.npz").facts().domain.causal


def test_a_file_alone_is_split_into_80_10_10() -> None:
    np.savez("a.npz", x=numbers(57, 6), y=labels(57))
    data = task(train="a.npz")._data

    assert [data.count(split) for split in ("train", "validation", "test")] == [47, 5, 5]


def test_files_of_their_own_are_used_whole() -> None:
    for name, n in (("a", 40), ("b", 12), ("c", 9)):
        np.savez(f"{name}.npz", x=numbers(n, 6, seed=n), y=labels(n))
    data = task(train="a.npz", validation="b.npz", test="c.npz")._data

    assert [data.count(split) for split in ("train", "validation", "test")] == [40, 12, 9]


def test_examples_keep_their_labels() -> None:
    y = labels(60, 5)
    np.savez("a.npz", x=np.stack([y, -y], 1), y=y)
    found = task(train="a.npz")
    pairs = {
        (tuple(x.flatten().tolist()), int(label))
        for split in ("train", "validation", "test")
        for batch in found.eval_batches(split, 100)
        for x, label in zip(batch.inputs[0], batch.target, strict=True)
    }

    assert len(pairs) == 5


def test_channels_are_standardised_with_the_training_part() -> None:
    x = numbers(40, 6, 2) * [1, 100]
    np.savez("a.npz", x=x, y=labels(40))
    np.savez("b.npz", x=x + 50, y=labels(40))
    found = task(train="a.npz", validation="b.npz", test=None, domain="sequence")

    train = next(found.eval_batches("train", 100)).inputs[0]
    validation = next(found.eval_batches("validation", 100)).inputs[0]

    torch.testing.assert_close(train.mean((0, 1)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(train.std((0, 1), correction=0), torch.ones(2), atol=1e-5, rtol=0)
    assert float(validation[..., 0].mean()) > 10


def test_a_constant_channel_becomes_zero() -> None:
    np.savez("a.npz", x=np.full((20, 6), 7.0), y=labels(20))

    assert not next(task(train="a.npz").eval_batches("train", 100)).inputs[0].any()


def test_chance_and_the_majority_are_stated() -> None:
    np.savez("a.npz", x=numbers(20, 6), y=[0] * 15 + [1] * 5)
    np.savez("b.npz", x=numbers(8, 6), y=[0] * 2 + [1] * 6)

    metric = task(train="a.npz", validation="b.npz").facts().quality

    assert metric.chance == 0.5
    assert metric.baselines == {"majority": 0.75}


def test_the_series_is_split_by_time() -> None:
    np.savez("s.npz", x=np.arange(100.0))
    data = task(kind="forecast", train="s.npz", context=3, horizon=2)._data
    first = {split: float(rows[0, 0]) for split, rows in data.rows.items()}
    step = float(data.rows["train"][1, 0]) - first["train"]

    assert {split: len(rows) for split, rows in data.rows.items()} == {
        "train": 70,
        "validation": 10,
        "test": 20,
    }
    assert (first["validation"] - first["train"]) / step == pytest.approx(70, rel=1e-4)
    assert (first["test"] - first["train"]) / step == pytest.approx(80, rel=1e-4)


def test_targets_are_the_rows_after_the_window() -> None:
    np.savez("s.npz", x=np.stack([np.arange(100.0), -np.arange(100.0)], 1))
    found = task(kind="forecast", train="s.npz", context=3, horizon=2, columns=[1, 0])
    step = float(found._data.rows["train"][1, 0] - found._data.rows["train"][0, 0])

    batch = next(found.eval_batches("train", 100))
    last_B = batch.inputs[0][:, -1, 0]

    for place, (sign, ahead) in enumerate([(-1, 1), (1, 1), (-1, 2), (1, 2)]):
        torch.testing.assert_close(batch.target[:, place], sign * (last_B + ahead * step))


def test_persistence_is_the_score_of_the_last_row_seen() -> None:
    np.savez("s.npz", x=numbers(400, 2).cumsum(0))
    found = task(kind="forecast", train="s.npz", context=6, horizon=3, columns=[1])
    total = weight = 0.0
    for batch in found.eval_batches("validation", 7):
        out = batch.inputs[0][:, -1, 1:].expand(-1, 3)
        part, count = found.score(out, batch)["mse"]
        total, weight = total + part, weight + count

    assert found.facts().quality.baselines["persistence"] == pytest.approx(total / weight, abs=1e-4)


def test_the_scale_of_a_series_comes_from_the_training_rows() -> None:
    x = numbers(100, 1)
    np.savez("s.npz", x=x)
    x[75:] *= 1000
    np.savez("t.npz", x=x)
    one, other = (
        task(kind="forecast", train=name, context=3, horizon=2)._data for name in ("s.npz", "t.npz")
    )

    assert (one.rows["train"] == other.rows["train"]).all()


def test_a_forecast_is_causal_and_spells_out_its_defaults() -> None:
    params = ArraysTask.Params(kind="forecast", train="s.npz")

    assert (params.context, params.horizon, params.causal) == (96, 24, True)


def test_paths_become_absolute(tmp_path: Path) -> None:
    params = ArraysTask.Params(train="a.npz", validation="sub/b.npz")

    assert params.train == str(tmp_path / "a.npz")
    assert params.validation == str(tmp_path / "sub" / "b.npz")


def test_the_hash_is_that_of_the_contents(tmp_path: Path) -> None:
    np.savez("a.npz", x=numbers(20, 6), y=labels(20))
    np.savez_compressed("b.npz", x=numbers(20, 6), y=labels(20))
    np.savez("c.npz", x=numbers(20, 6), y=labels(20, 2))

    assert task(train="a.npz").facts().data == task(train="b.npz").facts().data
    assert task(train="a.npz").facts().data != task(train="c.npz").facts().data


def test_a_changed_file_is_read_again() -> None:
    np.savez("a.npz", x=numbers(20, 6), y=labels(20))
    before = task(train="a.npz").facts().data
    np.savez("a.npz", x=numbers(30, 6), y=labels(30))

    assert task(train="a.npz").facts().data != before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"context": 8}, "`context` belongs to kind: forecast"),
        ({"kind": "forecast", "validation": "b.npz"}, "`validation` belongs to kind: classify"),
        ({"kind": "forecast", "domain": "grid"}, "`domain` belongs to kind: classify"),
        ({"kind": "forecast", "columns": [1, 1]}, "`columns` names a column twice"),
        ({"kind": "forecast", "columns": []}, "at least 1 item"),
        ({"domain": "grid", "causal": True}, "a grid has no order, so it cannot be causal"),
        ({"test": "a.npz"}, "must be different files"),
        ({"colums": [1]}, "Extra inputs are not permitted"),
    ],
)
def test_params_that_contradict_themselves_are_refused(
    params: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ArraysTask.Params(**{"train": "a.npz", **params})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert problem(train="a.npz") == (
        f"{tmp_path}/a.npz: there is no such file; give the path of an .npz file that can be read "
        "from here"
    )


def test_a_missing_key_is_named_with_the_keys_there_are(tmp_path: Path) -> None:
    np.savez("a.npz", x=numbers(20, 6), labels=labels(20))

    assert problem(train="a.npz", y_key="label") == (
        f'{tmp_path}/a.npz: has no key "label"; did you mean "labels"? its keys: x, labels; name '
        "the right one with x_key or y_key"
    )


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    Path("a.npz").write_text("x,y\n1,2\n")

    assert problem(train="a.npz") == (
        f"{tmp_path}/a.npz: is no .npz file; write it with numpy.savez(path, x=…, y=…)"
    )


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    np.savez("a.npz", x=numbers(20, 6), y=labels(20))
    content = bytearray(Path("a.npz").read_bytes())
    content[200] ^= 255
    Path("a.npz").write_bytes(content)

    assert problem(train="a.npz") == (
        f"{tmp_path}/a.npz: key \"x\": cannot be read (Bad CRC-32 for file 'x.npy'); write it with "
        "numpy.savez(path, x=…, y=…)"
    )


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    rows = np.empty(2, object)
    rows[:] = [[1], [1, 2]]
    np.savez("a.npz", x=rows, y=labels(2))

    assert problem(train="a.npz") == (
        f'{tmp_path}/a.npz: key "x": holds Python objects, expected an array of numbers; rows of '
        "unequal length are often the reason: pad or cut them to one length"
    )


Y = labels(20)
X = numbers(20, 6)
GAP = np.where(np.arange(120).reshape(20, 6) == 13, np.nan, X)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (GAP, Y, 'key "x": 1 of 120 numbers are not finite in float32, the first at [2, 1] (nan); '
         "fill the gaps or leave the rows out"),
        (X * 1e300, Y, 'key "x": 120 of 120 numbers are not finite in float32, the first at '
         f"[0, 0] ({X[0, 0] * 1e300}); fill the gaps or leave the rows out"),
        (X.astype(complex), Y, 'key "x": holds complex128, expected real numbers'),
        (X.astype(str), Y, 'key "x": holds <U32, expected real numbers'),
        (X[:0], Y, 'key "x": is empty: its shape is (0, 6)'),
        (X[:, 0], Y, 'key "x": has shape (20,), expected (n, L) or (n, L, C) for sequences, '
         "(n, H, W) or (n, H, W, C) for pictures"),
        (X.reshape(20, 3, 2), Y, 'key "x": has shape (20, 3, 2), which may be sequences (n, L, C) '
         "or pictures (n, H, W); say which with `domain: sequence` or `domain: grid`"),
        (X, Y[:5], '"x" has shape (20, 6) and "y" has shape (5,); expected as many examples in '
         "both"),
        (X, Y.astype(float), 'key "y": holds float64, expected integers, the classes numbered '
         "from 0"),
        (X, Y - 1, 'key "y": holds the label -1, expected the classes numbered from 0'),
        (X, Y[:, None], 'key "y": has shape (20, 1), expected one label per example, shape (n,)'),
        (X, 0 * Y, 'key "y": holds one class alone, expected at least two'),
        (X, 1000 * Y, 'key "y": labels run up to 2000, but there are 16 training examples; number '
         "the classes from 0 without gaps"),
        (X[:8], Y[:8], "holds 8 examples, at least 10 are needed to hold a tenth out for "
         "validation and test; give more, or files of their own"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_examples_is_said(
    tmp_path: Path, x: np.ndarray, y: np.ndarray, message: str
) -> None:
    np.savez("a.npz", x=x, y=y)

    assert problem(train="a.npz") == f"{tmp_path}/a.npz: {message}"


def test_a_domain_that_does_not_fit_the_shape_is_refused(tmp_path: Path) -> None:
    np.savez("a.npz", x=X, y=Y)

    assert problem(train="a.npz", domain="grid") == (
        f'{tmp_path}/a.npz: key "x": has shape (20, 6), but a grid has shape (n, H, W) or '
        "(n, H, W, C)"
    )


def test_pictures_cannot_be_causal(tmp_path: Path) -> None:
    np.savez("a.npz", x=numbers(20, 3, 3, 1), y=Y)

    assert problem(train="a.npz", causal=True) == (
        f'{tmp_path}/a.npz: key "x": holds pictures; a grid has no order, so leave `causal` out'
    )


def test_files_of_unequal_shape_are_refused(tmp_path: Path) -> None:
    np.savez("a.npz", x=X, y=Y)
    np.savez("b.npz", x=numbers(20, 7), y=Y)

    assert problem(train="a.npz", validation="b.npz") == (
        f'{tmp_path}/b.npz: key "x": has shape (20, 7), expected (n, 6) as in {tmp_path}/a.npz'
    )


def test_a_series_that_is_too_short_says_how_long_it_must_be(tmp_path: Path) -> None:
    np.savez("s.npz", x=numbers(500, 2))

    assert problem(kind="forecast", train="s.npz") == (
        f'{tmp_path}/s.npz: key "x": has 500 rows, so 50 in the validation part (a tenth), but one '
        "window takes context + horizon = 120; give at least 1200 rows, or a smaller context or "
        "horizon"
    )


def test_a_series_as_long_as_the_message_says_is_enough() -> None:
    np.savez("s.npz", x=numbers(1200, 2))

    assert task(kind="forecast", train="s.npz")._data.count("validation") == 1


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    np.savez("s.npz", x=numbers(500, 2))

    assert problem(kind="forecast", train="s.npz", columns=[0, 2]) == (
        f'{tmp_path}/s.npz: key "x": has 2 columns, numbered from 0, but `columns` names 2'
    )


def test_a_series_has_two_sizes_at_most(tmp_path: Path) -> None:
    np.savez("s.npz", x=numbers(50, 2, 2))

    assert problem(kind="forecast", train="s.npz") == (
        f'{tmp_path}/s.npz: key "x": has shape (50, 2, 2), expected one series: (T,) or (T, C), '
        "time first"
    )
