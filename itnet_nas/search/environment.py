"""What a worker's process has to have."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from itnet_nas.registry import Origin, load_origin


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
