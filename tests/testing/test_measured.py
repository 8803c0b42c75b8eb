"""Points in space: places that leak, places that count but should not, an order among points."""

import pytest
from support.faulty import BallFamily, broken


@pytest.mark.parametrize(
    ("fault", "check", "why"),
    [
        (
            "places of masked points leak",
            "a_masked_position_does_not_exist",
            "with padding, 1000.0 at masked positions changes the output by 2.9e-01",
        ),
        (
            "places are absolute",
            "sharing_is_as_declared",
            "declared translation-shared, but moving a patch changes its output by 2.3e-01",
        ),
        (
            "order matters",
            "a_set_has_no_order",
            "points in another order change the output by 6.7e-01",
        ),
    ],
)
def test_a_fault_on_points_is_caught(fault: str, check: str, why: str) -> None:
    assert broken(BallFamily(fault))[check] == why
