"""The tab of users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypeAlias

from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.dialogs.form import Field, FormDialog
from console.errors import BadInput, OperationRefused
from console.models.accounts import Page, User, UserDraft, UserState
from console.screens.accounts_columns import user_columns, user_tone
from console.screens.accounts_pane import KeysWanted
from console.screens.accounts_text import user_sections
from console.screens.paged import PAGE_SIZE, PagedPane, PagedTable, Position
from console.widgets.detail import Section

Values: TypeAlias = Mapping[str, str]

_STATES = (None, *UserState)


class UsersPane(PagedPane[User]):
    """Who there is; making, changing, switching off and on, deleting and restoring them."""

    TITLE = "users"
    NOUN = "users"
    TABLE = "users"
    FIND = "in e-mail, username and name; fewer than three characters: how one begins"
    LEAST_CHARACTERS = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "new", id="accounts.users.new", tooltip="Create a user"),
        Binding("m", "modify", "modify", id="accounts.users.modify", tooltip="Change e-mail, names, telephone, status"),
        Binding("d", "switch", "deactivate", id="accounts.users.switch", tooltip="Deactivate the user, or reactivate one"),
        Binding("D", "remove", "delete", id="accounts.users.remove", tooltip="Delete the user so that it can be restored, or restore one"),
        Binding("p", "password", "password", id="accounts.users.password", tooltip="Set a password"),
        Binding("k", "keys", "its keys", id="accounts.users.keys", tooltip="The API keys of the user"),
        Binding("f", "next_state", "which", id="accounts.users.state", tooltip="Show only active, deactivated, deleted ones; at last all again"),
        *PagedPane.BINDINGS,
    ]  # fmt: skip

    state: UserState | None = None

    def compose_list(self) -> Iterable[Widget]:
        yield PagedTable[User](
            user_columns(self.clock), lambda user: user.id, row_style=user_tone, sortable=False
        )

    # Showing ------------------------------------------------------------------------------------------------------

    async def fetch(self, position: Position) -> Page[User]:
        return await self.services.accounts.users.page(
            search=self.searched,
            state=self.state,
            after=position.after,
            before=position.before,
            size=PAGE_SIZE,
        )

    def label(self, row: User) -> str:
        return row.label

    @property
    def choice(self) -> str:
        return f"{self.state.value} only" if self.state is not None else ""

    async def describe(self, row: User) -> tuple[str, Sequence[Section]]:
        detail = await self.services.accounts.users.detail(row.id)
        return detail.user.label, user_sections(detail, self.clock.now())

    def action_next_state(self) -> None:
        """Show only users of the next state; after the last one all of them."""
        self.state = _STATES[(_STATES.index(self.state) + 1) % len(_STATES)]
        self.start_again()

    @property
    def user(self) -> User | None:
        """The user under the cursor."""
        user = self.table.cursor_row
        return user if isinstance(user, User) else None

    def action_keys(self) -> None:
        """Show the user's API keys."""
        if (user := self.user) is not None:
            self.post_message(KeysWanted(user.id, user.label))

    # Changing -----------------------------------------------------------------------------------------------------

    def action_new(self) -> None:
        """Create a user."""
        self.change(self._create)

    async def _create(self) -> str | None:
        users = self.services.accounts.users
        typed: Values = {}
        problem = ""
        while True:
            asked = FormDialog("A new user", _fields(typed), problem=problem)
            values = await self.app.push_screen_wait(asked)
            if values is None:
                return None
            typed, draft = values, UserDraft(**{name: value or None for name, value in values.items()})
            try:
                operation = await users.create_operation(draft)
                if not await self.confirms(operation):
                    return None
                user = await users.create(operation, draft)
            except (BadInput, OperationRefused) as refusal:
                problem = refusal.sentence
            else:
                self.wanted = user.id
                return f"{user.label} is there now, without a password: p sets one."

    def action_modify(self) -> None:
        """Change what is known of the user."""
        self.change(self._modify)

    async def _modify(self) -> str | None:
        users, user = self.services.accounts.users, self._chosen()
        typed: Values = _values_of(user)
        problem = ""
        while True:
            asked = FormDialog(f"Modify {user.label}", _fields(typed), problem=problem)
            values = await self.app.push_screen_wait(asked)
            if values is None:
                return None
            typed = values
            before = _values_of(user)
            draft = UserDraft(**{name: value for name, value in values.items() if value != before[name]})
            if draft == UserDraft():
                self.say("Nothing is different.")
                return None
            try:
                operation = await users.edit_operation(user, draft)
                if not await self.confirms(operation):
                    return None
                changed = await users.edit(operation, user, draft)
            except BadInput as refusal:
                problem = refusal.sentence
            except OperationRefused as refusal:
                problem = refusal.sentence
                # Somebody else may have changed the user: what was typed stays, over the values that there are now.
                user = (await users.detail(user.id)).user
                now = _values_of(user)
                typed = {name: value if value != before[name] else now[name] for name, value in typed.items()}
            else:
                return f"{changed.label} is changed."

    def _chosen(self) -> User:
        if (user := self.user) is None:
            raise OperationRefused("There is no user here to change.")
        return user

    def action_switch(self) -> None:
        """Deactivate the user, or reactivate one that is."""
        self.change(self._switch)

    async def _switch(self) -> str | None:
        users, user = self.services.accounts.users, self._chosen()
        if user.is_active:
            operation = await users.deactivate_operation(user)
            if not await self.confirms(operation):
                return None
            await users.deactivate(operation, user)
            return f"{user.label} is deactivated."
        operation = await users.reactivate_operation(user)
        if not await self.confirms(operation):
            return None
        await users.reactivate(operation, user)
        return f"{user.label} is active again."

    def action_remove(self) -> None:
        """Delete the user, or restore one that is deleted."""
        self.change(self._remove)

    async def _remove(self) -> str | None:
        users, user = self.services.accounts.users, self._chosen()
        if user.state is not UserState.DELETED:
            operation = await users.delete_operation(user)
            if not await self.confirms(operation):
                return None
            await users.delete(operation, user)
            return f"{user.label} is deleted; D restores it."
        operation = await users.restore_operation(user)
        if not await self.confirms(operation):
            return None
        await users.restore(operation, user)
        return f"{user.label} is restored."

    def action_password(self) -> None:
        """Set a password."""
        self.change(self._set_password)

    async def _set_password(self) -> str | None:
        from console.data.passwords import check_password
        from console.dialogs.password import PasswordDialog

        users, user = self.services.accounts.users, self._chosen()
        operation = await users.set_password_operation(user)
        names = (user.email, user.username, user.name, user.phone_number)
        password = await self.app.push_screen_wait(
            PasswordDialog(f"A new password for {user.label}", lambda typed: check_password(typed, *names))
        )
        if password is None or not await self.confirms(operation):
            return None
        await users.set_password(operation, user, password)
        return f"{user.label} has a new password."


_LABELS = {
    "email": "e-mail",
    "username": "username",
    "name": "name",
    "phone_number": "telephone",
    "status": "status",
}


def _values_of(user: User) -> Values:
    return {name: getattr(user, name) or "" for name in _LABELS}


def _fields(values: Values) -> list[Field]:
    return [Field(name, label, values.get(name, "")) for name, label in _LABELS.items()]
