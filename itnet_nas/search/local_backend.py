"""Trials in this process, one after the other: for tests, tiny runs and debugging.

The same jobs give the same records as on Ray, because `evaluate` is the same function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.search.environment import cores, require_measurable

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.search.session import Session


def run_local(session: Session, show: Callable[[], None]) -> None:
    """Work until the controller has nothing more to hand out. `show` is called at every change.

    Ctrl-C ends the trial that is running; its job stays on disk and is run again by `resume`.
    """
    from itnet_nas.train.device import pick_device
    from itnet_nas.train.evaluate import evaluate

    require_measurable(session.space, pick_device().torch_device.type)
    session.workers = 1
    if session.search.cpus_per_trial > cores():
        session.note = (
            f"{session.search.cpus_per_trial} CPUs per trial were asked for, "
            f"this machine has {cores()}"
        )
    show()
    try:
        while (job := session.next_job()) is not None:
            show()
            session.tell(evaluate(job))
            show()
    except KeyboardInterrupt:
        session.interrupt()
