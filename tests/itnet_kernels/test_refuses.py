"""Where a family cannot stand, and the text that says why."""

from typing import Any

import pytest

from itnet_kernels import attention, conv, gru, identity, position_mixer, ssm
from itnet_nas.kernels import Domain, KernelFamily, Site


def _site(kind: Any, shape: tuple[int, ...], width: int = 48, causal: bool = False) -> Site:
    return Site(domain=Domain(kind=kind, shape=shape, causal=causal), width=width)


POINTS = _site("points", (20,))
GRID = _site("grid", (7, 7))


@pytest.mark.parametrize(
    ("family", "params", "site", "why"),
    [
        (
            conv.FAMILY,
            {"radius": 1},
            POINTS,
            "a point cloud has no neighbours in a row, so a window has no meaning on it",
        ),
        (gru.FAMILY, {}, GRID, "a recurrence needs a sequence, not grid of 7 x 7"),
        (gru.FAMILY, {}, POINTS, "a recurrence needs a sequence, not points of 20"),
        (
            gru.FAMILY,
            {},
            _site("sequence", (9,), width=7),
            "two directions need an even width, and 7 is odd",
        ),
        (ssm.FAMILY, {"state": 4}, GRID, "a recurrence needs a sequence, not grid of 7 x 7"),
        (
            attention.FAMILY,
            {"heads": 5},
            GRID,
            "5 heads do not divide width 48",
        ),
        (
            attention.FAMILY,
            {"heads": 2, "position": "alibi"},
            POINTS,
            "points stand in no order, so alibi has no positions to use",
        ),
        (
            attention.FAMILY,
            {"heads": 2, "window": 3},
            POINTS,
            "points stand in no order, so a window has no meaning on them",
        ),
        (
            attention.FAMILY,
            {"heads": 16, "position": "rotary"},
            _site("sequence", (9,)),
            "rotary on a sequence needs heads of a multiple of 2 channels, "
            "and 16 heads of width 48 have 3",
        ),
        (
            attention.FAMILY,
            {"heads": 8, "position": "rotary"},
            GRID,
            "rotary on a grid needs heads of a multiple of 4 channels, "
            "and 8 heads of width 48 have 6",
        ),
        (
            position_mixer.FAMILY,
            {},
            POINTS,
            "points stand in no order, so a row of a matrix cannot belong to one of them",
        ),
        (
            position_mixer.FAMILY,
            {},
            _site("sequence", (4097,)),
            "4097 positions are more than 4096: the parameters grow with their square",
        ),
        (
            position_mixer.FAMILY,
            {"groups": 5},
            GRID,
            "5 groups do not divide width 48",
        ),
    ],
)
def test_the_reason_is_given(
    family: KernelFamily[Any], params: dict[str, Any], site: Site, why: str
) -> None:
    assert family.refuses(site, family.Params(**params)) == why


@pytest.mark.parametrize(
    ("family", "params"),
    [
        (identity.FAMILY, {}),
        (conv.FAMILY, {"radius": 64}),
        (gru.FAMILY, {}),
        (ssm.FAMILY, {"state": 16}),
        (attention.FAMILY, {"heads": 4, "position": "rotary"}),
        (position_mixer.FAMILY, {}),
    ],
)
def test_every_family_stands_on_a_causal_sequence(
    family: KernelFamily[Any], params: dict[str, Any]
) -> None:
    site = _site("sequence", (64,), causal=True)

    assert family.refuses(site, family.Params(**params)) == ""


def test_an_odd_width_is_no_matter_where_one_memory_runs() -> None:
    assert gru.FAMILY.refuses(_site("sequence", (9,), 7, causal=True), gru.GruParams()) == ""
