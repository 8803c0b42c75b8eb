"""Which known families a layer is nearest to; the table of them against what they declare."""

from __future__ import annotations

from typing import Any

import pytest

from itnet_nas.analysis.nearest import KNOWN, Known, nearest_families, nearest_rows
from itnet_nas.kernels import Domain, KernelFamily, Site
from itnet_nas.registry import KERNELS
from itnet_nas.results.measured import Estimate, LayerProbe, Scores

SEQUENCE = Domain(kind="sequence", shape=(64,))
CAUSAL = Domain(kind="sequence", shape=(64,), causal=True)
DOMAINS = {
    "sequence": SEQUENCE,
    "grid": Domain(kind="grid", shape=(8, 8)),
    "points": Domain(kind="points", shape=(64,), coordinates=3),
}
# What a family needs to be told beside what its row says.
NEEDED: dict[str, dict[str, Any]] = {
    "attention": {"heads": 2},
    "point_attention": {"heads": 2},
    "point_conv": {"neighbours": 8},
    "linear_attention": {"heads": 2, "state": 16},
    "delta_net": {"heads": 2, "state": 16},
    "ssm": {"state": 16},
    "ssd": {"heads": 2, "state": 16},
    "mamba": {"state": 16},
}


def exactly(**figures: float) -> Scores:
    return Scores(
        **{name: Estimate(value=v, low=v, high=v) for name, v in figures.items()}  # type: ignore[arg-type]
    )


NEARBY = exactly(self_share=0.2, extent=0.1, r90=2.0, causality=0.0, sharing=1.0, content=0.0,
                 pattern=0.0, routing=0.0)  # fmt: skip
ROUTING = exactly(self_share=0.5, extent=0.99, r90=44.0, causality=0.0, sharing=0.95, content=0.98,
                  pattern=0.99, routing=0.8)  # fmt: skip
OWN = exactly(self_share=0.04, extent=1.0, r90=44.0, causality=0.0, sharing=0.0, content=0.0,
              pattern=0.0, routing=0.0)  # fmt: skip
MEAN = exactly(self_share=0.3, extent=0.3, r90=20.0, causality=1.0, sharing=1.0, content=0.0,
               pattern=0.0, routing=0.0, state=0.97, horizon=6.0)  # fmt: skip
GATED = exactly(self_share=0.3, extent=0.4, r90=20.0, causality=1.0, sharing=1.0, content=0.4,
                pattern=0.5, routing=0.16, state=0.4, horizon=5.0)  # fmt: skip
ALONE = exactly(self_share=1.0)


@pytest.mark.parametrize(
    ("scores", "domain", "label"),
    [
        pytest.param(NEARBY, SEQUENCE, "conv(radius=2)", id="a window"),
        pytest.param(ROUTING, SEQUENCE, "attention(position=none)", id="attention"),
        pytest.param(OWN, SEQUENCE, "position_mixer", id="a rule of its own at each position"),
        pytest.param(MEAN, CAUSAL, "ssm", id="a running mean"),
        pytest.param(GATED, CAUSAL, "min_gru", id="a gated memory"),
        pytest.param(ALONE, SEQUENCE, "identity", id="nothing is mixed"),
    ],
)
def test_a_layer_is_nearest_to_the_family_whose_scores_it_has(
    scores: Scores, domain: Domain, label: str
) -> None:
    nearest = nearest_families(scores, domain)[0]

    assert nearest.label == label
    assert nearest.able


def test_the_nearest_come_first() -> None:
    found = nearest_families(NEARBY, SEQUENCE, most=5)

    distances = [one.distance for one in found]
    assert len(found) == 5
    assert distances == sorted(set(distances))


def test_families_that_no_score_tells_apart_are_named_together() -> None:
    nearest = nearest_families(GATED, CAUSAL)[0]

    assert str(nearest) == (
        "min_gru, distance 0.00 "
        "(as near: gru, lstm, mamba, ssd, delta_net, linear_attention(decay=fixed))"
    )


def test_a_window_is_offered_where_the_layer_looks_nearby_alone() -> None:
    labels = {
        label
        for one in nearest_families(ROUTING, SEQUENCE, most=100)
        for label in (one.label, *one.as_near)
    }

    assert labels
    assert not any("window=" in label or "radius=" in label for label in labels)


def test_a_family_that_cannot_do_it_says_on_which_axis() -> None:
    found = nearest_families(ROUTING, SEQUENCE, most=100)

    (window,) = (one for one in found if "long_conv" in (one.label, *one.as_near))
    assert not window.able
    assert set(window.lacking) == {"content"}


@pytest.mark.parametrize("kind", DOMAINS)
def test_only_what_can_stand_on_a_domain_is_offered(kind: str) -> None:
    domain = DOMAINS[kind]

    for one in nearest_families(NEARBY, domain, most=100):
        for label in (one.label, *one.as_near):
            family = KERNELS.load(label.split("(")[0])
            assert not family.refuses(Site(domain=domain, width=16), _params(family, label))


def _params(family: KernelFamily[Any], label: str) -> Any:
    inside = label.partition("(")[2].rstrip(")")
    given: dict[str, Any] = dict(part.split("=") for part in inside.split(", ") if part)
    name = label.split("(")[0]
    return family.Params.model_validate({**NEEDED.get(name, {}), **given})


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.at(3)[0])
def test_the_table_says_what_the_family_declares(known: Known) -> None:
    label, bias = known.at(3)
    family = KERNELS.load(known.family)

    declared = family.bias(_params(family, label))

    assert bias == declared.model_copy(update={"entry": ()})


def test_every_built_in_family_of_one_place_on_the_axes_is_in_the_table() -> None:
    of_many_places = {"integral", "low_rank"}
    built_in = {name for name in KERNELS.names() if KERNELS.origin(name).package == "itnet-nas"}

    assert {known.family for known in KNOWN} == built_in - of_many_places


def test_hints_are_marked_as_hints_behind_what_was_measured() -> None:
    probe = LayerProbe(
        trained=MEAN, budget="full", inputs=8, rows=8, hints={"width, past": (1.5, 12.04)}
    )

    rows = nearest_rows(probe, CAUSAL, most=1)

    assert rows == [
        ("nearest", "ssm, distance 0.00"),
        ("hint", "width, past: 1.5, 12.0 positions by head (read off weights: no evidence)"),
    ]


def test_a_family_that_is_near_but_cannot_do_it_is_said_to() -> None:
    probe = LayerProbe(trained=OWN, budget="full", inputs=8, rows=8)

    rows = nearest_rows(probe, SEQUENCE, most=2)

    assert rows == [
        ("nearest", "position_mixer, distance 0.00"),
        (
            "then",
            "long_conv, distance 1.00 (as near: continuous_conv); it cannot do this: sharing",
        ),
    ]
