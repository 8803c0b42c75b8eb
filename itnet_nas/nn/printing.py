"""Modules as the Python that builds them: `nn.Linear(8, 5)`, `Conv(48, radius=3)`.

An Operator is written with the arguments it was built with. Any other module of a plugin or of this
package gets an `__init__` of its own, which sets what the instance holds; so it needs nothing that
its real constructor was given.
"""

from __future__ import annotations

import ast
import inspect
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from itnet_nas.errors import BrokenPlugin
from itnet_nas.kernels.operator import Operator
from itnet_nas.nn.source import is_external, module_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itnet_nas.nn.bundle import Bundle

SMALL = 4096  # numbers of a tensor that may be written out
_CONTAINERS = (nn.Sequential, nn.ModuleList)
_OWN = frozenset(vars(nn.Module()))  # what torch itself keeps in every module


def write_module(module: nn.Module, bundle: Bundle) -> str:
    """An expression that builds a module like `module`; the weights are to be loaded into it.

    Takes into `bundle` what the expression names. Raises BrokenPlugin where it cannot be written.
    """
    kind = type(module)
    if isinstance(module, Operator):
        return f"{bundle.add(kind)}({_arguments(module)})"
    if kind in _CONTAINERS:
        parts = [write_module(child, bundle) for child in module.children()]
        inside = ", ".join(parts)
        if kind is nn.ModuleList:
            inside = f"[{inside}]"
        return f"{bundle.external('torch.nn')}.{kind.__name__}({inside})"
    if is_external(kind.__module__):
        return _write_layer(module, bundle)
    return f"{bundle.add(kind, _write_init(module, bundle))}()"


def _arguments(module: Operator) -> str:
    positional, named = module.arguments
    parts = [_literal(value, module) for value in positional]
    parts += [f"{name}={_literal(value, module)}" for name, value in named.items()]
    return ", ".join(parts)


def _literal(value: Any, owner: object) -> str:
    """A plain value as Python. Raises BrokenPlugin for anything else."""
    if type(value) is float and not math.isfinite(value):
        return f'float("{value}")'
    if type(value) is str:
        # Double quotes, as in the rest of the text.
        return f'"{repr(value)[1:-1]}"' if not {'"', "'"} & set(value) else repr(value)
    if value is None or type(value) in (bool, int, float):
        return repr(value)
    if type(value) in (tuple, torch.Size):
        items = [_literal(item, owner) for item in value]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if type(value) is list:
        return f"[{', '.join(_literal(item, owner) for item in value)}]"
    if type(value) is dict:
        pairs = (f"{_literal(k, owner)}: {_literal(v, owner)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    raise BrokenPlugin(
        f"{type(owner).__module__}.{type(owner).__qualname__} holds a "
        f"{type(value).__qualname__}, which cannot be written into an exported network; "
        f"use numbers, texts, booleans, None, and tuples of them"
    )


def _write_layer(module: nn.Module, bundle: Bundle) -> str:
    """A layer of torch.nn, from the attributes that its constructor's arguments became."""
    kind = type(module)
    if vars(nn).get(kind.__name__) is not kind:
        raise BrokenPlugin(
            f"{kind.__module__}.{kind.__qualname__} cannot be written into an exported network; "
            f"build it inside an Operator, or use a layer of torch.nn"
        )
    required: list[str] = []
    optional: list[str] = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in ("device", "dtype") or name.startswith("_"):
            continue
        try:
            value = getattr(module, name)
        except AttributeError:
            continue
        if isinstance(parameter.default, bool) and not isinstance(value, bool):
            value = value is not None  # `bias=False` leaves None, True a tensor
        if parameter.default is inspect.Parameter.empty:
            required.append(_literal(value, module))
        elif value != parameter.default:
            optional.append(f"{name}={_literal(value, module)}")
    inside = ", ".join([*required, *optional])
    return f"{bundle.external('torch.nn')}.{kind.__name__}({inside})"


def _write_init(module: nn.Module, bundle: Bundle) -> str:
    """`__init__` without arguments that gives an instance all that `module` holds."""
    library, layers = bundle.external("torch"), bundle.external("torch.nn")
    # Not super(): a base class may want arguments, and all that it set is set here.
    lines = ["def __init__(self) -> None:", f"    {layers}.Module.__init__(self)"]
    read = set(_read_attributes(type(module)))
    for name, value in vars(module).items():
        if name not in _OWN and name in read:
            lines.append(f"    self.{name} = {_literal(value, module)}")
    for name, parameter in module.named_parameters(recurse=False):
        empty = f"{library}.empty({_literal(tuple(parameter.shape), module)})"
        lines.append(f"    self.{name} = {layers}.Parameter({empty})")
    for name, buffer in module.named_buffers(recurse=False):
        lines += [f"    {line}" for line in _write_buffer(module, name, buffer, bundle)]
    for name, child in module.named_children():
        lines.append(f"    self.{name} = {write_module(child, bundle)}")
    return "\n".join(lines)


def _write_buffer(
    module: nn.Module, name: str, buffer: torch.Tensor, bundle: Bundle
) -> Iterator[str]:
    saved = name not in module._non_persistent_buffers_set
    library = bundle.external("torch")
    if saved:
        shape = _literal(tuple(buffer.shape), module)
        made = f"{library}.empty({shape}, dtype={library}.{str(buffer.dtype)[6:]})"
    elif buffer.numel() <= SMALL:
        values = _literal(buffer.tolist(), module)
        made = f"{library}.tensor({values}, dtype={library}.{str(buffer.dtype)[6:]})"
    else:
        raise BrokenPlugin(
            f"{type(module).__module__}.{type(module).__qualname__} holds {buffer.numel()} numbers "
            f'in "{name}", which is not saved with the weights; register it as persistent'
        )
    yield f'self.register_buffer("{name}", {made}, persistent={saved})'


def _read_attributes(kind: type) -> Iterator[str]:
    """Names of attributes that the code of a class reads, but for its constructor."""
    for base in kind.__mro__:
        if base is object or is_external(base.__module__):
            continue
        statements = module_source(base.__module__).statements.get(base.__name__, [])
        for statement in statements:
            for item in statement.body if isinstance(statement, ast.ClassDef) else ():
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    continue
                for node in ast.walk(item):
                    if isinstance(node, ast.Attribute):
                        yield node.attr
