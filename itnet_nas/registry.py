"""Names of one entry-point group, and the objects behind them.

Listing reads metadata only; nothing is imported until a name is asked for. A name offered twice,
or an object that does not load, is an error for the one who asks for that name, and a line in the
listing for everybody else: a search that silently used another kernel would be a wrong result.

Workers never discover: code shipped to them as a folder has no entry points. The driver resolves
each name once to an `Origin`, and `load_origin` imports by path.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from itnet_nas.errors import BrokenPlugin, DuplicatePlugin, UnknownPlugin, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

KERNEL_GROUP = "itnet_nas.kernels"
TASK_GROUP = "itnet_nas.tasks"


class Origin(BaseModel):
    """Which code a name meant on the day it was resolved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    path: str  # itnet_kernels.conv:FAMILY
    package: str  # itnet-nas
    version: str

    def __str__(self) -> str:
        return f"{self.package} {self.version} ({self.path})"


@dataclass(frozen=True)
class Listing:
    """One name of the group as it stands in the metadata, with every package that offers it."""

    name: str
    origins: tuple[Origin, ...]

    @property
    def problem(self) -> str:
        """Why the name cannot be used, as far as metadata tells; empty when it can."""
        if len(self.origins) < 2:
            return ""
        return f"offered twice, by {' and by '.join(map(str, self.origins))}; uninstall one of them"


class Registry:
    """What the installed packages offer under one entry-point group.

    `kind` is the word used in messages ("kernel family"). `entry_points` replaces the installed
    metadata in tests.
    """

    def __init__(
        self, group: str, kind: str, entry_points: Iterable[metadata.EntryPoint] | None = None
    ) -> None:
        self.group = group
        self.kind = kind
        self._given = None if entry_points is None else tuple(entry_points)

    @cached_property
    def _offers(self) -> dict[str, tuple[Origin, ...]]:
        found = metadata.entry_points(group=self.group) if self._given is None else self._given
        offers: dict[str, dict[tuple[str, str], Origin]] = {}
        for point in found:
            dist = point.dist
            package = dist.name if dist is not None else "an unknown package"
            version = dist.version if dist is not None else "0"
            origin = Origin(name=point.name, path=point.value, package=package, version=version)
            # An editable install can be listed twice under one sys.path; that is one offer.
            offers.setdefault(point.name, {})[(package, point.value)] = origin
        return {name: tuple(by.values()) for name, by in sorted(offers.items())}

    def names(self) -> list[str]:
        """Every name offered, sorted; nothing is imported."""
        return list(self._offers)

    def listing(self) -> list[Listing]:
        """Every name with its origins, also the ones that cannot be used; nothing is imported."""
        return [Listing(name, origins) for name, origins in self._offers.items()]

    def origin(self, name: str) -> Origin:
        """The one package that offers `name`.

        Raises UnknownPlugin with the nearest name, or DuplicatePlugin naming both packages.
        """
        offers = self._offers.get(name)
        if not offers:
            hint = did_you_mean(name, self._offers)
            known = ", ".join(self._offers) or "none"
            raise UnknownPlugin(
                f'no installed package offers a {self.kind} called "{name}"'
                f"{'; ' + hint if hint else ';'} installed: {known}"
            )
        if len(offers) > 1:
            raise DuplicatePlugin(f'{self.kind} "{name}" is {Listing(name, offers).problem}')
        return offers[0]

    def load(self, name: str) -> Any:
        """The object behind `name`. Raises what `origin` raises, or BrokenPlugin."""
        return load_origin(self.origin(name), self.kind)


def load_origin(origin: Origin, kind: str = "plugin") -> Any:
    """Import an object by its path, as a worker does.

    Raises BrokenPlugin naming the package and the import's own error.
    """
    module, _, attribute = origin.path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise BrokenPlugin(
            f'{kind} "{origin.name}" from {origin.package} {origin.version} did not load: '
            f"importing {origin.path} raised {type(error).__name__}: {error}; "
            f"reinstall or uninstall {origin.package}"
        ) from error
    return found


KERNELS = Registry(KERNEL_GROUP, "kernel family")
TASKS = Registry(TASK_GROUP, "task")
