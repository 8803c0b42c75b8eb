"""Modules as the Python that builds them."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_plugins import Shift
from torch import nn
from tricky.operators import Reader

from itnet_nas.errors import BrokenPlugin
from itnet_nas.nn.bundle import Bundle
from itnet_nas.nn.printing import write_module


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Linear(3, 5), "nn.Linear(3, 5)"),
        (nn.Linear(3, 5, bias=False), "nn.Linear(3, 5, bias=False)"),
        (nn.Embedding(7, 4), "nn.Embedding(7, 4)"),
        (nn.LayerNorm(4), "nn.LayerNorm((4,))"),
        (nn.LayerNorm((4, 2), eps=1e-3), "nn.LayerNorm((4, 2), eps=0.001)"),
        (
            nn.Conv1d(2, 4, 3, groups=2),
            "nn.Conv1d(2, 4, (3,), stride=(1,), padding=(0,), dilation=(1,), groups=2)",
        ),
        (nn.Dropout(0.25), "nn.Dropout(p=0.25)"),
        (nn.GELU(approximate="tanh"), 'nn.GELU(approximate="tanh")'),
        (nn.ModuleList([nn.ReLU(), nn.Tanh()]), "nn.ModuleList([nn.ReLU(), nn.Tanh()])"),
        (nn.Sequential(nn.Linear(1, 2)), "nn.Sequential(nn.Linear(1, 2))"),
    ],
    ids=str,
)
def test_layers_of_torch_are_written_with_what_they_were_built_from(
    module: nn.Module, text: str
) -> None:
    written = write_module(module, Bundle())

    assert written == text
    assert repr(eval(written, {"nn": nn})) == repr(module)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (None, "None"),
        (2.5, "2.5"),
        (math.inf, 'float("inf")'),
        ("plain", '"plain"'),
        ("a'b", '"a\'b"'),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, (2, "x")), '(1, (2, "x"))'),
    ],
    ids=str,
)
def test_arguments_are_written_as_they_were_given(value: object, text: str) -> None:
    operator = Shift(8, radius=2, taps=value)  # type: ignore[arg-type]

    assert write_module(operator, Bundle()) == f"Shift(8, radius=2, taps={text})"


def test_an_argument_that_is_no_plain_value_is_refused() -> None:
    with pytest.raises(BrokenPlugin) as caught:
        write_module(Shift(8, taps=torch.zeros(1)), Bundle())  # type: ignore[arg-type]

    assert str(caught.value) == (
        "tiny_plugins.Shift holds a Tensor, which cannot be written into an exported network; "
        "use numbers, texts, booleans, None, and tuples of them"
    )


def test_another_module_gets_a_constructor_of_what_it_holds() -> None:
    bundle = Bundle()

    written = write_module(Reader(object(), 3), bundle)

    assert written == "Reader()"
    assert """\
    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.scale = 2.0
        self.shift = nn.Parameter(torch.empty((5,)))
        self.register_buffer("saved", torch.empty((5,), dtype=torch.float32), persistent=True)
        self.register_buffer("unsaved", torch.tensor([0, 1, 2, 3, 4], dtype=torch.int64), \
persistent=False)
        self.pick = nn.Sequential(nn.Linear(3, 5, bias=False), nn.Dropout(p=0.25))
""" in bundle.text()
