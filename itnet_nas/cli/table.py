"""`itnet-nas table`: every trial of a run, flat."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.analysis.numbers import count
from itnet_nas.cli.options import common, output_option, run_argument, write_bytes
from itnet_nas.cli.output import emit_json, emit_table, emit_trials, is_terminal, talk
from itnet_nas.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from itnet_nas.api import Run


@click.command()
@run_argument
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "json", "parquet"]),
    help="By the name of the output unless given.",
)
@output_option
@click.option("--layers", "by_layer", is_flag=True, help="One row per trial and layer instead.")
@click.option(
    "--attribution",
    "by_option",
    is_flag=True,
    help="One row per option instead: what it changes over the space.",
)
@common
def table(
    run: Path,
    kind: str | None,
    output: Path | None,
    by_layer: bool,
    by_option: bool,
    as_json: bool,
) -> None:
    """Print every trial of a run, failures included.

    On a terminal the most important columns; in a pipe all of them, tab-separated and exact.
    """
    from itnet_nas.api import open_run

    if kind is None and output is not None:
        kind = output.suffix.lstrip(".")
        if kind not in ("csv", "json", "parquet"):
            raise UsageError(f"{output} does not say its format; add --format csv, json or parquet")
    if kind == "parquet" and output is None:
        raise UsageError("parquet is no text; say where it goes with -o FILE")
    if by_layer and by_option:
        raise UsageError("--layers and --attribution are two tables; ask for one of them")
    opened = open_run(run)
    if by_option:
        _attribution(opened, kind, output, as_json)
        return
    if kind is None and not as_json and not by_layer and is_terminal():
        emit_trials(opened.space, opened.records)
        talk("the most important columns; all of them in a pipe, or with --format csv")
        return
    frame = opened.layers() if by_layer else opened.frame()
    if as_json and output is None:
        emit_json("table", {"run": str(run), "rows": _rows(frame)})
        return
    _emit(run, frame, kind, output, as_json)


def _attribution(opened: Run, kind: str | None, output: Path | None, as_json: bool) -> None:
    """One row per option; as JSON also what is said of layers, pairs and the whole."""
    from itnet_nas.analysis.attribution_rows import attribution_frame, attribution_json
    from itnet_nas.analysis.attribution_words import heading, short_rows

    found = opened.attribution()
    if as_json and output is None:
        emit_json("attribution", {"run": str(opened.folder), **attribution_json(found)})
        return
    for line in heading(found):
        talk(line)
    if kind is None and output is None and is_terminal():
        emit_table(*short_rows(found))
        talk("the most important columns; all of them in a pipe, or with --format csv")
        return
    _emit(opened.folder, attribution_frame(found), kind, output, as_json)


def _emit(
    run: Path, frame: pd.DataFrame, kind: str | None, output: Path | None, as_json: bool
) -> None:
    """Rows to the terminal, to a pipe or into a file."""
    if kind is None:
        records = _rows(frame)
        emit_table(list(frame.columns), [list(row.values()) for row in records])
        return
    data = _encoded(frame, kind)
    if output is None:
        click.echo(data.decode(), nl=False)
        return
    write_bytes(data, output)
    if as_json:
        emit_json("table", {"run": str(run), "count": len(frame), "output": str(output)})
    else:
        talk(count(len(frame), "row"))
        click.echo(output)


def _encoded(frame: pd.DataFrame, kind: str) -> bytes:
    if kind == "csv":
        return frame.to_csv(index=False, lineterminator="\n").encode()
    if kind == "json":
        return (json.dumps(_rows(frame), indent=2, ensure_ascii=False) + "\n").encode()
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, index=False)
    except ImportError:
        raise EnvironmentProblem(
            "parquet needs the package pyarrow; install it with `pip install pyarrow`"
        ) from None
    return buffer.getvalue()


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Plain values; what is missing is None, since NaN has no JSON."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", double_precision=15))
    return rows
