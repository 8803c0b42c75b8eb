"""`itnet-nas schema`: the JSON Schema of a space file, for editors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from itnet_nas.cli.options import common, output_option, write_text
from itnet_nas.cli.output import emit_json, talk

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@output_option
@common
def schema(output: Path | None, as_json: bool) -> None:
    """Print the JSON Schema of a space file.

    It knows the families and tasks that are installed here, so an editor can complete them.
    """
    from itnet_nas.registry import KERNELS, TASKS
    from itnet_nas.space.schema import json_schema

    text = json.dumps(json_schema(KERNELS, TASKS), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        if as_json:
            emit_json("schema", {"json_schema": json.loads(text)})
        else:
            click.echo(text, nl=False)
        return
    write_text(text, output)
    if as_json:
        emit_json("schema", {"file": str(output)})
    else:
        click.echo(output)
        talk(f"first line of a space file: # yaml-language-server: $schema={output}")
