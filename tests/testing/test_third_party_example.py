"""The example of somebody else's plugin, as it stands in the checkout and as it is installed."""

import importlib.util
import sys
import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import pytest

from itnet_nas.kernels import Domain, Site
from itnet_nas.registry import KERNEL_GROUP, TASKS, Registry
from itnet_nas.space.choices import any_choices
from itnet_nas.space.plugins import Plugins
from itnet_nas.testing.kernel_contract import check_family

FOLDER = Path(__file__).parents[2] / "examples" / "third_party_kernel"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("itnet_fourier", FOLDER / "itnet_fourier.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "itnet_fourier", found)
    spec.loader.exec_module(found)
    return found


def points() -> list[EntryPoint]:
    """What its pyproject.toml offers, though it is not installed."""
    offers = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]["entry-points"]
    return [EntryPoint(name, value, KERNEL_GROUP) for name, value in offers[KERNEL_GROUP].items()]


def test_it_keeps_the_contract(module: ModuleType) -> None:
    assert check_family(module.FAMILY, [{"modes": 1}, {"modes": 12}]) == []


def test_it_stands_where_the_quick_start_needs_it(module: ModuleType) -> None:
    site = Site(domain=Domain(kind="sequence", shape=(64,), causal=True), width=48)

    assert module.FAMILY.refuses(site, module.FourierParams(modes=4)) == ""


def test_it_says_why_it_does_not_stand_on_a_grid(module: ModuleType) -> None:
    site = Site(domain=Domain(kind="grid", shape=(7, 7)), width=48)

    assert module.FAMILY.refuses(site, module.FourierParams(modes=4)) == (
        "a filter over lags needs a sequence, not grid of 7 x 7"
    )


@pytest.mark.parametrize(
    ("domain", "taken"),
    [
        (Domain(kind="sequence", shape=(24,), causal=True), True),
        (Domain(kind="sequence", shape=(24,)), True),
        (Domain(kind="grid", shape=(7, 7)), False),
    ],
    ids=str,
)
def test_any_takes_it_where_it_stands(module: ModuleType, domain: Domain, taken: bool) -> None:
    registry = Registry(
        KERNEL_GROUP, "kernel family", [*points(), *entry_points(group=KERNEL_GROUP)]
    )
    notes: list[str] = []

    choices = any_choices(Site(domain=domain, width=16), Plugins(registry, TASKS), notes)

    families = {choice.family for choice in choices}
    assert "conv" in families
    assert ("fourier" in families) is taken
    refusal = "kernels: any leaves out fourier: a filter over lags needs a sequence, not "
    assert any(note.startswith(refusal) for note in notes) is not taken


def test_the_registry_loads_it_by_its_entry_point(module: ModuleType) -> None:
    assert Registry(KERNEL_GROUP, "kernel family", points()).load("fourier") is module.FAMILY
