from typing import Any

import pytest
import torch
from support.learning import score

from itnet_kernels.ssm import FAMILY, Modes, Ssm, SsmParams
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


class TestSsm(KernelFamilyContract):
    family = FAMILY
    cases = [{"state": 1}, {"state": 4}]
