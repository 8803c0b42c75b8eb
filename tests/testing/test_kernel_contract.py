"""Families with one fault each, and the check that catches it.

Every fault is planted in one healthy family, so that a check which is always red cannot pass here.
"""

import subprocess
import sys
from typing import Annotated, Any, ClassVar

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, Domain, KernelFamily, KernelParams, Operator, Site, Values
from itnet_nas.testing.bench import ContractBroken, benches
from itnet_nas.testing.kernel_contract import check_family


class Healthy(Operator):
    """A causal window of three taps for each channel; a fault is named by its word."""

    def __init__(self, width: int, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.w_DR = nn.Parameter(torch.randn(width, 3))
        if fault == "hidden parameter":
            self.spare = nn.Parameter(torch.zeros(width))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        if self.fault == "mask forgotten":
            mask_BN = None
        if self.fault == "mask off by one" and mask_BN is not None:
            mask_BN = mask_BN | mask_BN.roll(1, 1)
        u_BND = u_BND if self.fault == "rubbish leaks" else zero_masked(u_BND, mask_BN)
        w_DR = self.w_DR.detach() if self.fault == "gradient lost" else self.w_DR
        if self.fault == "taps reversed":
            w_DR = w_DR.flip(1)
        shift = 1 if self.fault == "looks ahead" else 0
        if self.fault == "looks too far":
            shift = -1
        y_BND = sum((w_DR[:, r] * _moved(u_BND, r - 2 + shift) for r in range(3)), 0 * u_BND)
        if self.fault == "knows where it is":
            place_N = torch.arange(u_BND.shape[1], dtype=u_BND.dtype)
            y_BND = y_BND * place_N[:, None]
        if self.fault == "reads the content":
            y_BND = y_BND * (1 + u_BND.square())
        if self.fault == "examples meet":
            y_BND = y_BND + 0.1 * y_BND.mean(0)
        if self.fault == "dice":
            y_BND = y_BND * (1 + 1e-3 * torch.rand(()))
        if self.fault == "always double":
            y_BND = y_BND.double()
        return y_BND if self.fault == "masked output" else zero_masked(y_BND, mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        u_BND = zero_masked(u_BND, mask_BN)
        w_DR = self.w_DR.detach() if self.fault == "gradient lost twice" else self.w_DR
        rows = []
        for n in range(u_BND.shape[1]):
            y_BD = torch.zeros_like(u_BND[:, 0])
            for r in range(3):
                if n + r - 2 >= 0:
                    y_BD = y_BD + w_DR[:, r] * u_BND[:, n + r - 2]
            rows.append(y_BD)
        return zero_masked(torch.stack(rows, 1), mask_BN)

    @property
    def decodes(self) -> bool:
        return self.fault != "does not decode"

    def start(self, batch: int) -> Any:
        return self.w_DR.new_zeros(batch, 2, len(self.w_DR))

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        window_BRD = torch.cat([state, u_BD.unsqueeze(1)], 1)
        y_BD = (window_BRD[:, -3:] * self.w_DR.T).sum(1)
        if self.fault == "step forgets":
            return y_BD, torch.zeros_like(window_BRD[:, 1:])
        return y_BD, window_BRD if self.fault == "memory grows" else window_BRD[:, 1:]


class LostTwice(Healthy):
    """The gradient is missing in both paths, so that only finite differences can tell."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self.reference(u_BND, mask_BN)


def _moved(u_BND: Tensor, by: int) -> Tensor:
    """u at n + by, 0 beyond the ends."""
    moved_BND = torch.zeros_like(u_BND)
    if by <= 0:
        moved_BND[:, -by:] = u_BND[:, : u_BND.shape[1] + by]
    else:
        moved_BND[:, :-by] = u_BND[:, by:]
    return moved_BND


class Params(KernelParams):
    size: Annotated[int, Field(ge=1, le=4), Values(1, 2)] = 1


class BadParams(KernelParams):
    size: Annotated[int, Field(ge=1, le=4), Values(1, 9)] = 1


class NoValues(KernelParams):
    size: Annotated[int, Field(ge=1, le=4)] = 1


WINDOW = Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=2)


class Family(KernelFamily[Params]):
    """Healthy but for one word."""

    Params: ClassVar[type[KernelParams]] = Params
    summary = "three taps"
    source = "this test"

    def __init__(
        self, fault: str = "", bias: Bias = WINDOW, cost: dict[str, Any] | None = None
    ) -> None:
        self.fault = fault
        self.stated = bias
        self.wrong = cost or {}

    def bias(self, params: Params) -> Bias:
        return self.stated

    def cost(self, site: Site, params: Params) -> Cost:
        right: dict[str, Any] = {
            "flops": 6 * site.length * site.width,
            "params": 3 * site.width,
            "state_bytes": None if self.fault == "does not decode" else 8 * site.width,
        }
        return Cost(**{**right, **self.wrong})

    def build(self, site: Site, params: Params) -> Operator:
        kind = LostTwice if self.fault == "gradient lost twice" else Healthy
        if self.fault == "argument is no plain value":
            return kind(site.width, fault=_Word(""))
        return kind(site.width, self.fault)

    def refuses(self, site: Site, params: Params) -> str:
        return "" if site.causal else "it looks back"

    def normalize(self, site: Site, params: Params) -> Params:
        if self.fault == "never normal":
            return params.model_copy(update={"size": params.size % 4 + 1})
        return params


class _Word(str):
    pass


def broken(family: Family) -> dict[str, str]:
    """Check -> why."""
    return {check: why for check, _, why in check_family(family, [{}])}


def test_the_healthy_family_breaks_nothing() -> None:
    assert check_family(Family(), [{}, {"size": 2}]) == []


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("taps reversed", "forward_is_the_reference"),
        ("gradient lost", "gradients_are_the_reference"),
        ("gradient lost twice", "gradients_are_the_reference"),
        ("looks ahead", "the_future_stays_hidden"),
        ("looks too far", "support_is_as_declared"),
        ("knows where it is", "sharing_is_as_declared"),
        ("reads the content", "content_is_as_declared"),
        ("examples meet", "examples_do_not_meet"),
        ("mask forgotten", "a_masked_position_does_not_exist"),
        ("mask off by one", "a_masked_position_does_not_exist"),
        ("rubbish leaks", "a_masked_position_does_not_exist"),
        ("masked output", "a_masked_position_does_not_exist"),
        ("dice", "a_seed_gives_the_same_operator"),
        ("step forgets", "step_is_forward"),
        ("memory grows", "the_cost_is_the_operators"),
        ("hidden parameter", "the_cost_is_the_operators"),
        ("always double", "float32_stays_float32"),
        ("never normal", "normal_params_stay"),
        ("argument is no plain value", "arguments_are_plain"),
    ],
)
def test_a_planted_fault_in_the_operator_is_caught(fault: str, check: str) -> None:
    assert check in broken(Family(fault))


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"radius": 1}, "support_is_as_declared"),
        ({"radius": 3}, "support_is_as_declared"),
        ({"support": Support.POINT, "radius": None}, "support_is_as_declared"),
        ({"support": Support.FULL, "radius": None}, "support_is_as_declared"),
        ({"sharing": Sharing.PERMUTATION}, "sharing_is_as_declared"),
        ({"sharing": Sharing.POSITION_SPECIFIC}, "sharing_is_as_declared"),
        ({"content": Content.PAIR, "entry": (Entry.AMPLITUDE,)}, "content_is_as_declared"),
        ({"state_size": 2}, "the_bias_is_whole"),
        ({"entry": (Entry.GATE,)}, "the_bias_is_whole"),
    ],
)
def test_a_wrong_declaration_is_caught(change: dict[str, Any], check: str) -> None:
    family = Family(bias=WINDOW.model_copy(update=change))

    assert list(broken(family)) == [check]


def test_a_window_without_a_radius_is_caught() -> None:
    family = Family(bias=WINDOW.model_copy(update={"radius": None}))

    assert broken(family)["the_bias_is_whole"] == "window support with radius None"


def test_a_declared_state_must_decode() -> None:
    linear = WINDOW.model_copy(update={"state": State.LINEAR, "state_size": 2})

    assert broken(Family("does not decode", bias=linear)) == {
        "a_state_keeps_its_size": "declared linear state, but it does not decode in a causal domain"
    }


def test_a_declared_state_must_not_grow() -> None:
    linear = WINDOW.model_copy(update={"state": State.LINEAR, "state_size": 2})

    assert "a_state_keeps_its_size" in broken(Family("memory grows", bias=linear))


@pytest.mark.parametrize(
    ("cost", "why"),
    [
        ({"params": 23}, "states 23 parameters, the operator has 24"),
        ({"flops": 0}, "mixes positions, but states 0 FLOPs"),
        ({"state_bytes": None}, "states None bytes of state, the last step left 64"),
        ({"state_bytes": 32}, "states 32 bytes of state, the last step left 64"),
    ],
)
def test_a_wrong_cost_is_caught(cost: dict[str, Any], why: str) -> None:
    assert broken(Family(cost=cost)) == {"the_cost_is_the_operators": why}


@pytest.mark.parametrize("params", [BadParams, NoValues])
def test_a_param_without_legal_values_is_caught(params: type[KernelParams]) -> None:
    family = type("Other", (Family,), {"Params": params})()

    assert set(broken(family)) == {"every_param_has_values"}


def test_a_family_without_a_summary_is_caught() -> None:
    family = type("Other", (Family,), {"summary": " "})()

    assert broken(family) == {"it_says_what_it_is": "summary is not one line of text: ' '"}


def test_a_leak_is_told_with_its_positions() -> None:
    assert broken(Family("looks ahead"))["the_future_stays_hidden"] == (
        "in a causal domain the output at position 0 answers to the input at position 1"
    )


def test_a_case_that_no_site_accepts_is_an_error() -> None:
    grid = Site(domain=Domain(kind="grid", shape=(3, 3)), width=8)

    with pytest.raises(ContractBroken) as raised:
        benches(Family(), [{}], (grid,))

    assert (
        str(raised.value)
        == "Params(size=1) stands at none of the sites: grid of 3 x 3: it looks back"
    )


@pytest.mark.slow
def test_the_checks_run_without_pytest() -> None:
    code = (
        "import sys; from itnet_nas.testing.kernel_contract import check_family;"
        "from itnet_kernels.identity import FAMILY; print(check_family(FAMILY, [{}]));"
        "print('pytest' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.split() == ["[]", "False"]
