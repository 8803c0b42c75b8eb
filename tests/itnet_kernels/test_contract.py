"""The built-in families keep the contract that every family keeps."""

from typing import Any

from itnet_kernels import conv, gru, identity, position_mixer, ssm
from itnet_nas.testing.kernel_contract import KernelFamilyContract


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


class TestGru(KernelFamilyContract):
    family = gru.FAMILY
    cases: list[dict[str, Any]] = [{}]


class TestSsm(KernelFamilyContract):
    family = ssm.FAMILY
    cases = [{"state": 1}, {"state": 4}]


class TestPositionMixer(KernelFamilyContract):
    family = position_mixer.FAMILY
    cases = [{}, {"groups": 1}]
