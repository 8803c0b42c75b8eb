"""Families and tasks by name, with whatever is wrong with them told at the line that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from itnet_nas.errors import (
    BrokenPlugin,
    DuplicatePlugin,
    PluginError,
    UnknownPlugin,
)
from itnet_nas.kernels import KernelFamily, KernelParams
from itnet_nas.space.values import choose
from itnet_nas.tasks import Task

if TYPE_CHECKING:
    from itnet_nas.registry import Registry
    from itnet_nas.space.findings import Findings
    from itnet_nas.space.values import ValuePath

Family = KernelFamily[Any]


@final
class Plugins:
    """What two registries offer, each name loaded once."""

    def __init__(self, kernels: Registry, tasks: Registry) -> None:
        self.kernels = kernels
        self.tasks = tasks
        self._families: dict[str, Family | PluginError] = {}

    def family(self, name: str) -> Family:
        """The family of that name. Raises PluginError, also for one that breaks its contract."""
        if name not in self._families:
            try:
                self._families[name] = self._load_family(name)
            except PluginError as error:
                self._families[name] = error
        found = self._families[name]
        if isinstance(found, PluginError):
            raise found
        return found

    def task(self, name: str) -> type[Task[Any]]:
        """The task of that name. Raises PluginError, also when it is no task."""
        found = self.tasks.load(name)
        if not (isinstance(found, type) and issubclass(found, Task)):
            raise self._broken(self.tasks, name, "is no subclass of itnet_nas.tasks.Task")
        return found

    def _load_family(self, name: str) -> Family:
        found = self.kernels.load(name)
        if not isinstance(found, KernelFamily):
            raise self._broken(
                self.kernels, name, "is no instance of a subclass of itnet_nas.kernels.KernelFamily"
            )
        if not (isinstance(found.Params, type) and issubclass(found.Params, KernelParams)):
            raise self._broken(self.kernels, name, "has Params that are no KernelParams")
        found.Params.default_values()
        return found

    @staticmethod
    def _broken(registry: Registry, name: str, what: str) -> BrokenPlugin:
        origin = registry.origin(name)
        return BrokenPlugin(
            f'{registry.kind} "{name}" from {origin.package} {origin.version}: {origin.path} {what}'
            f"; reinstall or uninstall {origin.package}"
        )


def report_plugin(
    findings: Findings,
    path: ValuePath,
    registry: Registry,
    name: str,
    error: PluginError,
    key: bool,
) -> None:
    """Add the problem of a name that cannot be used."""
    if isinstance(error, UnknownPlugin):
        findings.add(
            path,
            f'no installed package offers a {registry.kind} called "{name}"',
            choose(name, "installed:", registry.names()),
            key=key,
        )
        return
    message, _, remedy = str(error).rpartition("; ")
    if not message or not isinstance(error, BrokenPlugin | DuplicatePlugin):
        message, remedy = str(error), ""
    findings.add(path, message, remedy, key=key)


def failure(what: str, error: Exception) -> str:
    """The sentence for code of a plugin that raised what it should not."""
    return f"{what} raised {type(error).__name__}: {error}"
