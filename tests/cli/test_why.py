"""What a family says of one site: its costs, and how it is computed there."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Field

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.cli.kernels import DOMAINS as OFFERED
from itnet_nas.cli.why import DOMAINS, make_site
from itnet_nas.integral import Evaluation
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site, Values
from itnet_nas.registry import KERNELS, Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Invoke = Callable[..., Result]


class Params(KernelParams):
    radius: Annotated[int, Field(ge=1, le=9), Values(2, 4)]
    taps: Annotated[str, Values("free", "tied")]
    window: Annotated[int | None, Values(None)]


class Slow(KernelFamily[Params]):
    """Says what it is asked to say; it is never built."""

    Params = Params
    summary = "for these tests"
    source = "these tests"

    def bias(self, params: Params) -> Bias:
        return Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=params.radius)

    def cost(self, site: Site, params: Params) -> Cost:
        steps = site.length * site.width * params.radius
        return Cost(
            flops=steps,
            params=site.width,
            train_flops=3 * steps,
            traffic_bytes=8 * site.length * site.width,
            activation_bytes=1000,
            state_bytes=12 if site.causal else None,
            decode_flops=2 if site.causal else None,
        )

    def build(self, site: Site, params: Params) -> Any:
        raise NotImplementedError

    def refuses(self, site: Site, params: Params) -> str:
        return "a window needs a row" if site.domain.kind == "points" else ""

    def evaluations(
        self, site: Site, params: Params, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        if params.radius == 9:
            return ()
        return (
            Evaluation("direct", device == "cpu", f"{2 * params.radius} taps are few"),
            Evaluation("fft", device == "cuda", f"{site.length} positions, on {device}"),
        )


FAMILY = Slow()


@pytest.fixture
def slow(itnet_nas: Invoke, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """`itnet-nas kernels slow --why …`."""
    point = EntryPoint("slow", f"{__name__}:FAMILY", "itnet_nas.kernels")
    registry = Registry("itnet_nas.kernels", "kernel family", [point])
    monkeypatch.setattr("itnet_nas.registry.KERNELS", registry)
    return lambda *words: itnet_nas("kernels", "slow", "--why", *words)


def test_costs_and_evaluations_are_told_with_reasons(slow: Invoke) -> None:
    result = slow()

    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
slow(radius=2, taps=free, window=null) here: sequence of 1024, width 64, on cpu

cost              of one example  is
flops             131 kFLOP       a forward pass
train_flops       393 kFLOP       a forward and a backward pass
decode_flops      –               one step at the last position
params            64              trainable numbers
traffic_bytes     524 kB          moved by a forward pass
activation_bytes  1 kB            kept for the backward pass
state_bytes       –               carried from step to step

evaluation  is       because
direct      taken    4 taps are few
fft         refused  1024 positions, on cpu
"""
    )


def test_the_site_is_the_one_that_was_asked_about(slow: Invoke) -> None:
    words = "--domain causal --length 4096 --width 8 --device cuda --set radius=3 --set taps=tied"

    data = json.loads(slow(*words.split(), "--json").stdout)

    assert data == {
        "schema": "itnet-nas/kernels-why/v1",
        "name": "slow",
        "params": {"radius": 3, "taps": "tied", "window": None},
        "site": {
            "domain": {"kind": "sequence", "shape": [4096], "causal": True, "coordinates": 0},
            "width": 8,
        },
        "device": "cuda",
        "refusal": None,
        "cost": {
            "flops": 98304,
            "params": 8,
            "state_bytes": 12,
            "train_flops": 294912,
            "decode_flops": 2,
            "traffic_bytes": 262144,
            "activation_bytes": 1000,
        },
        "evaluations": [
            {"name": "direct", "taken": False, "reason": "6 taps are few"},
            {"name": "fft", "taken": True, "reason": "4096 positions, on cuda"},
        ],
    }


def test_one_way_to_compute_is_said_to_be_one(slow: Invoke) -> None:
    assert slow("--set", "radius=9").stdout.endswith("\n\nThere is one way to compute it.\n")


def test_a_site_where_it_cannot_stand_is_answered_with_the_reason(slow: Invoke) -> None:
    result = slow("--domain", "points", "--length", "20")

    assert result.exit_code == 1
    assert result.stdout == (
        "slow(radius=2, taps=free, window=null) cannot stand here "
        "(points of 20 in 3 dimensions, width 64): a window needs a row\n"
    )


def test_a_refusal_is_no_error_in_json(slow: Invoke) -> None:
    result = slow("--domain", "points", "--json")
    data = json.loads(result.stdout)

    assert result.exit_code == 1
    assert data["refusal"] == "a window needs a row"
    assert data["cost"] is None
    assert data["evaluations"] == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("radios=3", '"slow" has no parameter "radios"; did you mean "radius"? its parameters: '
         "radius, taps, window"),
        ("radius=10", '"slow": radius must be at most 9, got 10'),
        ("radius=far", '"slow": radius must be a whole number, got "far"'),
        ("radius", '"radius" sets nothing; write --set PARAM=VALUE, such as radius=3'),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(slow: Invoke, given: str, message: str) -> None:
    result = slow("--set", given)

    assert result.exit_code == 2
    assert result.stderr == f"itnet-nas: {message}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["conv", "--length", "9"], "--domain, --length, --width, --device and --set belong to "
         "--why"),
        (["--why"], "--why asks about one family; name it: itnet-nas kernels NAME --why"),
    ],
)  # fmt: skip
def test_options_that_ask_nothing_are_refused(
    itnet_nas: Invoke, words: list[str], message: str
) -> None:
    result = itnet_nas("kernels", *words)

    assert result.exit_code == 2
    assert result.stderr == f"itnet-nas: {message}\n"


@pytest.mark.parametrize(("length", "shape"), [(1024, (32, 32)), (1000, (25, 40)), (7, (1, 7))])
def test_a_grid_is_as_square_as_it_can_be(length: int, shape: tuple[int, int]) -> None:
    assert make_site("grid", length, 8).domain.shape == shape


def test_the_domains_that_are_offered_are_those_there_are() -> None:
    assert tuple(DOMAINS) == OFFERED


@pytest.mark.parametrize("name", KERNELS.names())
def test_every_family_can_be_asked(itnet_nas: Invoke, name: str) -> None:
    result = itnet_nas("kernels", name, "--why", "--json")
    data = json.loads(result.stdout)

    assert result.exit_code == 0
    assert data["cost"]["flops"] >= 0
    assert sum(way["taken"] for way in data["evaluations"]) == min(1, len(data["evaluations"]))
