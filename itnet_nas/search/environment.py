"""What a cluster has to have: room for a trial, and the packages that the trial needs."""

from __future__ import annotations

import os
from importlib import metadata
from typing import TYPE_CHECKING, Any

from itnet_nas.errors import EnvironmentProblem
from itnet_nas.nn.measure import refuses_measure
from itnet_nas.registry import Origin, load_origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itnet_nas.space.space import Space


def cores() -> int:
    """CPUs that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        return os.cpu_count() or 1


def gpus_per_trial(wanted: float | None, nodes: Sequence[Mapping[str, float]]) -> float:
    """What was asked for; else one where there are any, and none where there are none."""
    if wanted is not None:
        return wanted
    return 1.0 if any(node.get("GPU", 0) for node in nodes) else 0.0


def room(cpus: int, gpus: float, nodes: Sequence[Mapping[str, float]]) -> list[int]:
    """How many trials each node can hold at once.

    Raises EnvironmentProblem when no node can hold one: the request would wait for ever.
    """
    rooms = []
    for node in nodes:
        by_cpu = int(node.get("CPU", 0) // cpus)
        # Thirds of a GPU: three of them fit, whatever 3 * 0.333… comes to.
        rooms.append(min(by_cpu, int(node.get("GPU", 0) / gpus + 1e-9)) if gpus else by_cpu)
    if not sum(rooms):
        most_cpus = max((node.get("CPU", 0) for node in nodes), default=0)
        most_gpus = max((node.get("GPU", 0) for node in nodes), default=0)
        raise EnvironmentProblem(
            f"no node has room for a trial of {cpus} CPUs and {gpus:g} GPUs; the largest node has "
            f"{most_cpus:g} CPUs and {most_gpus:g} GPUs; ask for less with --cpus-per-trial or "
            f"--gpus-per-trial"
        )
    return rooms


def workers(wanted: int | None, rooms: Sequence[int]) -> tuple[int, str]:
    """How many workers to start, and what to tell about it."""
    now = sum(rooms)
    if wanted is None or wanted <= now:
        return wanted or now, ""
    return wanted, f"{now} of {wanted} workers have room now; the others start when nodes join"


def neighbours(workers: int, rooms: Sequence[int]) -> int:
    """How many workers the fullest node will hold."""
    return min(workers, max(rooms))


def load_path(path: str) -> Any:
    """The object at `package.module:name`."""
    return load_origin(Origin(name=path, path=path, package="this search", version=""))


def missing(origins: list[str]) -> list[str]:
    """What of these this process cannot import, or has in another version."""
    problems = []
    for origin in map(Origin.model_validate_json, origins):
        try:
            load_origin(origin)
            version = metadata.version(origin.package)
        except Exception as error:
            problems.append(str(error))
        else:
            if version != origin.version:
                problems.append(f"{origin.package} is {version}, the driver has {origin.version}")
    return problems


def require_complete(answers: Mapping[str, Sequence[str]], origins: Sequence[Origin]) -> None:
    """Raise EnvironmentProblem if any node has something missing: host -> what it answered."""
    problems = [f"node {host}: {one}" for host, found in answers.items() for one in found]
    if problems:
        needed = sorted({f"{origin.package}=={origin.version}" for origin in origins})
        raise EnvironmentProblem(
            "\n".join([*problems, f"on every node: pip install {' '.join(needed)}"])
        )


def require_measurable(space: Space, device_type: str) -> None:
    """Raise EnvironmentProblem for an objective that this kind of device cannot be asked for."""
    refusals = [refuses_measure(objective.name, device_type) for objective in space.objectives]
    if any(refusals):
        raise EnvironmentProblem("\n".join(filter(None, refusals)))
