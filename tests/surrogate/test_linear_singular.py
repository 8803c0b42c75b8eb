from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itnet_nas.surrogate import linear
from itnet_nas.surrogate.encoding import Rows


def test_a_matrix_that_lapack_gives_up_on_is_taken_apart_by_its_transpose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.standard_normal((30, 8)), np.ones((30, 1)))
    values = rng.standard_normal(30)
    expected = linear.LinearModel(rows, values).predict(rows)
    real = np.linalg.svd

    def failing(matrix: Any, **options: Any) -> Any:
        if matrix.shape == (30, 8):
            raise np.linalg.LinAlgError("SVD did not converge")
        return real(matrix, **options)

    monkeypatch.setattr(np.linalg, "svd", failing)
    found = linear.LinearModel(rows, values).predict(rows)

    assert found[0] == pytest.approx(expected[0])
    assert found[1] == pytest.approx(expected[1])
