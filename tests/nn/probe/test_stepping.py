"""Decoding as the proof of a state."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from itnet_nas.kernels import Domain, Operator, Site
from itnet_nas.nn.probe.stepping import step_error
from itnet_nas.registry import KERNELS

SITE = Site(domain=Domain(kind="sequence", shape=(24,), causal=True), width=8)


def built(name: str, site: Site = SITE) -> Operator:
    family: Any = KERNELS.load(name)
    torch.manual_seed(0)
    values = {key: tried[0] for key, tried in family.Params.default_values().items()}
    operator: Operator = family.build(site, family.Params(**values))
    return operator


@pytest.mark.parametrize("name", ["ssm", "gru", "conv"])
def test_a_family_that_decodes_proves_its_state(name: str) -> None:
    error = step_error(built(name), torch.randn(2, 24, 8))

    assert error is not None
    assert error < 1e-5


def test_what_looks_both_ways_does_not_step() -> None:
    site = SITE.model_copy(update={"domain": Domain(kind="sequence", shape=(24,))})

    assert step_error(built("conv", site), torch.randn(2, 24, 8)) is None


def test_a_step_that_is_another_map_shows() -> None:
    operator = built("ssm")
    stepped = operator.step
    operator.step = lambda u_BD, state: stepped(1.1 * u_BD, state)  # type: ignore[method-assign]

    error = step_error(operator, torch.randn(2, 24, 8))

    assert error is not None
    assert error > 0.01
