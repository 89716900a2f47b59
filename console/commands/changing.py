"""What the commands that change a server have in common: their options, and asking first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from console.models.operation import Operation

Function = TypeVar("Function", bound=Callable[..., Any])


def changing_options(function: Function) -> Function:
    """Gives a command the options that `confirm` goes by."""
    for option in (
        click.option("-e", "--environment", metavar="NAME", help="Where to go, or what TARGET is for; production wants --confirm, not --yes."),
        click.option("--read-only", is_flag=True, default=None, help="Let nothing be changed."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--confirm", metavar="NAME", help="What would have to be typed; in production the only way not to be asked."),
    ):  # fmt: skip
        function = option(function)
    return function


def confirm(
    operation: Operation, options: Mapping[str, Any], *, always_typed: bool = False, err: bool = False
) -> None:
    """Shows what will run and what will be lost, and asks, unless the command line has answered.

    `err`: on standard error, where standard output is for the result alone.
    Raises `OperationRefused` where the answer is not there.
    """
    import sys

    from console.commands.asking import interruptible
    from console.errors import OperationRefused
    from console.settings import load_settings
    from console.terminal.safe_text import visible

    settings = load_settings({name: options[name] for name in ("environment", "read_only")})
    typed = always_typed or settings.types_names
    if options["confirm"] is not None:
        if options["confirm"] != operation.object_name:
            raise OperationRefused(f"Nothing was done: --confirm has to be {operation.object_name!r}.")
        return
    if options["yes"] and not typed:
        return
    click.echo(f"{visible(operation.title)}\n", err=err)
    for statement in operation.statements:
        click.echo(f"{visible(statement, multiline=True)};", err=err)
    click.echo("", err=err)
    for sentence in operation.consequences:
        click.echo(f"! {visible(sentence)}", err=err)
    if not sys.stdin.isatty():
        answer = f"--confirm {operation.object_name}" if typed else "--yes"
        raise OperationRefused(f"Nothing was done: nobody is there to be asked; give {answer}.")
    word = operation.object_name if typed else "yes"
    with interruptible():
        typed_word = click.prompt(f"Type {word} to go on", default="", show_default=False, err=err).strip()
    if typed_word != word:
        raise OperationRefused("Nothing was done.")
