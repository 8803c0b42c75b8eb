"""Names of an entry-point group: one meaning each, or an error that names the packages."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from itnet_nas.errors import BrokenPlugin, DuplicatePlugin, UnknownPlugin
from itnet_nas.registry import KERNELS, Origin, Registry, load_origin

GROUP = "itnet_nas.kernels"


def distribution(folder: Path, name: str, points: str) -> None:
    """An installed package as the import system sees it: metadata alone."""
    info = folder / f"{name.replace('-', '_')}-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def registry(site: Path) -> Registry:
    found = metadata.distributions(path=[str(site)])
    points = [point for dist in found for point in dist.entry_points]
    return Registry(GROUP, "kernel family", points)


def test_a_name_is_loaded_from_the_package_that_offers_it(site: Path) -> None:
    distribution(site, "itnet-one", "wave = wave_one:FAMILY")
    (site / "wave_one.py").write_text("FAMILY = 'the wave'\n")

    assert registry(site).load("wave") == "the wave"
    assert registry(site).origin("wave") == Origin(
        name="wave", path="wave_one:FAMILY", package="itnet-one", version="0.1"
    )


def test_listing_imports_nothing(site: Path) -> None:
    distribution(site, "itnet-one", "wave = wave_two:FAMILY")
    (site / "wave_two.py").write_text("raise RuntimeError('imported')\n")

    assert registry(site).names() == ["wave"]
    assert "wave_two" not in sys.modules


def test_a_name_offered_twice_names_both_packages_when_it_is_asked_for(site: Path) -> None:
    distribution(site, "itnet-one", "wave = wave_one:FAMILY\nother = other_one:FAMILY")
    distribution(site, "itnet-two", "wave = wave_two:FAMILY")
    (site / "other_one.py").write_text("FAMILY = 1\n")
    both = registry(site)

    assert both.load("other") == 1
    with pytest.raises(DuplicatePlugin) as caught:
        both.load("wave")
    text = str(caught.value)
    assert text.startswith('kernel family "wave" is offered twice, by itnet-')
    assert "itnet-one 0.1 (wave_one:FAMILY)" in text
    assert "itnet-two 0.1 (wave_two:FAMILY)" in text
    assert text.endswith("; uninstall one of them")


def test_a_package_that_does_not_load_is_named_when_it_is_asked_for(site: Path) -> None:
    distribution(site, "itnet-one", "broken = broken_one:NOT_THERE")
    (site / "broken_one.py").write_text("")

    with pytest.raises(BrokenPlugin) as caught:
        registry(site).load("broken")

    assert str(caught.value) == (
        'kernel family "broken" from itnet-one 0.1 did not load: importing broken_one:NOT_THERE '
        "raised AttributeError: module 'broken_one' has no attribute 'NOT_THERE'; "
        "reinstall or uninstall itnet-one"
    )


def test_an_unknown_name_gets_the_nearest_one(site: Path) -> None:
    distribution(site, "itnet-one", "attention = a:F\nconv = b:F")

    with pytest.raises(UnknownPlugin) as caught:
        registry(site).load("atention")

    assert str(caught.value) == (
        'no installed package offers a kernel family called "atention"; '
        'did you mean "attention"? installed: attention, conv'
    )


def test_a_worker_loads_by_path_without_entry_points(site: Path) -> None:
    (site / "wave_three.py").write_text("class Box:\n    FAMILY = 3\n")
    origin = Origin(name="wave", path="wave_three:Box.FAMILY", package="p", version="1")

    assert load_origin(origin) == 3


def test_the_built_in_families_come_through_the_same_door() -> None:
    assert {"attention", "conv", "gru", "identity", "position_mixer", "ssm"} <= set(KERNELS.names())
    assert KERNELS.origin("conv").package == "itnet-nas"
