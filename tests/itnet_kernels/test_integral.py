from typing import Any

import pytest
import torch

from itnet_kernels.integral import FAMILY, Integral, IntegralParams
from itnet_nas.testing import KernelFamilyContract


class TestIntegral(KernelFamilyContract):
    family = FAMILY
    cases = [
        {"hidden": 5, "heads": 2, "hadamard": 3},
        {"hidden": 4, "heads": 4, "hadamard": 0, "position": False},
        {"hidden": 6, "heads": 1, "content": "none"},
        {"hidden": 4, "heads": 2, "evaluation": "window", "radius": 2},
        {"hidden": 4, "heads": 2, "evaluation": "window", "radius": 3, "position": False},
        {"hidden": 5, "heads": 2, "evaluation": "knn", "neighbours": 4},
        {"hidden": 5, "heads": 2, "evaluation": "monte_carlo", "samples": 8},
        {"hidden": 5, "heads": 2, "evaluation": "tiled", "hadamard": 2, "position": False},
    ]
