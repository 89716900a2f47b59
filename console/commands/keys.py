"""`dbconsole keys`: which API keys there are, making, rotating and revoking them, and what is wrong with them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.commands.accounts import (
    is_target,
    key_record,
    limit_option,
    moment,
    no_target,
    print_json,
    print_sentence,
    print_table,
    rows_of,
    say,
    with_accounts,
)
from console.commands.changing import changing_options, confirm
from console.commands.options import json_option, target_argument

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import SecretBytes, SecretStr

    from console.data.accounts.service import AccountsService
    from console.models.api_keys import ApiKey, CreatedKey, KeyFindings, KeyVerdict
    from console.models.operation import Outcome

STATES = ("active", "revoked", "expired", "inactive")
USUAL_LIFE = "90"
"""Days."""
_MOST_BYTES = 10_000
"""Read of standard input, far more than a key has."""
_days = click.IntRange(min=1, max=36_500)

key_argument = click.argument("key", callback=no_target)


def _keys_and_target(
    context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]
) -> tuple[list[str], str | None]:
    """The last word is the TARGET where it can be nothing else."""
    *keys, last = words
    target = last if is_target(last) else None
    keys += [] if target is not None else [last]
    if not keys or any(map(is_target, keys)):
        raise click.UsageError("The keys come first, and one TARGET at the end.", context)
    return keys, target


@click.group(
    "keys",
    epilog="""
\b
KEY is an id, or the beginning of a key as the list shows it; never a whole key, which everybody on this
machine could read.

\b
Exit codes
  0  done; with verify: the key opens something; with audit: nothing was found
  1  failed; with verify: the key opens nothing; with audit: something was found
  2  wrong usage or bad input
  3  could not connect
""",
)
def command() -> None:
    """Show API keys, make, rotate and revoke them, and look for what is wrong with them."""


@command.command("list")
@target_argument
@click.option("--search", default="", metavar="WORD", help="In prefix, name and the owner's e-mail; three characters at least.")  # fmt: skip
@click.option("--user", metavar="USER", help="Only this user's: id, e-mail address or username.")
@click.option("--state", type=click.Choice(STATES), help="Only these.")
@click.option("--expiring", type=_days, metavar="DAYS", help="Only what expires within so many days.")
@click.option("--unused", type=_days, metavar="DAYS", help="Only what was not used for so many days.")
@click.option("--never-used", is_flag=True, help="Only what was never used.")
@click.option("--admin", is_flag=True, help="Only what may do everything.")
@click.option("--never-expires", is_flag=True, help="Only what never expires.")
@limit_option
@json_option
def list_(
    target: str | None,
    search: str,
    user: str | None,
    state: str | None,
    expiring: int | None,
    unused: int | None,
    never_used: bool,
    admin: bool,
    never_expires: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Print API keys, the newest first."""
    from datetime import timedelta

    from console.errors import BadInput
    from console.models.api_keys import KeyFilter, KeyState

    if search and len(search.strip()) < 3:
        raise BadInput("--search: a search takes three characters at least.")

    async def read(accounts: AccountsService) -> tuple[list[ApiKey], datetime]:
        wanted = KeyFilter(
            search=search,
            user_id=(await accounts.users.find(user)).id if user is not None else None,
            state=KeyState[state.upper()] if state is not None else None,
            expires_within=timedelta(days=expiring) if expiring is not None else None,
            unused_for=timedelta(days=unused) if unused is not None else None,
            never_used=never_used,
            admin=admin,
            never_expires=never_expires,
        )
        keys = await rows_of(lambda after, size: accounts.keys.page(wanted, after=after, size=size), limit)
        return keys, accounts.context.clock.now()

    keys, now = with_accounts(target, {}, read)
    if as_json:
        print_json([key_record(key, now) for key in keys])
        return
    print_table(
        ["key", "name", "owner", "state", "scopes", "expires (UTC)", "last used (UTC)", "id"],
        [_line(key, now) for key in keys],
        "There is no such API key.",
    )


@command.command("create")
@target_argument
@click.option("--user", required=True, metavar="USER", help="Whose it is: id, e-mail address or username.")
@click.option("--name", required=True, metavar="NAME", help="What it is for.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may do; may be given several times.")  # fmt: skip
@click.option("--expires", default=USUAL_LIFE, metavar="DAYS|DATE", help="90 (days) by default, 12h, 2026-12-31, or never.")  # fmt: skip
@changing_options
@json_option
def create(
    target: str | None,
    user: str,
    name: str,
    scopes: tuple[str, ...],
    expires: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Create an API key, and print it, once.

    The key alone goes to standard output. It is for the environment that -e or the settings name.
    """
    from console.clock import SYSTEM_CLOCK
    from console.commands.moments import end
    from console.models.api_keys import KeyDraft

    now = SYSTEM_CLOCK.now()
    expires_at = end(expires, "--expires", now)

    async def make(accounts: AccountsService) -> CreatedKey:
        owner = await accounts.users.find(user)
        draft = KeyDraft(owner.id, name, scopes, expires_at=expires_at)
        operation = await accounts.keys.create_operation(draft)
        confirm(operation, options, err=True)
        return await accounts.keys.create(operation, draft)

    made = with_accounts(target, options, make)
    say(
        f"The API key {made.row.prefix or made.row.id} of {made.row.owner} was created; it {_ends(made.row)}."
    )
    _print_key(made, now, as_json)


@command.command("rotate")
@key_argument
@target_argument
@click.option("--grace", default="24h", metavar="TIME", help="How long the old one lives on: 24h by default, 30m, 7d or 0.")  # fmt: skip
@changing_options
@json_option
def rotate(key: str, target: str | None, grace: str, as_json: bool, **options: Any) -> None:
    """Put a new key in the place of KEY, and print it, once. The new key alone goes to standard output."""
    from console.clock import SYSTEM_CLOCK
    from console.commands.moments import required_length

    length = required_length(grace, "--grace")

    async def make(accounts: AccountsService) -> CreatedKey:
        old = await accounts.keys.find(key)
        operation = await accounts.keys.rotate_operation(old, length)
        confirm(operation, options, err=True)
        return await accounts.keys.rotate(operation, old, length)

    made = with_accounts(target, options, make)
    _print_key(made, SYSTEM_CLOCK.now(), as_json)
    if made.replaces is not None:
        old = made.replaces
        rest = _ends(old) if length else "opens nothing any more"
        say(f"{made.row.prefix or made.row.id} takes the place of {old.prefix or old.id}, which {rest}.")


@command.command("revoke")
@click.argument("named", nargs=-1, required=True, metavar="KEY… [TARGET]", callback=_keys_and_target)
@click.option("--reason", required=True, metavar="REASON", help="Why; it is kept with the key and in the audit trail.")  # fmt: skip
@changing_options
@json_option
def revoke(named: tuple[list[str], str | None], reason: str, as_json: bool, **options: Any) -> None:
    """Revoke API keys now and for good.

    The last word is the TARGET where it is a URL or has libpq's keywords; a database is dbname=NAME.
    """
    from console.data.accounts.key_drafts import checked_reason

    words, target = named
    checked_reason(reason)

    async def change(accounts: AccountsService) -> Outcome:
        keys = [await accounts.keys.find(word) for word in words]
        operation = await accounts.keys.revoke_operation(keys, reason)
        confirm(operation, options, err=True)
        return await accounts.keys.revoke(operation, keys, reason)

    outcome = with_accounts(target, options, change)
    if as_json:
        print_json(outcome)
    else:
        print_sentence(outcome.sentence)


@command.command("verify")
@target_argument
@json_option
def verify(target: str | None, as_json: bool) -> int:
    """Read a key from standard input, and print whose it is and whether it opens anything.

    Exits with 1 when it opens nothing.
    """
    from console.clock import SYSTEM_CLOCK
    from console.models.api_keys import KeyState

    pasted = _pasted()

    async def look(accounts: AccountsService) -> KeyVerdict:
        return await accounts.keys.verdict(pasted)

    verdict = with_accounts(target, {}, look)
    opens = verdict.state is KeyState.ACTIVE and verdict.key is not None and verdict.key.owner_is_active
    if as_json:
        print_json(
            {
                "opens": opens,
                "is_well_formed": verdict.is_well_formed,
                "key": key_record(verdict.key, SYSTEM_CLOCK.now()) if verdict.key is not None else None,
                "sentence": verdict.sentence,
            }
        )
    else:
        print_sentence(verdict.sentence)
    return int(not opens)


@command.command("audit")
@target_argument
@json_option
def audit(target: str | None, as_json: bool) -> int:
    """Look for keys that anybody can guess, that never end, that nobody uses, or whose owner is gone.

    At most 200 of each kind are printed; that there are more is said on standard error.

    Exits with 1 when one of them still opens something.
    """

    async def look(accounts: AccountsService) -> tuple[KeyFindings, datetime]:
        return await accounts.keys.audit(), accounts.context.clock.now()

    found, now = with_accounts(target, {}, look)
    if as_json:
        print_json(
            [
                {"kind": finding.kind, "sentence": finding.sentence, "key": key_record(finding.key, now)}
                for finding in found.rows
            ]
        )
    else:
        print_table(
            ["finding", "key", "id", "what it is"],
            [
                [finding.kind.value, finding.key.prefix or "–", str(finding.key.id), finding.sentence]
                for finding in found.rows
            ],
            "Nothing is wrong with the API keys.",
        )
    for cut in found.cut:
        say(f"{cut.sentence}.")
    return int(bool(found.rows))


def _pasted() -> SecretStr:
    """The key that is given on standard input; a person at a terminal is asked for it, and it is not shown."""
    from pydantic import SecretBytes, SecretStr

    from console.errors import BadInput

    if sys.stdin.isatty():
        pasted: SecretStr | None = SecretStr(click.prompt("Key", hide_input=True, err=True))
    else:
        given = SecretBytes(sys.stdin.buffer.read(_MOST_BYTES).strip())
        if len(given.get_secret_value().splitlines()) > 1:
            raise BadInput("There is more than one line on standard input; give one key, alone.")
        pasted = _text_of(given)
    if pasted is None:
        raise BadInput("What is on standard input is not UTF-8, and so no key.")
    if not pasted.get_secret_value():
        raise BadInput("There is no key on standard input; give it there, never on the command line.")
    return pasted


def _text_of(given: SecretBytes) -> SecretStr | None:
    """What the bytes say in UTF-8, None where they say nothing in it. The codec's own error would repeat them."""
    from pydantic import SecretStr

    try:
        return SecretStr(given.get_secret_value().decode())
    except UnicodeDecodeError:
        return None


def _print_key(made: CreatedKey, now: datetime, as_json: bool) -> None:
    """The key, alone. Where it cannot be written, it is said that it is there all the same."""
    if sys.stdout.isatty():
        say("This is the key. It is shown once, and kept nowhere but where you put it:")
    try:
        if as_json:
            print_json({"key": made.key.get_secret_value()} | {"row": key_record(made.row, now)})
        else:
            click.echo(made.key.get_secret_value())
        sys.stdout.flush()
    except OSError:
        say(f"The key {made.row.prefix or made.row.id} could not be printed, and nobody has it: revoke it.")
        raise


def _line(key: ApiKey, now: datetime) -> list[str]:
    from console.models.api_keys import EVERYTHING
    from console.units import UNKNOWN

    scopes = EVERYTHING if key.is_admin else ", ".join(key.scopes)
    return [
        key.prefix or UNKNOWN,
        key.name or UNKNOWN,
        key.owner,
        key.state(now).value,
        scopes or UNKNOWN,
        moment(key.expires_at) if key.expires_at is not None else "never",
        moment(key.last_used_at),
        str(key.id),
    ]


def _ends(key: ApiKey) -> str:
    return f"ends on {moment(key.expires_at)} UTC" if key.expires_at is not None else "never ends"
