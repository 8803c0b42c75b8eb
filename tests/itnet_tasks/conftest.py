from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> None:
    """Small tensors gain nothing from more threads, and busy cores make them wait."""
    torch.set_num_threads(1)
