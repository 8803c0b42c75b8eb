"""`itnet-nas plugin check`: what ran, what is broken, and what cannot be checked at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Invoke = Callable[..., Result]

CONV = """
from itnet_kernels.identity import IdentityFamily, Identity, IdentityParams
from itnet_nas.axes import Bias, Sharing, Support


class Blurred(IdentityFamily.__mro__[1]):
    Params = IdentityParams
    summary = "a point"
    source = "a test"

    def bias(self, params):
        return Bias(support=Support.{support}, sharing=Sharing.PERMUTATION)

    def cost(self, site, params):
        return IdentityFamily().cost(site, params)

    def build(self, site, params):
        return Identity(site.width)

    def refuses(self, site, params):
        return "" if site.causal else "not here"


{end}
"""


def write(folder: Path, support: str = "POINT", end: str = "FAMILY = Blurred()") -> Path:
    file = folder / "blurred.py"
    file.write_text(CONV.format(support=support, end=end))
    return file


def test_a_file_whose_family_holds_is_counted(itnet_nas: Invoke, tmp_path: Path) -> None:
    result = itnet_nas("plugin", "check", write(tmp_path))

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "plugin\tcapability\tran\tneeded\tmissing\tbroken",
        "FAMILY\tstatements\t4\t3\t0\t0",
    ]
    assert result.stderr.splitlines()[-1] == (
        "FAMILY: 27 checks ran at 1 place; 24 needed; all hold"
    )


def test_what_is_broken_is_named_with_its_place(itnet_nas: Invoke, tmp_path: Path) -> None:
    result = itnet_nas("plugin", "check", write(tmp_path, "FULL"))

    assert result.exit_code == 1
    assert (
        "FAMILY\tbroken\tsupport_is_as_declared\tno params-causal sequence of 21\t"
        "declared full · permutation · no state · no content, but the output at position 1 does "
        "not answer to the input at position 0"
    ) in result.stdout.splitlines()
    assert result.stderr.endswith("1 broken\n")


def test_json_has_what_ran_what_is_broken_and_what_was_skipped(
    itnet_nas: Invoke, tmp_path: Path
) -> None:
    data = json.loads(itnet_nas("plugin", "check", write(tmp_path, "FULL"), "--json").stdout)

    assert data["schema"] == "itnet-nas/plugin/v1"
    (found,) = data["plugins"]
    assert found["holds"] is False
    assert [one["check"] for one in found["broken"]] == ["support_is_as_declared"]
    assert found["capabilities"]["support"] == {"ran": 1, "needed": 1, "broken": 1, "missing": 0}
    skipped = {one["check"]: one["why"] for one in found["skipped"]}
    assert skipped["a_state_keeps_its_size"] == "no state is declared"


def test_a_family_that_refuses_every_site_is_told_so(itnet_nas: Invoke, tmp_path: Path) -> None:
    end = (
        'class No(Blurred):\n    def refuses(self, site, params):\n        return "never"\nF = No()'
    )

    result = itnet_nas("plugin", "check", write(tmp_path, end=end))

    assert result.exit_code == 1
    assert "stands at none of the sites: causal sequence of 21: never" in result.stdout
    assert result.stderr.splitlines()[-1] == (
        "F: 1 checks ran; 2 needed; 1 of those needed did not run"
    )


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("no_such_module", "there is no module no_such_module, and no family or task of that name"),
        ("atention", 'did you mean "attention"?'),
        ("nowhere.py", "there is no file nowhere.py"),
        ("itnet_nas.axes", "itnet_nas.axes has no kernel family (an instance) and no task"),
        ("itnet_kernels.conv:CONV", "itnet_kernels.conv has no kernel family or task called CONV; "
                                    "it has FAMILY"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_a_mistake_of_usage(
    itnet_nas: Invoke, module: str, why: str
) -> None:
    result = itnet_nas("plugin", "check", module)

    assert result.exit_code == 2
    assert why in result.stderr


def test_a_class_without_an_instance_is_told_what_to_write(
    itnet_nas: Invoke, tmp_path: Path
) -> None:
    result = itnet_nas("plugin", "check", write(tmp_path, end=""))

    assert result.exit_code == 2
    assert "write FAMILY = Blurred() at its end" in result.stderr


def test_a_module_that_does_not_load_is_told_with_its_error(
    itnet_nas: Invoke, tmp_path: Path
) -> None:
    result = itnet_nas("plugin", "check", write(tmp_path, end="import no_such_thing"))

    assert result.exit_code == 3
    assert "raised ModuleNotFoundError: No module named 'no_such_thing'" in result.stderr


def test_a_task_without_what_it_needs_is_not_called_healthy(itnet_nas: Invoke) -> None:
    result = itnet_nas("plugin", "check", "arrays")

    assert result.exit_code == 1
    assert "its params are not accepted as they are: " in result.stdout
