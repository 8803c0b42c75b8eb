from typing import Any

import pytest
import torch

from itnet_kernels.linear_attention import FAMILY, LinearAttention, LinearAttentionParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


class TestLinearAttention(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [
        {"heads": 2, "state": 3},
        {"heads": 2, "state": 4, "features": "identity"},
        {"heads": 4, "state": 3, "decay": "fixed"},
        {"heads": 2, "state": 2, "features": "identity", "decay": "fixed"},
    ]
