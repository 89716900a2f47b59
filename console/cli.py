"""`dbconsole`: reads the command line, then opens the console or runs one command.

Only click is imported here and at the top of the commands: `--help`, `--version` and shell completion answer at
once, and a command pays for what it uses alone.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from io import StringIO, TextIOWrapper
from typing import Any

import click
from click.shell_completion import CompletionItem

from console import __version__
from console.commands.options import console_options
from console.errors import DbconsoleError

_COMMANDS = (
    "activity",
    "audit",
    "completion",
    "demo",
    "env",
    "explain",
    "keys",
    "login",
    "logout",
    "migrate",
    "platform",
    "pools",
    "slow",
    "spatial",
    "users",
)

_EPILOG = """
\b
TARGET is one of
  postgresql://user@host:5432/database?sslmode=require
  "host=db1 dbname=shop"                 libpq's keywords
  service=shop                           a service of ~/.pg_service.conf
  shop                                   a database, on the server that PG* name
and is taken from -e NAME where the config file has that environment, else from
DATABASE_URL, else DB_HOST DB_NAME …, else PGHOST PGDATABASE …, else chosen.

A password in TARGET can be seen by everyone on this machine: dbconsole login, ~/.pgpass or PGPASSWORD keep it
private; where there is none it is asked for.

\b
Exit codes
  0  done
  1  failed
  2  wrong usage or bad input
  3  could not connect
"""


class Dbconsole(click.Group):
    """A first word that is a command's name is that command; any other is the TARGET of the console."""

    # Unlike in other groups: options may stand before and after TARGET, and nothing else beside it.
    allow_interspersed_args = True
    allow_extra_args = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"console.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leaves in `ctx.args` the words of a command, nothing for the console."""
        command = args if args and args[0] in _COMMANDS else []
        if args and not command and (near := difflib.get_close_matches(args[0], _COMMANDS, 1, 0.8)):
            raise click.UsageError(
                f"There is no command '{args[0]}'; did you mean '{near[0]}'? "
                f"A database of that name is reached with dbname={args[0]}.",
                ctx,
            )
        click.Command.parse_args(self, ctx, [] if command else args)
        ctx.args = command
        return ctx.args

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command, or opens the console."""
        if not ctx.args:
            return click.Command.invoke(self, ctx)
        name, command, words = self.resolve_command(ctx, ctx.args)
        assert command is not None
        with command.make_context(name, words, parent=ctx) as inner:
            return command.invoke(inner)


class _Target(click.Argument):
    """Stands in the usage together with COMMAND, and not in front of the commands' own usage."""

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Nothing."""
        return []


def _complete_command(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in _COMMANDS if name.startswith(incomplete)]


@click.group(
    cls=Dbconsole,
    invoke_without_command=True,
    epilog=_EPILOG,
    subcommand_metavar="[TARGET | COMMAND …]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("target", cls=_Target, required=False, shell_complete=_complete_command)
@console_options
@click.version_option(__version__, prog_name="dbconsole", message="%(prog)s %(version)s")
def cli(target: str | None, **options: Any) -> int:
    """Opens the console on a PostgreSQL server, or runs one COMMAND."""
    if target in _COMMANDS:
        raise click.UsageError(f"A command comes first, its options after it: dbconsole {target} …")
    from console.commands.launch import open_console

    return open_console(target, options)


def run(arguments: Sequence[str]) -> int:
    """Does what the command line says and returns the exit code; what went wrong is a sentence on standard error."""
    try:
        _check_text(arguments)
        result = cli.main(list(arguments), prog_name="dbconsole", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.Abort:
        return 130
    except click.ClickException as error:
        said = StringIO()
        error.show(said)
        # It may repeat a URL that was one word too many.
        click.echo(re.sub(r"(://[^:/@\s]*:)[^@\s]*@", r"\1…@", said.getvalue()), err=True, nl=False)
        return error.exit_code
    except DbconsoleError as error:
        _complain(error.sentence)
        return error.exit_code
    except OSError as error:
        # The flush at exit would complain once more, of what cannot be written anyway.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _complain(f"{error.strerror or error}.")
        return 1
    except Exception as error:
        if os.environ.get("DBCONSOLE_DEBUG"):
            raise
        _complain(f"internal error: {type(error).__name__}: {error} (DBCONSOLE_DEBUG=1 shows where)")
        return 1


def _check_text(arguments: Sequence[str]) -> None:
    """Refuses bytes that are no text, without repeating them: a password may be beside them. Raises `UsageError`."""
    for number, argument in enumerate(arguments, start=1):
        # Python makes a lone surrogate of such a byte, which no server and no file takes.
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise click.UsageError(f"The word {number} of the command line is not UTF-8.")


def _complain(sentence: str) -> None:
    from console.terminal.safe_text import visible

    click.echo(f"dbconsole: {visible(sentence, multiline=True)}", err=True)


def main() -> None:
    """The program."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale without an ellipsis is no reason to fail
    sys.exit(run(sys.argv[1:]))
