from typing import Any

import pytest
from pydantic import ValidationError

from itnet_nas.kernels import Domain, Site

SEQUENCE = Domain(kind="sequence", shape=(64,), causal=True)
GRID = Domain(kind="grid", shape=(4, 5))
SET = Domain(kind="points", shape=(9,))
CLOUD = Domain(kind="points", shape=(9,), coordinates=3)


@pytest.mark.parametrize(
    ("domain", "length", "extent", "dimensions", "text"),
    [
        (SEQUENCE, 64, 64, 1, "causal sequence of 64"),
        (GRID, 20, 5, 2, "grid of 4 x 5"),
        (SET, 9, 9, 0, "points of 9"),
        (CLOUD, 9, 9, 3, "points of 9 in 3 dimensions"),
    ],
    ids=str,
)
def test_a_domain_knows_its_sizes(
    domain: Domain, length: int, extent: int, dimensions: int, text: str
) -> None:
    assert (domain.length, domain.extent, domain.dimensions) == (length, extent, dimensions)
    assert str(domain) == text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "grid", "shape": (4,)}, "a grid has 2 sizes, got 1"),
        ({"kind": "sequence", "shape": (4, 5)}, "a sequence has 1 size, got 2"),
        (
            {"kind": "grid", "shape": (4, 5), "causal": True},
            "a grid has no order, so it cannot be causal",
        ),
        (
            {"kind": "points", "shape": (4,), "causal": True},
            "a set of points has no order, so it cannot be causal",
        ),
        (
            {"kind": "grid", "shape": (4, 5), "coordinates": 2},
            "a grid has its coordinates from its shape, give none",
        ),
        ({"kind": "points", "shape": (4,), "coordinates": 9}, "less than or equal to 8"),
        ({"kind": "sequence", "shape": (0,)}, "greater than or equal to 1"),
    ],
)
def test_a_domain_that_cannot_be_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Domain.model_validate(given)


def test_a_site_hands_on_what_its_domain_says() -> None:
    site = Site(domain=SEQUENCE, width=48)

    assert site.length == 64
    assert site.causal


def test_equal_sites_are_one_key() -> None:
    assert len({Site(domain=GRID, width=8), Site(domain=GRID, width=8)}) == 1
