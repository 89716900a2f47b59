"""What each change of a role means, for a person to confirm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.data.identifiers import quoted
from console.data.roles import statements
from console.data.roles.standing import SchemaStanding, Standing, TableStanding
from console.data.roles.statements import HIDDEN
from console.errors import BadInput, OperationRefused
from console.models.operation import Danger, Operation
from console.models.roles import OwnedObjects, RoleChange, RoleDraft, RoleTemplate

VERIFIER = "The server gets a SCRAM verifier: the password itself is in no statement and no log."

_MOST_CONNECTIONS = 2**31 - 1


def check_draft(draft: RoleDraft, has_password: bool, now: datetime) -> None:
    """Raises `BadInput` for a draft that is none."""
    statements.check_name(draft.name)
    what = f"The template {draft.template.value}"
    if draft.template is RoleTemplate.ANALYTICS and not draft.schemas:
        raise BadInput(f"{what} needs a schema at least.")
    if draft.template is RoleTemplate.SERVICE and not draft.tables:
        raise BadInput(f"{what} needs a table at least.")
    if draft.template is RoleTemplate.GROUP and (has_password or draft.schemas or draft.tables):
        raise BadInput(f"{what} takes no password, no schemas and no tables: nobody logs in as a group.")
    if draft.connection_limit is not None and not 0 <= draft.connection_limit <= _MOST_CONNECTIONS:
        raise BadInput(f"A connection limit is a number from 0 to {_MOST_CONNECTIONS}.")
    if draft.valid_until is not None and draft.valid_until <= now:
        raise BadInput("The password would have ended already; give a moment in the future.")


def creating(
    draft: RoleDraft,
    standing: Standing,
    schemas: Sequence[SchemaStanding],
    tables: Sequence[TableStanding],
    *,
    has_password: bool,
) -> Operation:
    """Making a role after its template."""
    said = [*_about_login(draft, has_password)]
    if quoted(draft.name).startswith('"'):
        said.append(f"In SQL its name always needs double quotes: {quoted(draft.name)}.")
    if draft.template is RoleTemplate.ANALYTICS:
        names = ", ".join(quoted(schema.name) for schema in schemas)
        makers = dict.fromkeys(quoted(maker) for schema in schemas for maker in schema.makers)
        said.append(
            f"It reads the {sum(schema.tables for schema in schemas)} tables of {names}, and those that "
            f"{', '.join(makers)} will make there."
        )
        said.append(
            "It could turn default_transaction_read_only off; what keeps it from writing is that it may not."
        )
    if draft.template is RoleTemplate.MIGRATIONS:
        owners = dict.fromkeys(quoted(maker) for schema in schemas for maker in schema.makers)
        said.append("It owns what it makes; altering tables that are there already takes their owner.")
        said += [f"To alter those of {owner}: GRANT {owner} TO {quoted(draft.name)}." for owner in owners]
    return Operation(
        title=f"Create the role {quoted(draft.name)}: {draft.template.value}",
        action="Create",
        object_name=draft.name,
        statements=statements.creation(draft, standing, schemas, tables, HIDDEN if has_password else None),
        consequences=tuple(said),
        danger=Danger.NOTICEABLE,
    )


def setting_password(standing: Standing) -> Operation:
    """Giving a role a new password."""
    said = [VERIFIER, "Whoever logs in with the old password is refused from now on.", *_go_on(standing)]
    if standing.has_ended:
        said.append(
            "Its passwords have ended (VALID UNTIL): the new one opens nothing before that is moved, too."
        )
    if not standing.can_login:
        said.append("It may not log in: the password opens nothing before that is allowed.")
    return _operation(
        "Set the password of", "Set password", standing, said, statements.new_password(standing.name, HIDDEN)
    )


def altering(change: RoleChange, standing: Standing, now: datetime) -> Operation:
    """Changing attributes and memberships. Raises `BadInput` or `OperationRefused` for what is no change."""
    name = quoted(standing.name)
    if change.connection_limit is not None and not -1 <= change.connection_limit <= _MOST_CONNECTIONS:
        raise BadInput(f"A connection limit is a number from 0 to {_MOST_CONNECTIONS}, or -1 for none.")
    if change.valid_until is not None and (change.never_ends or change.valid_until <= now):
        raise BadInput("The password ends in the future or never; to end it now, expire the role.")
    if change.can_login is False and standing.is_own:
        raise OperationRefused("This is the console's own role: it would lock itself out.")
    strangers = [quoted(group) for group in change.leaves if group not in standing.groups]
    if strangers:
        raise OperationRefused(f"{name} does not belong to {', '.join(strangers)}.")
    sql = statements.alteration(change, standing)
    if not sql:
        raise BadInput(f"Nothing of {name} is to be changed.")
    said = []
    if change.can_login is False:
        said += [f"Nobody logs in as {name} any more.", *_go_on(standing)]
    if change.connection_limit is not None and 0 <= change.connection_limit < standing.connections:
        said.append(f"Its open sessions stay, though they are more: {standing.connections}.")
    said += [f"It may do what {quoted(group)} may." for group in change.joins]
    said += [f"It loses what it has through {quoted(group)}." for group in change.leaves]
    return _operation("Alter", "Alter", standing, said, *sql)


def expiring(standing: Standing) -> Operation:
    """Ending a role's password now."""
    if standing.is_own:
        raise OperationRefused("This is the console's own role: it would lock itself out.")
    said = [
        f"No password of {quoted(standing.name)} is taken any more.",
        "Where pg_hba.conf asks for no password (peer, cert, trust) it still logs in: NOLOGIN stops that, too.",
        *_go_on(standing),
    ]
    return _operation("Expire", "Expire", standing, said, statements.expiry(standing.name))


def dropping(standing: Standing, owned: Sequence[OwnedObjects], heir: str | None) -> Operation:
    """Dropping a role, with what it owns in this database given to `heir`.

    Raises `OperationRefused` with what has to be done first.
    """
    name = quoted(standing.name)
    if standing.is_own:
        raise OperationRefused("This is the console's own role: it cannot drop itself.")
    if standing.is_bootstrap:
        raise OperationRefused(f"The cluster was made with {name}: it can never be dropped.")
    if heir == standing.name:
        raise OperationRefused(f"{name} cannot be given what it owns itself; name another role.")
    elsewhere = [quoted(objects.database) for objects in owned if not objects.is_here]
    if elsewhere:
        raise OperationRefused(
            f"{name} owns something or has privileges in {', '.join(elsewhere)}, too; first run there: "
            f"{'; '.join(statements.giving_away(standing.name, heir))}."
        )
    if standing.connections:
        raise OperationRefused(
            f"{name} has open sessions ({standing.connections}); expire it and terminate them first."
        )
    belongings = counted([kind for objects in owned for kind in objects.kinds])
    if belongings and heir is None:
        raise OperationRefused(
            f"{name} owns {belongings}; say who is to get it, which runs: "
            f"{'; '.join(statements.giving_away(standing.name, None))}."
        )
    said = [f"Nobody logs in as {name} any more, and there is no way back."]
    if belongings and heir is not None:
        said.append(f"{quoted(heir)} gets what it owns: {belongings}.")
    privileges = sum(objects.privileges for objects in owned)
    if privileges:
        said.append(f"Its privileges on {privileges} objects go with it.")
    if standing.members:
        members = ", ".join(quoted(member) for member in standing.members)
        said.append(f"{members} lose what they have through it.")
    sql = statements.removal(standing.name, heir, has_privileges=bool(privileges))
    return Operation(f"Drop the role {name}", "Drop", standing.name, sql, tuple(said), Danger.DESTRUCTIVE)


def counted(kinds: Sequence[tuple[str, int]]) -> str:
    """ "12 × table, 1 × schema"; empty where there is nothing."""
    return ", ".join(f"{number} × {kind}" for kind, number in kinds)


def _about_login(draft: RoleDraft, has_password: bool) -> list[str]:
    if draft.template is RoleTemplate.GROUP:
        return ["Nobody logs in as a group: others join it, and may what it may."]
    if has_password:
        return [VERIFIER]
    return ["It has no password: it logs in only where pg_hba.conf asks for none (peer, cert, trust)."]


def _go_on(standing: Standing) -> list[str]:
    """That its sessions are not ended by it."""
    if not standing.connections:
        return []
    return [f"Its open sessions go on until they end or are terminated: {standing.connections}."]


def _operation(verb: str, action: str, standing: Standing, said: Sequence[str], *sql: str) -> Operation:
    return Operation(
        title=f"{verb} the role {quoted(standing.name)}",
        action=action,
        object_name=standing.name,
        statements=tuple(sql),
        consequences=tuple(said),
        danger=Danger.NOTICEABLE,
    )
