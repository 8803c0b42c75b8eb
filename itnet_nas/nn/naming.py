"""`Names`: one name for each thing in a text, and the import lines for what comes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from itnet_nas.nn.source import External, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable


@final
class Names:
    """The first who wants a name has it; the next one gets its module as a prefix.

    `submodules` are modules that only have to be loaded (`import torch.utils.checkpoint`).
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self._names: dict[Unit | External, str] = {}
        self._taken = {*reserved}
        self._aliases: dict[Unit | External, list[str]] = {}
        self.submodules: set[str] = set()

    def __getitem__(self, target: Unit | External) -> str:
        return self._names[target]

    def give(self, target: Unit | External, wanted: str) -> str:
        """The name of `target`: the one it has, else `wanted` or the nearest that is free."""
        if target in self._names:
            return self._names[target]
        self._names[target] = self._free(target, wanted, set())
        return self._names[target]

    def alias(self, target: Unit | External, hidden: set[str]) -> str:
        """A second name of `target`, for code whose own names hide the first."""
        aliases = self._aliases.setdefault(target, [])
        for name in aliases:
            if name not in hidden:
                return name
        aliases.append(self._free(target, self._names[target], hidden))
        return aliases[-1]

    def alias_lines(self, unit: Unit) -> list[str]:
        """What has to stand behind the definition of `unit`."""
        return [f"{alias} = {self._names[unit]}" for alias in self._aliases.get(unit, ())]

    def _free(self, target: Unit | External, wanted: str, hidden: set[str]) -> str:
        parents = target.module.split(".")
        name = wanted
        while name in self._taken or name in hidden:
            # _scan of itnet_kernels.ssm: _scan, ssm_scan, itnet_kernels_ssm_scan, …_2
            name = f"{parents.pop()}_{name.lstrip('_')}" if parents else f"{name}_2"
        self._taken.add(name)
        return name

    def import_lines(self) -> list[str]:
        """`import …` before `from … import …`, the standard library before torch."""
        plain = {f"import {module}" for module in self.submodules}
        parts: dict[str, set[str]] = {}
        for target, first in self._names.items():
            if isinstance(target, Unit):
                continue
            module, last = target.module, target.attribute
            if last is None:
                module, _, last = module.rpartition(".")
            for name in (first, *self._aliases.get(target, ())):
                text = last if last == name else f"{last} as {name}"
                if module:
                    parts.setdefault(module, set()).add(text)
                else:
                    plain.add(f"import {text}")
        lines = sorted(plain)
        lines += [
            f"from {module} import {', '.join(sorted(parts[module]))}" for module in sorted(parts)
        ]
        standard = [line for line in lines if not _is_of_torch(line)]
        of_torch = [line for line in lines if _is_of_torch(line)]
        return [*standard, *([""] if standard and of_torch else []), *of_torch]


def _is_of_torch(line: str) -> bool:
    return line.split()[1].partition(".")[0] == "torch"
