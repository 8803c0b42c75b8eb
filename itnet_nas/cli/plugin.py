"""`itnet-nas plugin check`: whether what a module offers does what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from itnet_nas.cli.options import common
from itnet_nas.cli.output import aligned, bold, emit_json, is_terminal, talk
from itnet_nas.errors import UsageError

if TYPE_CHECKING:
    from itnet_nas.testing.examination import Examination

COLUMNS = ("plugin", "capability", "ran", "needed", "missing", "broken")
FOUND = ("plugin", "what", "check", "where", "why")
SHOWN = 3  # places of one and the same fault that a person is shown


@click.group()
def plugin() -> None:
    """Check families and tasks of your own."""


@plugin.command()
@click.argument("module", metavar="MODULE")
@common
def check(module: str, as_json: bool) -> int:
    """Check that families and tasks do what they say.

    MODULE is a dotted path (my_package.ema), one object of it (my_package.ema:FAMILY), a .py file,
    or the name of an installed family or task. Every family is tried with the values that its
    params state, at small sequences, grids and sets of points: what it declares is measured. Prints
    how many checks ran, and how many its declarations need; exit code 1 where one is broken or too
    few ran.
    """
    if not __debug__:
        raise UsageError("checks need assertions; run it without python -O or PYTHONOPTIMIZE")
    from itnet_nas.testing.finding import find_plugins
    from itnet_nas.testing.kernel_contract import examine_family
    from itnet_nas.testing.task_examination import examine_task

    offer = find_plugins(module)
    found = []
    for name, family in offer.families.items():
        talk(f"{module}: checking the family {name} …")
        found.append(examine_family(family, name=name))
    for name, task in offer.tasks.items():
        talk(f"{module}: checking the task {name} …")
        found.append(examine_task(task, name=name))
    if as_json:
        emit_json("plugin", {"module": module, "plugins": [_plain(one) for one in found]})
    else:
        _show(found)
    for one in found:
        talk(_verdict(one))
    return 0 if all(one.holds for one in found) else 1


def _show(found: list[Examination]) -> None:
    """A table of counts, then what is broken and what did not run; TSV in a pipe."""
    counts = [
        [one.name, capability, tally.ran, tally.needed, tally.missing, tally.broken]
        for one in found
        for capability, tally in one.tallies().items()
        if any(tally)
    ]
    faults = [row for one in found for row in _faults(one)]
    if not is_terminal():
        for row in [COLUMNS, *counts]:
            click.echo("\t".join(map(str, row)))
        for row in [("",), FOUND, *faults] if faults else []:
            click.echo("\t".join(text.replace("\n", " ") for text in row))
        return
    click.echo(aligned(COLUMNS, counts))
    shown: dict[tuple[str, str], int] = {}
    for name, what, check_name, where, why in faults:
        count = shown[name, check_name] = shown.get((name, check_name), 0) + 1
        if count <= SHOWN:
            place = f" · {where}" if where else ""
            click.echo(f"\n{bold(f'{name}: {what}')}: {check_name}{place}\n  {why}")
    for (name, check_name), count in shown.items():
        if count > SHOWN:
            click.echo(f"\n{name}: {check_name}, at {count - SHOWN} more places; --json has all")


def _faults(one: Examination) -> list[tuple[str, str, str, str, str]]:
    """Rows of FOUND: what is broken first, then what did not run."""
    rows = [(one.name, "broken", out.check, out.where, out.broken) for out in one.broken]
    rows += [(one.name, "not run", need.check, need.case, why) for need, why in one.missing]
    return rows


def _verdict(one: Examination) -> str:
    """One line: what ran, what was needed, and whether it holds."""
    places = {out.where for out in one.outcomes if out.ran and out.site}
    at = f" at {len(places)} place{'s' * (len(places) > 1)}" if places else ""
    counted = f"{one.name}: {one.ran} checks ran{at}; {len(one.needs)} needed"
    if one.holds:
        return f"{counted}; all hold"
    parts = []
    if one.broken:
        parts.append(f"{len(one.broken)} broken")
    if one.missing:
        parts.append(f"{len(one.missing)} of those needed did not run")
    return f"{counted}; {', '.join(parts)}"


def _plain(one: Examination) -> dict[str, Any]:
    """For JSON; what was skipped is in it too, with its reason."""
    return {
        "name": one.name,
        "holds": one.holds,
        "ran": one.ran,
        "needed": len(one.needs),
        "capabilities": {name: tally._asdict() for name, tally in one.tallies().items()},
        "broken": [
            {"check": out.check, "case": out.case, "site": out.site, "why": out.broken}
            for out in one.broken
        ],
        "missing": [
            {"check": need.check, "case": need.case, "why": why} for need, why in one.missing
        ],
        "skipped": [
            {"check": out.check, "case": out.case, "site": out.site, "why": out.skipped}
            for out in one.outcomes
            if not out.ran
        ],
    }
