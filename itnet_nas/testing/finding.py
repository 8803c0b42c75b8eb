"""What a module offers: its kernel families and its tasks; found by path, file or plugin's name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from itnet_nas.errors import BrokenPlugin, UsageError, did_you_mean
from itnet_nas.kernels import KernelFamily
from itnet_nas.registry import KERNELS, TASKS
from itnet_nas.tasks.task import Task

if TYPE_CHECKING:
    from types import ModuleType


class Offer(NamedTuple):
    """The families, instances, and the tasks, classes, by the name under which they were found."""

    families: dict[str, KernelFamily[Any]]
    tasks: dict[str, type[Task[Any]]]


def find_plugins(text: str) -> Offer:
    """What `text` offers: a `.py` file, the name of an installed family or task, or a dotted path.

    A dotted path may lead to one object ("my_package.ema:FAMILY"); else everything is taken that
    the module defines, without what it only imported. A folder of work is searched last, so that a
    module beside it is found without being installed.

    Raises UsageError where there is no such module or nothing in it, BrokenPlugin where importing
    it fails.
    """
    if text.endswith(".py"):
        return _offered(text, _from_file(Path(text)))
    for registry, kind in ((KERNELS, "families"), (TASKS, "tasks")):
        if text in registry.names():
            found = {text: registry.load(text)}
            return Offer(found, {}) if kind == "families" else Offer({}, found)
    path, _, attribute = text.partition(":")
    module = _from_path(path)
    if not attribute:
        return _offered(text, module)
    offer = _everything(module)
    families = {name: one for name, one in offer.families.items() if name == attribute}
    tasks = {name: one for name, one in offer.tasks.items() if name == attribute}
    if not families and not tasks:
        known = ", ".join([*offer.families, *offer.tasks]) or "neither"
        raise UsageError(f"{path} has no kernel family or task called {attribute}; it has {known}")
    return Offer(families, tasks)


def _from_file(file: Path) -> ModuleType:
    """The module of a file, under the name of the file, as if its folder were on the path."""
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} cannot be imported as a module")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(file.stem)
    sys.modules[file.stem] = module  # pickle looks classes up there
    sys.path.append(str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(file.stem, None)
        if before is not None:
            sys.modules[file.stem] = before
        raise _broken(str(file), error) from error
    return module


def _from_path(path: str) -> ModuleType:
    """The module of a dotted path."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        # Whether it is this module that is missing, or one that it imports.
        if error.name is not None and (path == error.name or path.startswith(f"{error.name}.")):
            names = [*KERNELS.names(), *TASKS.names()]
            raise UsageError(
                f"there is no module {path}, and no family or task of that name is installed; "
                f"{did_you_mean(path, names) or 'name a module, a .py file or a plugin'}"
            ) from error
        raise _broken(path, error) from error
    except Exception as error:
        raise _broken(path, error) from error


def _broken(what: str, error: Exception) -> BrokenPlugin:
    return BrokenPlugin(f"importing {what} raised {type(error).__name__}: {error}")


def _offered(text: str, module: ModuleType) -> Offer:
    """What a module offers. Raises UsageError where that is nothing."""
    offer = _everything(module)
    if offer.families or offer.tasks:
        return offer
    classes = [
        name
        for name, one in vars(module).items()
        if inspect.isclass(one) and issubclass(one, KernelFamily) and _own(one, module)
    ]
    hint = f"; write FAMILY = {classes[0]}() at its end" if classes else ""
    raise UsageError(f"{text} has no kernel family (an instance) and no task (a class){hint}")


def _everything(module: ModuleType) -> Offer:
    families, tasks = {}, {}
    for name, one in vars(module).items():
        if name.startswith("_"):
            continue
        if isinstance(one, KernelFamily) and _own(type(one), module):
            families[name] = one
        elif (
            inspect.isclass(one)
            and issubclass(one, Task)
            and not inspect.isabstract(one)
            and _own(one, module)
        ):
            tasks[name] = one
    return Offer(families, tasks)


def _own(kind: type, module: ModuleType) -> bool:
    """Whether a class is defined in this module or below it, and not imported from elsewhere."""
    return kind.__module__ == module.__name__ or kind.__module__.startswith(f"{module.__name__}.")
