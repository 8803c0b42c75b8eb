"""`itnet-nas`: finds the verb, and turns every error into a text and an exit code.

0  done                          3    environment: a plugin, a device or data is missing
1  the answer is no              4    the search ended early
2  usage                         130  interrupted; the run can be resumed
                                 70   a mistake in this program
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any, NoReturn, final

import click

from itnet_nas import __version__
from itnet_nas.cli.certify import certify
from itnet_nas.cli.check import check
from itnet_nas.cli.confirm import confirm
from itnet_nas.cli.explain import explain
from itnet_nas.cli.export import export
from itnet_nas.cli.init import init
from itnet_nas.cli.kernels import kernels
from itnet_nas.cli.output import talk
from itnet_nas.cli.pareto import pareto
from itnet_nas.cli.plugin import plugin
from itnet_nas.cli.report import report
from itnet_nas.cli.resume import resume
from itnet_nas.cli.schema import schema
from itnet_nas.cli.search import search
from itnet_nas.cli.show import show
from itnet_nas.cli.status import status
from itnet_nas.cli.table import table
from itnet_nas.cli.tasks import tasks
from itnet_nas.errors import ItnetError, SpaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
ENVIRONMENT = 3
INTERNAL = 70  # EX_SOFTWARE: none of the answers above


@final
class Program(click.Group):
    """A group of verbs that never shows a traceback for a user's mistake.

    click's own error handling prints plain text; ours also speaks JSON where that was asked for,
    and it has to work for mistakes that are found before a verb is even known.
    """

    def main(  # type: ignore[override]  # click's overloads differ in standalone_mode alone
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command line and exit."""
        words = list(sys.argv[1:] if args is None else args)
        del prog_name, extra
        debug = "--debug" in words or bool(os.environ.get("ITNET_NAS_DEBUG"))
        try:
            code = super().main(
                words,
                prog_name="itnet-nas",
                standalone_mode=False,
                obj=shlex.join(["itnet-nas", *words]),
            )
        except click.ClickException as error:
            self._fail(words, "UsageError", error.format_message(), error.exit_code, error)
        except click.Abort:
            self._fail(words, "Interrupted", "interrupted", INTERRUPTED)
        except ItnetError as error:
            if debug:
                raise
            self._fail(words, type(error).__name__, str(error), error.exit_code, error)
        except OSError as error:
            if debug:
                raise
            self._fail(words, type(error).__name__, str(error), ENVIRONMENT, error)
        except Exception as error:  # a mistake of ours: still no traceback unless asked for
            if debug:
                raise
            self._fail(
                words,
                "InternalError",
                f"this should not have happened: {type(error).__name__}: {error}\n"
                f"the same command with --debug shows where; please report it",
                INTERNAL,
                error,
            )
        sys.exit(code if isinstance(code, int) else 0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a first day's work, not of the alphabet."""
        del ctx
        return list(self.commands)

    def _fail(
        self,
        words: list[str],
        kind: str,
        message: str,
        code: int,
        error: Exception | None = None,
    ) -> NoReturn:
        verb = next((word for word in words if word in self.commands), "error")
        if "--json" in words:
            body: dict[str, Any] = {"kind": kind, "message": message, "exit_code": code}
            if isinstance(error, SpaceError):
                body["problems"] = [vars(problem) for problem in error.problems]
            document = {"schema": f"itnet-nas/{verb}/v1", "error": body}
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        elif isinstance(error, click.UsageError):
            error.show()
        else:
            talk(message if isinstance(error, SpaceError) else f"itnet-nas: {message}")
        sys.exit(code)


@click.group(
    cls=Program,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="itnet-nas")
@click.pass_context
def main(context: click.Context) -> None:
    """Which inductive bias does each layer need, and what does accuracy cost?

    A first search: `itnet-nas init quickstart.yaml`, then `itnet-nas search quickstart.yaml`.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _verb in (
    init,
    kernels,
    tasks,
    schema,
    check,
    show,
    search,
    resume,
    status,
    pareto,
    explain,
    certify,
    confirm,
    table,
    report,
    export,
    plugin,
):
    main.add_command(_verb)
