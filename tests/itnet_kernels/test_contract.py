"""The built-in families keep the contract that every family keeps."""

from typing import Any

import pytest
import torch

from itnet_kernels import attention, conv, gru, identity, position_mixer, ssm
from itnet_nas.testing.kernel_contract import KernelFamilyContract


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class TestIdentity(KernelFamilyContract):
    family = identity.FAMILY
    cases: list[dict[str, Any]] = [{}]


class TestConv(KernelFamilyContract):
    family = conv.FAMILY
    cases = [
        {"radius": 1},
        {"radius": 3},
        {"radius": 2, "channels": "dense"},
    ]


class TestAttention(KernelFamilyContract):
    family = attention.FAMILY
    cases = [
        {"heads": 2},
        {"heads": 1, "position": "alibi"},
        {"heads": 2, "position": "rotary"},
        {"heads": 4, "window": 3},
        {"heads": 2, "position": "alibi", "window": 2},
        {"heads": 2, "position": "rotary", "window": 3},
    ]


class TestGru(KernelFamilyContract):
    family = gru.FAMILY
    cases: list[dict[str, Any]] = [{}]


class TestSsm(KernelFamilyContract):
    family = ssm.FAMILY
    cases = [{"state": 1}, {"state": 4}]


class TestPositionMixer(KernelFamilyContract):
    family = position_mixer.FAMILY
    cases = [{}, {"groups": 1}]
