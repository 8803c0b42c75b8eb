from __future__ import annotations

import math

from analysis.support import deep_space, run, space

from itnet_nas.results.frame import ABSENT, frame, layers_frame
from itnet_nas.results.record import TrialState


def test_a_row_says_what_its_record_says() -> None:
    of = space()
    records = run(of, 12, failing=0)

    found = frame(of, records)

    assert len(found) == 12
    for record, row in zip(records, found.to_dict("records"), strict=True):
        assert row["number"] == record.number
        assert row["state"] == "complete"
        assert row["key"] == record.key
        assert row["label"] == record.architecture.label
        assert row["bits_per_byte"] == record.objectives["bits_per_byte"]
        assert row["flops"] == record.objectives["flops"]
        assert row["accuracy"] == record.figures["accuracy"]
        assert row["local.family"] == record.architecture.layers[0].family
        assert row["seconds"] == record.seconds
        assert row["error_kind"] == ""


def test_params_are_words() -> None:
    of = space()
    found = frame(of, run(of, 40))

    convs = found.loc[found["local.family"] == "conv", "local.params"]
    assert set(convs) == {"radius=3", "radius=6"}
    assert set(found.loc[found["local.family"] == "gru", "local.params"]) == {""}


def test_a_layer_that_is_absent_is_a_dash() -> None:
    of = deep_space(3)
    records = run(of, 30)
    found = frame(of, records)

    for record, row in zip(records, found.to_dict("records"), strict=True):
        present = {layer.name for layer in record.architecture.layers}
        for name in ("mix1", "mix2", "mix3"):
            assert (row[f"{name}.family"] == ABSENT) == (name not in present)


def test_a_failed_trial_has_a_reason_and_no_figures() -> None:
    of = space()
    records = run(of, 40, failing=0.5)
    found = frame(of, records)

    failed = found[found["state"] == TrialState.FAILED]
    assert 0 < len(failed) < 40
    assert set(failed["error_kind"]) == {"out_of_memory", "non_finite"}
    assert failed["bits_per_byte"].isna().all()
    assert found["state"].notna().all()


def test_a_run_without_trials_has_the_columns_all_the_same() -> None:
    of = space()

    found = frame(of, [])

    assert len(found) == 0
    assert {"number", "state", "local.family", "bits_per_byte", "flops"} <= set(found.columns)
    assert found["bits_per_byte"].dtype == "float64"


def test_a_figure_never_hides_a_column() -> None:
    of = space()
    record = run(of, 1, failing=0)[0]
    record = record.model_copy(update={"figures": {"seconds": 7.0}})

    row = frame(of, [record]).iloc[0]

    assert row["seconds"] == record.seconds
    assert row["figure.seconds"] == 7.0


def test_the_long_form_has_a_row_per_layer_with_its_bias() -> None:
    of = deep_space(3)
    records = run(of, 20)

    found = layers_frame(of, records)

    assert len(found) == sum(len(record.architecture.layers) for record in records)
    row = found[found["family"] == "conv"].iloc[0]
    assert (row["support"], row["sharing"], row["state_axis"], row["content"]) == (
        "window",
        "translation",
        "none",
        "none",
    )
    assert row["radius"] in (3, 6)
    gru = found[found["family"] == "gru"].iloc[0]
    assert gru["entry"] == "gate, transition"


def test_a_trial_without_figures_keeps_its_layers() -> None:
    of = space()

    found = layers_frame(of, run(of, 3, failing=1.0))

    assert len(found) == 6
    assert all(math.isnan(value) for value in found["flops"])
