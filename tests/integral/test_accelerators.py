"""Packages with kernels for CUDA, stood in for by modules that are made here."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from itnet_nas.integral import accelerators
from itnet_nas.integral.accelerators import accelerator


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What was found is remembered for the life of a process."""
    accelerators._load.cache_clear()
    yield
    accelerators._load.cache_clear()


def test_an_installed_one_is_used_on_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("fast_kernels")
    module.scan = lambda: "fast"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fast_kernels", module)

    found = accelerator("fast_kernels:scan", "cuda", "fast-kernels")

    assert found.function is not None
    assert found.function() == "fast"
    assert found.reason == "fast-kernels is installed"


def test_elsewhere_it_is_not_even_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fast_kernels", None)  # importing it would raise

    found = accelerator("fast_kernels:scan", "cpu", "fast-kernels")

    assert found == (None, "fast-kernels runs on CUDA alone, this is cpu")


def test_one_that_is_not_installed_is_refused_by_what_to_install() -> None:
    found = accelerator("no_such_kernels.ops:scan", "cuda", "fast-kernels")

    assert found == (None, "fast-kernels is not installed")


def test_one_of_another_version_is_refused_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fast_kernels", types.ModuleType("fast_kernels"))

    found = accelerator("fast_kernels:scan", "cuda", "fast-kernels")

    assert found.function is None
    assert found.reason == (
        "fast-kernels does not load: AttributeError: module 'fast_kernels' has no attribute 'scan'"
    )


def test_one_that_fails_on_import_is_refused_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_kernels.py").write_text("raise OSError('built for another torch')\n")
    monkeypatch.syspath_prepend(tmp_path)

    found = accelerator("broken_kernels:scan", "cuda", "fast-kernels")

    assert found == (None, "fast-kernels does not load: OSError: built for another torch")


def test_a_package_that_is_there_but_needs_another_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_kernels.py").write_text("import no_such_compiler\n")
    monkeypatch.syspath_prepend(tmp_path)

    found = accelerator("half_kernels:scan", "cuda", "fast-kernels")

    assert found.reason == (
        "fast-kernels does not load: ModuleNotFoundError: No module named 'no_such_compiler'"
    )
