"""`itnet-nas init`: write a commented space file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from itnet_nas.cli.options import common, write_text
from itnet_nas.cli.output import command, emit_json, emit_table, talk
from itnet_nas.errors import UsageError, did_you_mean

DEFAULT = "quickstart"


def examples() -> dict[str, Path]:
    """Name -> file of every space file that is shipped.

    An installed package carries them inside; a checkout has them in `search_spaces/`.
    """
    package = Path(__file__).parent.parent
    inside, beside = package / "_examples", package.parent / "search_spaces"
    folder = inside if inside.is_dir() else beside
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def purpose(text: str) -> str:
    """The first line of a file's opening comment."""
    return text.splitlines()[0].lstrip("# ").rstrip() if text.startswith("#") else ""


@click.command()
@click.argument("name", metavar="[NAME]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from",
    "source",
    metavar="EXAMPLE",
    default=DEFAULT,
    show_default=True,
    help="Which one; --list names them.",
)
@click.option("--list", "listing", is_flag=True, help="List the examples and write nothing.")
@common
def init(name: Path | None, source: str, listing: bool, as_json: bool) -> None:
    """Write a commented space file.

    NAME is the file to write; without it the example's own name in the current folder.
    """
    known = examples()
    if listing:
        rows = [(key, purpose(path.read_text(encoding="utf-8"))) for key, path in known.items()]
        if as_json:
            listed = [{"name": key, "purpose": text} for key, text in rows]
            emit_json("init", {"examples": listed})
        else:
            emit_table(["example", "asks"], rows)
        return
    if source not in known:
        hint = did_you_mean(source, known)
        raise UsageError(
            f'there is no example "{source}"{"; " + hint if hint else ""}; '
            f"examples: {', '.join(known)}"
        )
    target = name or Path(f"{source}.yaml")
    if target.is_dir():
        target = target / f"{source}.yaml"
    elif not target.suffix:
        target = target.with_suffix(".yaml")
    if target.exists():
        raise UsageError(f"{target} exists and is left as it is; name another file")
    write_text(known[source].read_text(encoding="utf-8"), target)
    if as_json:
        emit_json("init", {"file": str(target), "example": source})
        return
    click.echo(target)
    talk(f"next: {command('check', target)}, then {command('search', target)}")
