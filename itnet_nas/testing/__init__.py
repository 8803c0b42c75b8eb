"""Contracts that plugin authors run on what they offer. Public: covered by the promise.

KernelFamilyContract    inherit it to test a kernel family; `check_family` does without pytest
TaskContract            inherit it to test a task
LanguageModelContract   the same for a task that predicts every next symbol
SearcherContract        inherit it to test a strategy of search
ContractBroken          what a check of a kernel family raises
examine_family          every check of a family, counted: what ran, what had to, what is broken
examine_task            the same for a task
examine_searcher        the same for a strategy
Examination             what these three return

`itnet-nas plugin check MODULE` examines the families and the tasks that a module offers.

`itnet_nas.testing.planted_landscape` is a search problem whose truth is known, for searchers.
`itnet_nas.testing.influence` measures which position acts on which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.testing.bench import ContractBroken
    from itnet_nas.testing.examination import Examination
    from itnet_nas.testing.kernel_contract import (
        KernelFamilyContract,
        check_family,
        examine_family,
    )
    from itnet_nas.testing.searcher_contract import SearcherContract, examine_searcher
    from itnet_nas.testing.task_contract import LanguageModelContract, TaskContract
    from itnet_nas.testing.task_examination import examine_task

_NEEDS_TORCH = {
    "ContractBroken": "bench",
    "Examination": "examination",
    "KernelFamilyContract": "kernel_contract",
    "LanguageModelContract": "task_contract",
    "SearcherContract": "searcher_contract",
    "TaskContract": "task_contract",
    "check_family": "kernel_contract",
    "examine_family": "kernel_contract",
    "examine_searcher": "searcher_contract",
    "examine_task": "task_examination",
}

__all__ = [
    "ContractBroken",
    "Examination",
    "KernelFamilyContract",
    "LanguageModelContract",
    "SearcherContract",
    "TaskContract",
    "check_family",
    "examine_family",
    "examine_searcher",
    "examine_task",
]


def __getattr__(name: str) -> Any:
    # Naming the package must not cost the import of torch.
    if name in _NEEDS_TORCH:
        import importlib

        return getattr(importlib.import_module(f"itnet_nas.testing.{_NEEDS_TORCH[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
