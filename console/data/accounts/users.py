"""Users: pages of them, one with all that hangs on it, and changing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, null, select

from console.data import passwords
from console.data.accounts import user_queries as queries
from console.data.accounts import user_writing as writing
from console.data.accounts.context import AccountsContext
from console.data.accounts.paging import Order, Position, read_page
from console.data.accounts.readable import HIDDEN, readable
from console.data.accounts.rows import is_kept, select_users, user_of
from console.data.accounts.trail import TrailService
from console.data.accounts.user_drafts import FIELDS, described, refuse_taken, values_of
from console.data.place import Place
from console.data.trail import trail_of
from console.errors import BadInput, OperationRefused
from console.models.accounts import Page, TrailEntry, TrailFilter, User, UserDetail, UserDraft, UserState
from console.models.operation import Danger, Operation

_LABELLING = ("email", "username", "phone_number", "name")
"""What a person knows a user by, the best of it first; see `User.label`."""


@dataclass(frozen=True, slots=True)
class _Switch:
    """A change of what has become of a user."""

    verb: str
    action: str
    column: str
    value: Any
    fits: tuple[UserState, ...]
    """In these states there is something to do."""
    done: str
    danger: Danger = Danger.NOTICEABLE


_DEACTIVATE = _Switch(
    "Deactivate", "user.deactivate", "is_active", False, (UserState.ACTIVE,), "is deactivated"
)
_REACTIVATE = _Switch(
    "Reactivate", "user.reactivate", "is_active", True, (UserState.INACTIVE,), "is active again"
)
_DELETE = _Switch(
    "Delete",
    "user.delete",
    "deleted_at",
    func.now(),
    (UserState.ACTIVE, UserState.INACTIVE),
    "is deleted, and can be restored",
    Danger.DESTRUCTIVE,
)
_RESTORE = _Switch("Restore", "user.restore", "deleted_at", null(), (UserState.DELETED,), "is restored")


class Users:
    """Users: pages of them, one with all that hangs on it, and changing them.

    Each change is an `Operation` that is shown first, and then made in one transaction with its row in the trail.
    What makes one raises `OperationRefused` where nothing may be changed, where the user is not as it was shown any
    more, and where a column is missing; `OutcomeUnknown` where the connection was lost before the answer; and as
    `Engine.connection`.
    """

    def __init__(self, context: AccountsContext) -> None:
        self._context = context

    # Looking ------------------------------------------------------------------------------------------------------

    async def page(
        self,
        search: str = "",
        state: UserState | None = None,
        after: Position | None = None,
        before: Position | None = None,
        size: int = 50,
    ) -> Page[User]:
        """A page of the users by their e-mail addresses, those without one last.

        `search` is looked for anywhere in e-mail, username and name; one of less than three characters at the
        beginning of e-mail and username. Whoever cancels this cancels the query on the server too.

        Raises `OperationRefused` where there is no table, and as `Engine.connection`.
        """
        place = await self._context.place()
        table = place.table("users")
        word = search.strip()
        async with self._context.reading() as connection:
            wanted = await queries.searched(connection, place, word)
            return await read_page(
                connection,
                select_users(place).where(wanted, queries.has_state(place, state)),
                Order(table.c.email if "email" in table.c else table.c.id, table.c.id),
                user_of,
                size=size,
                after=after,
                before=before,
                estimate=place.estimates.get("users") if not word and state is None else None,
            )

    async def get(self, user_id: UUID) -> User | None:
        """The user with that id. Raises `OperationRefused` where there is no table, and as `Engine.connection`."""
        place = await self._context.place()
        async with self._context.reading() as connection:
            return await queries.user_with(connection, place, user_id)

    async def find(self, text: str) -> User:
        """The one user with exactly that id, e-mail or username, whatever its case; of deleted ones if there is no other.

        Raises `BadInput` where there is none or there are several, and as `get`.
        """
        place = await self._context.place()
        word = text.strip()
        named = queries.is_named(place, word)
        table = place.table("users")
        async with self._context.reading() as connection:
            for kept in (is_kept(table), queries.is_deleted(place)):
                found = (await connection.execute(select_users(place).where(named, kept).limit(5))).all()
                users = [user_of(row) for row in found]
                exact = [user for user in users if word in (user.email, user.username)]
                if len(users) == 1 or len(exact) == 1:
                    return (exact or users)[0]
                if users:
                    raise BadInput(
                        f"{word} is more than one user: {'; '.join(map(described, users))}; name one by its id."
                    )
        raise BadInput(f"There is no user with the id, e-mail address or username {word[:100]}.")

    async def detail(self, user_id: UUID) -> UserDetail:
        """The user with the newest few of its keys, sessions and projects, and of what was done to it or by it.

        Raises `OperationRefused` where the user is not there any more, and as `get`.
        """
        place = await self._context.place()
        async with self._context.reading() as connection:
            user = await queries.user_with(connection, place, user_id)
            if user is None:
                raise OperationRefused("This user is not there any more.")
            keys = await queries.keys_of(connection, place, user_id)
            sessions = await queries.sessions_of(connection, place, user_id)
            projects = await queries.projects_of(connection, place, user_id)
        return UserDetail(user, keys, sessions, projects, await self._actions(place, user_id))

    async def _actions(self, place: Place, user_id: UUID) -> tuple[TrailEntry, ...]:
        if not all(
            place.has("audit_logs", name) for name in ("resource_type", "resource_id", "details", "user_id")
        ):
            return ()
        trail = TrailService(self._context)
        done_to = await trail.page(TrailFilter(resource=str(user_id)), size=queries.FEW)
        done_by = await trail.page(TrailFilter(person=str(user_id)), size=queries.FEW)
        entries = {entry.id: entry for entry in (*done_to.rows, *done_by.rows)}
        return tuple(sorted(entries.values(), key=lambda entry: entry.at, reverse=True)[: queries.FEW])

    # Creating and editing -----------------------------------------------------------------------------------------

    async def create_operation(self, draft: UserDraft) -> Operation:
        """What creating a user means. Raises `BadInput` for what cannot be, and `OperationRefused` for what is taken."""
        self._context.changes.check()
        place = await self._context.place()
        values = values_of(place, draft)
        async with self._context.reading() as connection:
            await refuse_taken(connection, place, values)
        label = next(value for name in _LABELLING if (value := values.get(name)))
        return Operation(
            title=f"Create the user {label}",
            action="Create",
            object_name=label,
            statements=(readable(writing.insertion(place, values)),),
            consequences=("It has no password and no key yet. Nothing is sent to anybody.",),
            danger=Danger.NOTICEABLE,
        )

    async def create(self, operation: Operation, draft: UserDraft) -> User:
        """Creates the user. Raises as `create_operation`, and what the class says."""
        place = await self._context.place()
        values = values_of(place, draft)
        async with self._context.making(operation, trail_of(place)) as change:
            statement = writing.insertion(place, values).returning(place.table("users").c.id)
            user_id = await writing.write(change.connection, place, statement, values)
            user = await writing.written(change.connection, place, user_id)
            change.note("user.create", "user", user.id, after=writing.said(user, (*values, "is_active")))
            change.sentence = f"{user.label} is created."
        return user

    async def edit_operation(self, user: User, draft: UserDraft) -> Operation:
        """What changing the user means. Raises as `create_operation`; also where nothing would be different."""
        self._context.changes.check()
        place = await self._context.place()
        values = values_of(place, draft, user)
        async with self._context.reading() as connection:
            await refuse_taken(connection, place, values, user)
        return Operation(
            title=f"Change the user {user.label}",
            action="Change",
            object_name=user.label,
            statements=(readable(writing.change_of(place, user, values)),),
            consequences=tuple(
                f"Its {FIELDS[name]} becomes {value or 'empty'}; it was {getattr(user, name) or 'empty'}."
                for name, value in values.items()
            ),
            danger=Danger.NOTICEABLE,
        )

    async def edit(self, operation: Operation, user: User, draft: UserDraft) -> User:
        """Changes the user, if it is as it was shown: also `updated_at` must be. Raises as `edit_operation`, and what
        the class says."""
        place = await self._context.place()
        values = values_of(place, draft, user)
        async with self._context.making(operation, trail_of(place)) as change:
            await writing.refuse_changed(change.connection, place, user, (*writing.SHOWN, "updated_at"))
            await writing.write(
                change.connection, place, writing.change_of(place, user, values), values, user
            )
            changed = await writing.written(change.connection, place, user.id)
            change.note(
                "user.update",
                "user",
                user.id,
                before=writing.said(user, values),
                after=writing.said(changed, values),
            )
            change.sentence = f"{changed.label}: {', '.join(FIELDS[name] for name in values)} changed."
        return changed

    # What becomes of a user ---------------------------------------------------------------------------------------

    async def deactivate_operation(self, user: User) -> Operation:
        """What deactivating the user means. Raises `OperationRefused`, as all of these do, where that cannot be."""
        return await self._switch_operation(_DEACTIVATE, user)

    async def deactivate(self, operation: Operation, user: User) -> User:
        """Deactivates the user. Raises what the class says."""
        return await self._switch(_DEACTIVATE, operation, user)

    async def reactivate_operation(self, user: User) -> Operation:
        """What reactivating the user means."""
        return await self._switch_operation(_REACTIVATE, user)

    async def reactivate(self, operation: Operation, user: User) -> User:
        """Makes the user active again. Raises what the class says."""
        return await self._switch(_REACTIVATE, operation, user)

    async def delete_operation(self, user: User) -> Operation:
        """What deleting the user means: it is marked as deleted, and all that hangs on it stays."""
        return await self._switch_operation(_DELETE, user)

    async def delete(self, operation: Operation, user: User) -> User:
        """Marks the user as deleted. Raises what the class says."""
        return await self._switch(_DELETE, operation, user)

    async def restore_operation(self, user: User) -> Operation:
        """What restoring the user means. Refused where its e-mail or another name is somebody else's by now."""
        return await self._switch_operation(_RESTORE, user)

    async def restore(self, operation: Operation, user: User) -> User:
        """Makes a deleted user one again. Raises what the class says."""
        return await self._switch(_RESTORE, operation, user)

    async def _switch_operation(self, switch: _Switch, user: User) -> Operation:
        self._context.changes.check()
        place = await self._context.place()
        place.require("users", switch.column)
        _refuse_unfit(switch, user)
        async with self._context.reading() as connection:
            if switch is _RESTORE:
                await refuse_taken(connection, place, writing.names_of(user), user)
            hanging = await queries.belongings(connection, place, user.id)
        return Operation(
            title=f"{switch.verb} the user {user.label}",
            action=switch.verb,
            object_name=user.label,
            statements=(readable(writing.change_of(place, user, {switch.column: switch.value})),),
            consequences=_consequences(switch, user, hanging),
            danger=switch.danger,
        )

    async def _switch(self, switch: _Switch, operation: Operation, user: User) -> User:
        place = await self._context.place()
        place.require("users", switch.column)
        _refuse_unfit(switch, user)
        async with self._context.making(operation, trail_of(place)) as change:
            # Not updated_at: a login meanwhile is no reason to leave somebody in who must go.
            await writing.refuse_changed(
                change.connection, place, user, ("email", "username", "is_active", "deleted_at")
            )
            written = writing.names_of(user) if switch is _RESTORE else {}
            statement = writing.change_of(place, user, {switch.column: switch.value})
            await writing.write(change.connection, place, statement, written, user)
            changed = await writing.written(change.connection, place, user.id)
            names = (switch.column,)
            change.note(
                switch.action,
                "user",
                user.id,
                before=writing.said(user, names),
                after=writing.said(changed, names),
            )
            change.sentence = f"{user.label} {switch.done}."
        return changed

    # Passwords ----------------------------------------------------------------------------------------------------

    async def set_password_operation(self, user: User) -> Operation:
        """What setting the user's password means."""
        self._context.changes.check()
        place = await self._context.place()
        place.require("users", "password_hash")
        return Operation(
            title=f"Set a password for the user {user.label}",
            action="Set password",
            object_name=user.label,
            statements=(readable(writing.change_of(place, user, {"password_hash": f"$argon2id${HIDDEN}"})),),
            consequences=(
                f"The password that {user.label} has now opens nothing any more."
                if user.has_password
                else f"{user.label} has had no password.",
                "Whoever is logged in stays so; nothing is sent to anybody.",
            ),
            danger=Danger.NOTICEABLE,
        )

    async def set_password(self, operation: Operation, user: User, password: SecretStr) -> User:
        """Sets the password, of which only the argon2id hash ever leaves the console.

        The password that the user has already is hashed anew where that was done in another way than today's, and
        else refused. Raises `BadInput` for a password that is too weak, and what the class says.
        """
        place = await self._context.place()
        place.require("users", "password_hash")
        passwords.check_password(password, user.email, user.username, user.name, user.phone_number)
        password_hash = await passwords.hash_password(password)
        async with self._context.making(operation, trail_of(place)) as change:
            await writing.refuse_changed(change.connection, place, user, (*writing.SHOWN, "updated_at"))
            table = place.table("users")
            kept = (
                await change.connection.scalar(select(table.c.password_hash).where(table.c.id == user.id))
                or ""
            )
            is_same = await passwords.verify_password(kept, password)
            if is_same and not passwords.needs_rehash(kept):
                raise OperationRefused(f"Nothing was changed: it is the password of {user.label} already.")
            await writing.write(
                change.connection,
                place,
                writing.change_of(place, user, {"password_hash": password_hash}),
                {},
                user,
            )
            changed = await writing.written(change.connection, place, user.id)
            change.note("user.rehash_password" if is_same else "user.set_password", "user", user.id)
            change.sentence = f"{user.label} has a {'new hash of its' if is_same else 'new'} password."
        return changed


def _refuse_unfit(switch: _Switch, user: User) -> None:
    """Raises `OperationRefused` where there is nothing to do."""
    if user.state not in switch.fits:
        remedy = ": restore it first" if user.state is UserState.DELETED else " already"
        raise OperationRefused(f"{user.label} is {user.state.value}{remedy}.")


def _consequences(switch: _Switch, user: User, hanging: queries.Belongings) -> tuple[str, ...]:
    stays = f"What hangs on it stays as it is: {hanging}." if str(hanging) else "Nothing hangs on it."
    match switch.action:
        case "user.deactivate":
            ends = (
                "Keys and sessions are not ended by that: revoke them where they must not be used any more."
            )
        case "user.delete":
            ends = "It is marked as deleted and can be restored, until its e-mail address is somebody else's."
        case "user.restore" if not user.is_active:
            ends = "It comes back deactivated, as it was."
        case _:
            ends = f"{user.label} can log in again."
    return (stays, ends)
