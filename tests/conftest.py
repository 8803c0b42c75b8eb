"""Which of our tests are slow for a reason that their authors cannot mark."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)  # before pytest reads the marks to leave out what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Exporting takes seconds for each family, case and site: too long for every save of a file."""
    for item in items:
        if item.name.startswith("test_case[it_can_be_exported-"):
            item.add_marker(pytest.mark.slow)
