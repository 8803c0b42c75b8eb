"""`docs/bias.md` is what the probe reads; what is known of a layer is read of it.

Shapes  B examples, N positions, D channels
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.probe_layers import CAUSAL, Layer
from support.probe_rows import layers
from support.probe_table import bias_page, figures, read, without_figures

PAGE = Path(__file__).parent.parent / "docs" / "bias.md"
KNOWN = [layer for layer in layers() if layer.known]
CARRIED = ("0.9^lag", "ssm, state 4", "delta_net, state 8", "min_gru", "gru that keeps, gate + 2")
KEPT_APART = (
    "conv, radius 6",
    "locally_connected, radius 6",
    "position_mixer",
    "long_conv",
    "attention, scores × 16",
)


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> str:
    """The page as it stands; measured and written first where that was asked for."""
    if request.config.getoption("--write-docs"):
        PAGE.write_text(bias_page(), encoding="utf-8")
    return PAGE.read_text(encoding="utf-8")


def is_causal(layer: Layer, name: str) -> bool:
    return (layer.name, layer.domain) == (name, CAUSAL)


def causal(name: str) -> Layer:
    (found,) = (layer for layer in layers() if is_causal(layer, name))
    return found


def test_the_page_has_the_words_and_rows_that_it_is_made_of(page: str) -> None:
    made = bias_page(measure=lambda layer: None)

    assert without_figures(page) == without_figures(made), (
        "run pytest tests/test_bias_page.py --write-docs"
    )


def test_the_page_shows_at_least_thirty_layers() -> None:
    names = {str(layer) for layer in layers()}

    assert len(names) == len(layers())
    assert len(names) >= 30


def test_figures_alone_are_left_out_of_the_comparison() -> None:
    row = "| 0.9^lag, both ways | 0.18 | +1.00 | 12 | – | 0.00 · 0.51 |"

    assert without_figures(row) == "| 0.9^lag, both ways | · | · | · | · | · |"


@pytest.mark.parametrize("name", ["conv, radius 2", "0.9^lag"])
def test_a_row_is_read_again_as_it_stands(page: str, name: str) -> None:
    reread = bias_page(lambda layer: read(layer) if is_causal(layer, name) else None)

    assert figures(reread, causal(name)) == pytest.approx(figures(page, causal(name)), abs=0.011)


@pytest.mark.slow
@pytest.mark.parametrize("name", CARRIED + KEPT_APART)
def test_more_rows_are_read_again_as_they_stand(page: str, name: str) -> None:
    reread = bias_page(lambda layer: read(layer) if is_causal(layer, name) else None)

    assert figures(reread, causal(name)) == pytest.approx(figures(page, causal(name)), abs=0.011)


@pytest.mark.slow
@pytest.mark.parametrize("layer", KNOWN, ids=str)
def test_what_is_known_of_a_layer_is_read(layer: Layer) -> None:
    scores = read(layer, seed=1).scores

    found = {name: getattr(scores, name).value for name in layer.known}
    assert found == pytest.approx(layer.known, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", [layer.name for layer in layers() if layer.domain == CAUSAL])
def test_what_looks_back_alone_is_read_so_to_the_last_digit(name: str) -> None:
    causality = read(causal(name), seed=2).scores.causality

    assert causality is not None
    assert (causality.value, causality.low, causality.high) == (1.0, 1.0, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEPT_APART)
def test_windows_and_sharp_attention_carry_no_state(name: str) -> None:
    state = read(causal(name), seed=3).scores.state

    assert state is not None
    assert state.value <= 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", CARRIED)
def test_recurrent_layers_carry_one(name: str) -> None:
    state = read(causal(name), seed=3).scores.state

    assert state is not None
    assert state.value >= 0.10
