"""`itnet-nas tasks`: the installed tasks; with a name, everything about one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.cli.kernels import describe_params, list_plugins, written
from itnet_nas.cli.options import common
from itnet_nas.cli.output import aligned, bold, emit_json

if TYPE_CHECKING:
    from itnet_nas.tasks import Task


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@common
def tasks(name: str | None, as_json: bool) -> None:
    """List the installed tasks, or show one.

    One task is shown with what a file may say under `task:`.
    """
    from itnet_nas.registry import TASKS

    if name is None:
        list_plugins("tasks", TASKS, as_json)
        return
    task: type[Task[Any]] = TASKS.load(name)
    origin = TASKS.origin(name)
    params = describe_params(task.Params)
    about = inspect.cleandoc(inspect.getmodule(task).__doc__ or "")
    if as_json:
        emit_json(
            "tasks",
            {
                "name": name,
                "summary": task.summary,
                "version": task.version,
                "origin": origin.model_dump(),
                "about": about,
                "params": params,
            },
        )
        return
    click.echo(f"{bold(name)}  {task.summary}")
    click.echo(f"from {origin}; data version {task.version}\n")
    click.echo(about)
    click.echo()
    if not params:
        click.echo("no params")
        return
    rows = [
        [
            p["name"],
            p["type"],
            p["bounds"],
            "must be given" if p["required"] else written(p["default"]),
            p["description"],
        ]
        for p in params
    ]
    click.echo(aligned(["param", "type", "bounds", "default", "is"], rows))
