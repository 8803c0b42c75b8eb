"""Options of our tests, and which are slow for a reason that their authors cannot mark."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-docs` writes the pages that are made from code, before they are compared."""
    parser.addoption("--write-docs", action="store_true", help="write the pages afresh")


@pytest.hookimpl(tryfirst=True)  # before pytest reads the marks to leave out what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Exporting takes seconds for each family, case and site: too long for every save of a file."""
    for item in items:
        if item.name.startswith("test_case[it_can_be_exported-"):
            item.add_marker(pytest.mark.slow)
