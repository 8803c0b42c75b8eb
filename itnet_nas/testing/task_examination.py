"""`examine_task`: the contract of tasks without pytest, counted."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from itnet_nas.errors import DataUnavailable
from itnet_nas.testing.examination import Examination, Need, Outcome, reason
from itnet_nas.testing.task_contract import TaskContract

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itnet_nas.tasks.task import Task


def examine_task(
    task_class: type[Task[Any]], cases: Sequence[Mapping[str, Any]] = ({},), name: str = ""
) -> Examination:
    """Run every test of `TaskContract` once for each case; all of them are needed.

    Nothing is raised. A case whose params are not accepted, or whose data is not on this machine,
    counts as checks that did not run.
    """
    contract: Any = type("Contract", (TaskContract,), {"task_class": task_class})()
    tests = [test for test in dir(TaskContract) if test.startswith("test_")]
    outcomes, needs = [], []
    for test in tests:
        run = getattr(contract, test)
        capability, check = _capability(test), test.removeprefix("test_")
        for case in cases if "case" in inspect.signature(run).parameters else [None]:
            text = "" if case is None else json.dumps(dict(case), default=str)
            needs.append(Need(capability, check, text))
            outcomes.append(Outcome(capability, check, text)._replace(**_found(run, case)))
    return Examination(name or task_class.__name__, tuple(outcomes), tuple(needs))


def _found(run: Callable[..., None], case: Mapping[str, Any] | None) -> dict[str, str]:
    """What became of one test, as fields of an Outcome."""
    try:
        if case is None:
            run()
        else:
            run(case)
    except DataUnavailable as error:
        return {"skipped": str(error)}
    except ValidationError as error:
        wanted = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        return {"skipped": f"its params are not accepted as they are: {wanted}"}
    except AssertionError as error:
        return {"broken": str(error) or "an assertion without a text"}
    except Exception as error:
        return {"broken": reason(error)}
    return {}


def _capability(test: str) -> str:
    """The word under which a test is counted."""
    for capability, words in _WORDS.items():
        if any(word in test for word in words):
            return capability
    return "statements"


_WORDS = {
    "cost": ("cost",),
    "training": ("training", "loss"),
    "scores": ("scores",),
    "splits": ("split", "reading", "evaluation"),
    "batches": ("batches",),
}
