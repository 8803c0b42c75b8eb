"""What the documents say: their commands parse, their links lead somewhere, their spaces load."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from support.exact import rows
from support.operator_page import UNMEASURED, figures, operator_page, without_figures

from itnet_nas.cli.main import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
]
SPACES = sorted((ROOT / "search_spaces").glob("*.yaml"))


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a document that name this language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """Every `itnet-nas …` of a text as words, comments and what is chained before it left out."""
    found = []
    for line in text.splitlines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words and Path(words[0]).name == "itnet-nas":
                found.append(words[1:])
    return found


COMMANDS = [
    (document, words)
    for document in DOCUMENTS
    for block in blocks(document, "console")
    for words in commands(block)
]
# What the shipped files and the code tell people to type.
TOLD = [
    (path.name, shlex.split(found))
    for path in SPACES
    for found in re.findall(r"^# Try +itnet-nas (.*)$", path.read_text(encoding="utf-8"), re.M)
]


def parse(words: list[str]) -> None:
    """Let click read a command line as far as the verb's own options; nothing is run."""
    context = main.make_context("itnet-nas", list(words), resilient_parsing=False)
    name, command, rest = main.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None, name
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize(
    ("place", "words"), [*COMMANDS, *TOLD], ids=lambda v: v if isinstance(v, str) else " ".join(v)
)
def test_a_command_that_people_are_told_to_type_is_understood(place: str, words: list[str]) -> None:
    parse(words)


def test_a_command_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(click.UsageError, match="No such option"):
        parse(["search", "space.yaml", "--trails", "3"])


def test_the_documents_have_commands() -> None:
    assert {document for document, _ in COMMANDS} >= {
        "README.md",
        "docs/space-file.md",
        "docs/results.md",
        "docs/plugins.md",
    }


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    local = [link.split("#")[0] for link in links if not link.startswith(("http", "#"))]

    missing = [link for link in local if not (ROOT / document).parent.joinpath(link).exists()]

    assert not missing


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("document", DOCUMENTS)
def test_python_in_the_documents_compiles(document: str) -> None:
    for block in blocks(document, "python"):
        compile(block, document, "exec")


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.name)
def test_a_shipped_space_can_be_searched(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from random import Random

    from itnet_nas.arch.sample import sample
    from itnet_nas.errors import DataUnavailable
    from itnet_nas.space import load_space

    monkeypatch.chdir(tmp_path if recipe(path) else ROOT)
    exec(recipe(path))
    try:
        space = load_space(path)
    except DataUnavailable as error:
        pytest.skip(str(error))

    names = {layer.name for layer in sample(space, Random(0)).layers}
    assert names <= set(space.layer)


def recipe(path: Path) -> str:
    """The Python that a file's comment gives to make its data; none where it needs no file."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r"<<'EOF'\n(.*?)# +EOF", text, re.DOTALL)
    lines = found[1].splitlines() if found else []
    return "\n".join(line.removeprefix("#").removeprefix(" " * 13) for line in lines)


def test_the_space_of_the_readme_can_be_searched(tmp_path: Path) -> None:
    from itnet_nas.space import load_space

    (block,) = blocks("README.md", "yaml")
    file = tmp_path / "space.yaml"
    file.write_text(block, encoding="utf-8")

    space = load_space(file)

    assert len(space.layers) == 2
    assert yaml.safe_load(block)["layers"][1]["kernels"] == "any"


PAGE = ROOT / "docs" / "operator.md"


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> str:
    """The page of the operators as it stands; written first where that was asked for."""
    if request.config.getoption("--write-docs"):
        PAGE.write_text(operator_page(), encoding="utf-8")
    return PAGE.read_text(encoding="utf-8")


def test_the_page_of_operators_is_what_the_families_say(page: str) -> None:
    made = operator_page(measure=lambda row: UNMEASURED)

    assert without_figures(page) == without_figures(made), (
        "run pytest tests/test_docs.py --write-docs"
    )


def test_the_page_of_operators_has_two_figures_for_each_row_of_exactness(page: str) -> None:
    found = figures(page)

    assert len(found) == 2 * len(rows())
    assert max(found) <= 1e-10


def test_figures_of_exactness_alone_are_left_out_of_the_comparison() -> None:
    row = "| torch.nn.Conv1d | sequence of 24 | – | 2.2e-16 | 0 |"

    assert without_figures(row) == "| torch.nn.Conv1d | sequence of 24 | – | · | · |"
    assert without_figures("| FLOPs | 1.2 M | × 4.0 |") == "| FLOPs | 1.2 M | × 4.0 |"
    assert figures(row) == [2.2e-16, 0.0]
