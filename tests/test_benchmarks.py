"""The benchmarks still run: every row builds, and ours and its rival give a field of one shape."""

import pytest
from support.benchmark import benchmark

rivals = benchmark("rivals")


@pytest.mark.parametrize("row", rivals.ROWS, ids=lambda row: row.name)
def test_a_row_of_the_operators_has_two_sides(row: "rivals.Row") -> None:  # type: ignore[name-defined]
    inputs = row.inputs(48)

    ours, rival = row.ours(48)(*inputs), row.rival(48)(*inputs)

    assert ours.shape == rival.shape == inputs[0].shape


def test_the_rows_of_the_operators_have_names_of_their_own() -> None:
    names = [row.name for row in rivals.ROWS]

    assert len(set(names)) == len(names)
    assert not any(";" in name for name in names)


replacement = benchmark("replacement")


def _lost(task: str, **lost: float | None) -> dict[str, object]:
    row = {"task": task, "seed": 0, "objective": "error", "score": 0.1, "layer": "mix"}
    roles = dict.fromkeys(replacement.ROLES) | lost
    by = {f"by_{role}": role if loss is not None else None for role, loss in roles.items()}
    return {**row, "kernel": "conv(radius=2)", "acts_like": "short window", **roles, **by}


def test_what_matches_lose_is_set_against_what_mismatches_lose() -> None:
    layers = [_lost("a", match=0.1, mismatch=0.2), _lost("b", match=0.0, mismatch=0.3)]

    assert replacement.share(layers, "match") == "0.20 (0.25; 1 of 2)"


def test_a_layer_without_a_mismatch_is_not_compared() -> None:
    layers = [_lost("a", match=0.1, mismatch=0.2), _lost("b", match=5.0)]

    assert replacement.share(layers, "match") == "0.50 (0.50; 0 of 1)"


def test_the_table_of_replacements_has_a_line_for_each_layer() -> None:
    text = replacement.table([_lost("quickstart", match=0.1, mismatch=0.2, own=0.0)])

    assert (
        "| quickstart, 0 | 0.100 error | mix: conv | short window | match +0.100 | – | – "
        "| mismatch +0.200 | +0.000 |" in text.splitlines()
    )


def test_the_replaced_network_is_a_member_of_its_space() -> None:
    space, member = replacement.network("quickstart")

    assert [layer.family for layer in member.layers] == ["conv", "gru"]
    assert replacement.REAL["quickstart"][0] == space.recipe.steps


planted_bias = benchmark("planted_bias")
VERDICT = {"layer": "mix", "axis": "support", "value": "window", "effect": 0.4, "seeds": 3}
FOUND = {
    "task": "life2d",
    "seed": 0,
    "trials": 5,
    "quality": 0.997,
    "label": "conv(radius=1)",
    "planted": ["conv"],
    "is_planted": [True],
    "axes": [VERDICT | {"low": 0.3, "high": 0.5, "verdict": "necessary", "wanted": "necessary"}],
    "without": {"trials": 4, "quality": 0.87, "says_not_solved": True, "label": "long_conv"},
    "trainings": 19,
    "cpu_minutes": 2.4,
}


def test_every_planted_space_is_studied() -> None:
    assert {"life2d", "mqar", "indifferent_recall"} <= set(planted_bias.names())


def test_a_study_of_a_planted_task_is_one_line_and_counts() -> None:
    text = planted_bias.table([FOUND])

    assert "| life2d | 0 | 5 | 0.997 | conv(radius=1) | mix support window: necessary 0.40" in text
    assert "- one layer, every planted value *necessary*: 1 of 1 (task, seed)" in text
    assert "- without the planted family *not solved*: 1 of 1" in text
    assert "- false" not in text


def test_a_false_verdict_is_listed() -> None:
    axis = FOUND["axes"][0] | {"verdict": "preferred"}

    text = planted_bias.table([FOUND | {"axes": [axis]}])

    assert "every planted value *necessary*: 0 of 1" in text
    assert "- false: life2d seed 0: mix support window is preferred, planted as necessary" in text


null_calibration = benchmark("null_calibration")


@pytest.mark.slow
def test_an_identical_copy_is_judged_like_any_swap() -> None:
    short = null_calibration.SPACE | {"training": {"steps": 3, "batch_size": 4}}
    space = null_calibration.load_space(short)
    pair = sorted(
        null_calibration.enumerate_all(space), key=lambda one: one.layers[0].family != "conv"
    )

    verdict, trainings = null_calibration.repetition(space, pair, 0, 3)

    assert verdict in {"not identified", "preferred", "necessary"}
    assert trainings >= 6
