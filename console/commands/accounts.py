"""What the commands about users, keys and the audit trail have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from datetime import datetime

    from console.data.accounts.service import AccountsService
    from console.models.accounts import Page, User
    from console.models.api_keys import ApiKey

Answer = TypeVar("Answer")
R = TypeVar("R")

_PAGE = 500

limit_option = click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    metavar="N",
    help="How many at most, 100 by default; 0 is all.",
)


def no_target(context: click.Context, _parameter: click.Parameter, word: str) -> str:
    """Refuses what can only be a TARGET, without repeating it: it may have a password."""
    if is_target(word):
        raise click.UsageError("TARGET comes last, after what the command is about.", context)
    return word


def is_target(word: str) -> bool:
    """Whether a word is the address of a server, and no name or e-mail address."""
    return "://" in word or ("=" in word and "@" not in word.partition("=")[0])


def with_accounts(
    target: str | None, options: Mapping[str, Any], work: Callable[[AccountsService], Awaitable[Answer]]
) -> Answer:
    """What `work` gives with the accounts of a live server, which is let go of again."""
    from console.commands.sampling import sampled_with
    from console.data.accounts.service import AccountsService
    from console.data.audit import AuditFile

    settings = {name: options[name] for name in ("environment", "read_only") if name in options}
    return sampled_with(
        target, settings, lambda server, found: work(AccountsService(server, found, AuditFile()))
    )


async def rows_of(page: Callable[[tuple[Any, ...] | None, int], Awaitable[Page[R]]], limit: int) -> list[R]:
    """So many rows of a list, page by page, 0 being all; says when there are more."""
    rows: list[R] = []
    after = None
    while True:
        found = await page(after, min(_PAGE, limit - len(rows)) if limit else _PAGE)
        rows += found.rows
        after = found.after
        if after is None:
            return rows
        if limit and len(rows) >= limit:
            say(f"There are more than these {limit}; --limit 0 prints all.")
            return rows


def say(sentence: str) -> None:
    """A sentence on standard error: standard output is for the result alone."""
    from console.terminal.safe_text import visible

    click.echo(visible(sentence), err=True)


def print_json(answer: Any) -> None:
    """The result as JSON."""
    from console.commands.as_json import as_json

    click.echo(as_json(answer))


def print_sentence(sentence: str) -> None:
    """The result as a sentence."""
    from console.terminal.safe_text import visible

    click.echo(visible(sentence))


def print_table(headings: list[str], rows: list[list[str]], none: str) -> None:
    """The result as a table; where there is nothing in it, that is said instead."""
    from console.commands.plain_table import plain_table

    if rows:
        click.echo(plain_table(headings, rows))
    else:
        say(none)


def moment(at: datetime | None) -> str:
    """A time in UTC for a table."""
    from datetime import UTC

    from console.units import UNKNOWN

    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at is not None else UNKNOWN


def user_record(user: User) -> dict[str, Any]:
    """A user for JSON, with what has become of it."""
    return {"state": user.state.name.lower()} | asdict(user)


def key_record(key: ApiKey, now: datetime) -> dict[str, Any]:
    """A key for JSON, with whether it opens anything and what it may do."""
    said = {"state": key.state(now).name.lower(), "scopes": key.scopes, "is_admin": key.is_admin}
    return said | asdict(key)
