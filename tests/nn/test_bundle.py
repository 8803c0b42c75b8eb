"""Code of plugins, as one text that stands alone."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from tricky import operators, other

from itnet_nas.errors import BrokenPlugin
from itnet_nas.nn.bundle import Bundle


def run(text: str) -> dict[str, Any]:
    module = ModuleType("bundled")
    # Dataclasses look their module up by name.
    sys.modules[module.__name__] = module
    try:
        exec("from __future__ import annotations\n" + text, vars(module))
    finally:
        del sys.modules[module.__name__]
    return vars(module)


def test_every_way_to_reach_a_name_is_followed() -> None:
    bundle = Bundle()
    name = bundle.add(operators.Tricky)
    u_BND = torch.randn(2, 4, 3)

    copied = run(bundle.text())[name](3, sizes=(1, 2))

    assert torch.equal(copied(u_BND), operators.Tricky(3, sizes=(1, 2))(u_BND))


def test_the_text_needs_torch_and_the_standard_library_alone() -> None:
    bundle = Bundle()
    bundle.add(operators.Tricky)

    imports = [line for line in bundle.text().splitlines() if "import " in line]

    assert imports == [
        "import functools",
        "import math",
        "from dataclasses import dataclass",
        "from typing import Any, final",
        "import torch",
        "import torch.utils.checkpoint",
        "from torch import Tensor, nn",
        "from torch.nn.functional import relu as positive",
    ]


def test_things_of_one_name_are_told_apart() -> None:
    bundle = Bundle()
    first, second = bundle.add(operators.Tricky), bundle.add(other.Tricky)
    u_BND = torch.randn(2, 4, 3)

    space = run(bundle.text())

    assert (first, second) == ("Tricky", "other_Tricky")
    assert torch.equal(space[first](3)(u_BND), operators.Tricky(3)(u_BND))
    assert torch.equal(space[second]()(u_BND), other.Tricky()(u_BND))


def test_a_reserved_name_is_not_taken() -> None:
    assert Bundle(reserved=["Tricky"]).add(other.Tricky) == "other_Tricky"


def test_comments_are_kept_and_references_left_out() -> None:
    bundle = Bundle()
    bundle.add(operators.Tricky)

    text = bundle.text()

    assert "    # This comment belongs to `forward`.\n    @traced\n" in text
    assert "def reference" not in text
    assert "def dense_kernel" not in text


def test_slow_forms_at_the_end_of_a_class_leave_no_trace() -> None:
    bundle = Bundle()
    bundle.add(operators.EndsWithSlowForms)

    assert bundle.text().endswith("""\
@final
class EndsWithSlowForms(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self._both(u_BND)

    def _both(self, u_BND: Tensor) -> Tensor:
        return u_BND
""")


def test_private_methods_of_a_class_that_is_not_final_are_kept() -> None:
    bundle = Bundle()
    bundle.add(operators.MayBeInherited)

    text = bundle.text()

    assert "def dense_kernel" not in text
    assert "def _for_both" in text


def test_slow_forms_that_are_called_are_kept() -> None:
    bundle = Bundle()
    name = bundle.add(operators.KeepsReference)

    assert run(bundle.text())[name]()(torch.zeros(1)).tolist() == [1.0]


def test_a_kernel_of_another_package_is_looked_for_where_the_text_runs() -> None:
    bundle = Bundle()
    name = bundle.add(operators.Accelerated)

    space = run(bundle.text())

    assert "import importlib" in bundle.text()
    assert space[name]()(torch.zeros(1)).tolist() == [2.0]
    assert space["accelerator"]("nowhere_at_all:scan", "cuda", "nowhere").reason == (
        "nowhere is not installed"
    )


def test_an_annotation_that_cannot_be_copied_becomes_any() -> None:
    bundle = Bundle()
    bundle.add(operators.Tricky)

    text = bundle.text()

    assert "        site: Any = None,\n    ) -> Tensor:" in text
    assert "scaled: Any = self.scaled(u_BND) * double" in text


def test_a_package_beside_torch_is_refused_with_its_name() -> None:
    with pytest.raises(BrokenPlugin) as caught:
        Bundle().add(operators.NeedsNumpy)

    assert str(caught.value) == (
        "tricky.operators uses numpy, and an exported network may need torch alone; "
        "write that part with torch"
    )


def test_a_module_used_as_a_value_is_refused() -> None:
    with pytest.raises(BrokenPlugin) as caught:
        Bundle().add(operators.UsesAModule)

    assert str(caught.value) == (
        "tricky.operators uses the module tricky.helpers as a value; "
        "an exported network can only hold named parts of it"
    )


def test_a_class_inside_a_function_is_refused() -> None:
    class Local(nn.Module):
        pass

    with pytest.raises(BrokenPlugin, match=r"is defined inside a function, so it cannot"):
        Bundle().add(Local)


def test_one_class_with_two_constructors_is_refused() -> None:
    bundle = Bundle()
    bundle.add(operators.Reader, init="def __init__(self) -> None:\n    pass")

    with pytest.raises(BrokenPlugin, match=r"\.Reader stands in the network twice"):
        bundle.add(operators.Reader, init="def __init__(self) -> None:\n    return")
