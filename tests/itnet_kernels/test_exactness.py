"""Each family is, to rounding, the system whose name it goes by: outputs and gradients."""

import pytest
from support.exact import Row, gap, rows


@pytest.mark.parametrize("row", rows(), ids=str)
def test_it_is_the_system_it_goes_by(row: Row) -> None:
    output, gradient = gap(row)

    assert output <= 1e-10
    assert gradient <= 1e-10
