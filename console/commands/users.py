"""`dbconsole users`: who there is, and making and shutting out one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from console.commands.accounts import (
    key_record,
    limit_option,
    moment,
    no_target,
    print_json,
    print_sentence,
    print_table,
    rows_of,
    say,
    user_record,
    with_accounts,
)
from console.commands.changing import changing_options, confirm
from console.commands.options import json_option, target_argument

if TYPE_CHECKING:
    from datetime import datetime

    from console.data.accounts.service import AccountsService
    from console.models.accounts import User, UserDetail

STATES = ("active", "inactive", "deleted")

user_argument = click.argument("user", callback=no_target)


@click.group(
    "users",
    epilog="""
USER is an id, an e-mail address or a username.
""",
)
def command() -> None:
    """Show the users, create one, disable one."""


@command.command("list")
@target_argument
@click.option("--search", default="", metavar="WORD", help="In e-mail address, username and name.")
@click.option("--state", type=click.Choice(STATES), help="Only these.")
@limit_option
@json_option
def list_(target: str | None, search: str, state: str | None, limit: int, as_json: bool) -> None:
    """Print the users by their e-mail addresses."""
    from console.models.accounts import UserState

    wanted = UserState[state.upper()] if state is not None else None

    async def read(accounts: AccountsService) -> list[User]:
        return await rows_of(
            lambda after, size: accounts.users.page(search, wanted, after=after, size=size), limit
        )

    users = with_accounts(target, {}, read)
    if as_json:
        print_json([user_record(user) for user in users])
        return
    print_table(
        ["e-mail", "username", "name", "state", "last login (UTC)", "created (UTC)", "id"],
        [
            [
                *(user.email or "–", user.username or "–", user.name or "–", user.state.value),
                *(moment(user.last_login_at), moment(user.created_at), str(user.id)),
            ]
            for user in users
        ],
        "There is no such user.",
    )


@command.command("show")
@user_argument
@target_argument
@json_option
def show(user: str, target: str | None, as_json: bool) -> None:
    """Print a user with its newest keys, sessions, projects and actions."""

    async def read(accounts: AccountsService) -> tuple[UserDetail, datetime]:
        found = await accounts.users.find(user)
        return await accounts.users.detail(found.id), accounts.context.clock.now()

    detail, now = with_accounts(target, {}, read)
    if as_json:
        keys = [key_record(key, now) for key in detail.keys]
        print_json(asdict(detail) | {"user": user_record(detail.user), "keys": keys})
    else:
        click.echo(as_text(detail, now))


@command.command("create")
@target_argument
@click.option("--email", required=True, metavar="EMAIL", help="The e-mail address.")
@click.option("--name", metavar="NAME", help="The name.")
@click.option("--username", metavar="NAME", help="The name to log in with.")
@changing_options
@json_option
def create(
    target: str | None, email: str, name: str | None, username: str | None, as_json: bool, **options: Any
) -> None:
    """Create a user without a password, and print its id."""
    from console.models.accounts import UserDraft

    draft = UserDraft(email=email, name=name, username=username)

    async def make(accounts: AccountsService) -> User:
        operation = await accounts.users.create_operation(draft)
        confirm(operation, options, err=True)
        return await accounts.users.create(operation, draft)

    made = with_accounts(target, options, make)
    if as_json:
        print_json(user_record(made))
    else:
        say(f"The user {made.label} was created; it has no password and no key yet.")
        click.echo(str(made.id))


@command.command("disable")
@user_argument
@target_argument
@changing_options
@json_option
def disable(user: str, target: str | None, as_json: bool, **options: Any) -> None:
    """Deactivate a user. It stays with all that hangs on it, and can be reactivated."""

    async def change(accounts: AccountsService) -> User:
        found = await accounts.users.find(user)
        operation = await accounts.users.deactivate_operation(found)
        confirm(operation, options, err=True)
        return await accounts.users.deactivate(operation, found)

    changed = with_accounts(target, options, change)
    if as_json:
        print_json(user_record(changed))
    else:
        print_sentence(f"The user {changed.label} is deactivated.")


def as_text(detail: UserDetail, now: datetime) -> str:
    """A user for a person: what is known of it, and a table of each kind of thing that hangs on it."""
    from console.commands.plain_table import plain_table
    from console.units import UNKNOWN

    user = detail.user
    said = {
        "e-mail": user.email,
        "username": user.username,
        "name": user.name,
        "telephone": user.phone_number,
        "state": user.state.value,
        "status": user.status,
        "password": "set" if user.has_password else "none",
        "last login": moment(user.last_login_at),
        "created": moment(user.created_at),
        "changed": moment(user.updated_at),
        "deleted": moment(user.deleted_at),
        "id": str(user.id),
    }
    parts = [plain_table(["user", ""], [[name, value or UNKNOWN] for name, value in said.items()])]
    if detail.keys:
        keys = [
            [key.prefix or UNKNOWN, key.name or UNKNOWN, key.state(now).value, moment(key.expires_at),
             moment(key.last_used_at), str(key.id)]
            for key in detail.keys
        ]  # fmt: skip
        parts.append(plain_table(["key", "name", "state", "expires (UTC)", "last used (UTC)", "id"], keys))
    if detail.sessions:
        sessions = [
            [f"{session.token_beginning}…", "open" if session.is_open(now) else "ended",
             moment(session.last_activity), session.ip_address or UNKNOWN, str(session.id)]
            for session in detail.sessions
        ]  # fmt: skip
        parts.append(plain_table(["session", "state", "last activity (UTC)", "address", "id"], sessions))
    if detail.projects:
        projects = [[project.name, str(project.id)] for project in detail.projects]
        parts.append(plain_table(["project", "id"], projects))
    if detail.actions:
        actions = [[moment(entry.at), entry.by, entry.action] for entry in detail.actions]
        parts.append(plain_table(["action (UTC)", "by", ""], actions))
    return "\n\n".join(parts)
