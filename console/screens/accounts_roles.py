"""The tab of PostgreSQL's roles: what they are and may do where, and changing them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import SecretStr
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from console.dialogs.form import FormDialog
from console.errors import BadInput, OperationRefused
from console.models.roles import Role, RoleTemplate
from console.screens import accounts_roles_forms as forms
from console.screens.accounts_pane import AccountsPane
from console.screens.accounts_roles_columns import kind, role_columns, role_tone
from console.screens.accounts_roles_text import owned_lines, role_sections
from console.units import count
from console.widgets.detail import Section
from console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from console.models.roles import OwnedObjects, RolesSnapshot


class RolesPane(AccountsPane):
    """The roles of the cluster; what one may do in this database is its detail."""

    TITLE = "roles"
    FIND = "words to find, !word to leave out, kind:superuser in a column"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "new", id="accounts.roles.new", tooltip="Create a role from a template"),
        Binding("M", "alter", "alter", id="accounts.roles.alter", tooltip="Change login, limit, end and memberships"),
        Binding("p", "password", "password", id="accounts.roles.password", tooltip="Set a password, of which the server gets a verifier alone"),
        Binding("x", "expire", "expire", id="accounts.roles.expire", tooltip="End the role's password now"),
        Binding("D", "drop", "drop", id="accounts.roles.drop", tooltip="Drop the role, after giving away what it owns"),
        Binding("f", "predefined", "PostgreSQL's", id="accounts.roles.predefined", tooltip="Show the roles that come with PostgreSQL, or hide them"),
    ]  # fmt: skip

    with_predefined: bool = False

    def compose_list(self) -> Iterable[Widget]:
        yield LiveTable[Role](
            role_columns(self.clock), lambda role: role.name, row_style=role_tone(self.clock), id="role-list"
        )

    # Showing ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._sample: RolesSnapshot | None = None
        self.table.sort_by("role")

    async def load(self) -> None:
        self._sample = await self.services.roles.sample()
        self._show()

    def _show(self) -> None:
        if self._sample is None:
            return
        roles = [role for role in self._sample.roles if self.with_predefined or not role.is_predefined]
        self.table.update_rows(roles)
        hidden = len(self._sample.roles) - len(roles)
        parts = [
            f"{count(len(roles))} role{'' if len(roles) == 1 else 's'}",
            f"may log in {count(sum(role.can_login for role in roles))}",
            f"superusers {count(sum(role.is_superuser for role in roles))}",
            f"connections {count(sum(role.connections for role in roles))}",
            *([f"PostgreSQL's own hidden {count(hidden)}"] if hidden else []),
        ]
        self.show_line(Content(" · ".join(parts)))

    def action_predefined(self) -> None:
        """Show the roles that come with PostgreSQL, or hide them."""
        self.with_predefined = not self.with_predefined
        self._show()

    async def describe(self, row: Role) -> tuple[str, Sequence[Section]]:
        roles = self.services.roles
        grants = await roles.grants(row.name)
        owned = await roles.owned(row.name)
        return f"role {row.name}", role_sections(row, grants, owned, self.clock.now())

    def _chosen(self) -> Role:
        role = self.table.cursor_row
        if not isinstance(role, Role):
            raise OperationRefused("There is no role here.")
        return role

    # Making -------------------------------------------------------------------------------------------------------

    def action_new(self) -> None:
        """Create a role from a template."""
        self.change(self._create)

    async def _create(self) -> str | None:
        from console.dialogs.choose import Choice, ChooseDialog

        templates = [Choice(template, template.value, _FOR[template]) for template in RoleTemplate]
        chosen = await self.app.push_screen_wait(ChooseDialog("What is the new role for?", templates))
        if chosen is None:
            return None
        roles, template = self.services.roles, chosen.value
        typed: forms.Values = {}
        problem = ""
        while True:
            fields = forms.draft_fields(template, typed, self._groups, self.clock.now())
            values = await self.app.push_screen_wait(
                FormDialog(f"A new role: {template.value}", fields, problem=problem)
            )
            if values is None:
                return None
            typed = values
            password = None
            if values.get("password") == forms.YES:
                password = await self._ask_password(f"A password for {values['name']}")
                if password is None:
                    return None
            try:
                draft = forms.draft_of(template, values, self.clock.now())
                operation = await roles.template_operation(draft, password)
                if not await self.confirms(operation):
                    return None
                return (await roles.create(operation, draft, password)).sentence
            except (BadInput, OperationRefused) as refusal:
                problem = refusal.sentence

    @property
    def _groups(self) -> list[str]:
        roles = self._sample.roles if self._sample is not None else ()
        return [forms.written(role.name) for role in roles if not role.can_login]

    async def _ask_password(self, title: str) -> SecretStr | None:
        from console.data.scram import check_password
        from console.dialogs.password import PasswordDialog

        return await self.app.push_screen_wait(PasswordDialog(title, check_password))

    # Changing -----------------------------------------------------------------------------------------------------

    def action_password(self) -> None:
        """Set a password."""
        self.change(self._set_password)

    async def _set_password(self) -> str | None:
        roles, role = self.services.roles, self._chosen()
        operation = await roles.set_password_operation(role.name)
        password = await self._ask_password(f"A new password for {role.name}")
        if password is None or not await self.confirms(operation):
            return None
        return (await roles.set_password(operation, role.name, password)).sentence

    def action_alter(self) -> None:
        """Change login, limit, end and memberships."""
        self.change(self._alter)

    async def _alter(self) -> str | None:
        roles, role = self.services.roles, self._chosen()
        fields = forms.change_fields(role)
        problem = ""
        while True:
            values = await self.app.push_screen_wait(
                FormDialog(f"Alter {role.name}", fields, problem=problem)
            )
            if values is None:
                return None
            fields = [replace(field, value=values[field.name]) for field in fields]
            try:
                change = forms.change_of(role, values, self.clock.now())
                operation = await roles.alter_operation(role.name, change)
                if not await self.confirms(operation):
                    return None
                return (await roles.alter(operation, role.name, change)).sentence
            except (BadInput, OperationRefused) as refusal:
                problem = refusal.sentence

    def action_expire(self) -> None:
        """End the role's password now."""
        self.change(self._expire)

    async def _expire(self) -> str | None:
        roles, role = self.services.roles, self._chosen()
        operation = await roles.expire_operation(role.name)
        if not await self.confirms(operation):
            return None
        return (await roles.expire(operation, role.name)).sentence

    # Dropping -----------------------------------------------------------------------------------------------------

    def action_drop(self) -> None:
        """Drop the role, after giving away what it owns."""
        self.change(self._drop)

    async def _drop(self) -> str | None:
        roles, role = self.services.roles, self._chosen()
        owned = await roles.owned(role.name)
        heir = None
        if any(objects.count for objects in owned):
            heir = await self._ask_heir(role, owned)
            if heir is None:
                return None
        operation = await roles.drop_operation(role.name, heir)
        if not await self.confirms(operation):
            return None
        return (await roles.drop(operation, role.name, heir)).sentence

    async def _ask_heir(self, role: Role, owned: Sequence[OwnedObjects]) -> str | None:
        """Who gets what the role owns, which is shown."""
        from console.dialogs.choose import Choice, ChooseDialog

        others = self._sample.roles if self._sample is not None else ()
        choices = [
            Choice(other.name, other.name, kind(other)[0])
            for other in others
            if other.name != role.name and not other.is_predefined
        ]
        what = " · ".join(f"{label}: {value}" for label, value in owned_lines(owned) if label)
        chosen = await self.app.push_screen_wait(
            ChooseDialog(f"{role.name} owns {what}. Who gets it?", choices, hint="a role")
        )
        return None if chosen is None else chosen.value


_FOR = {
    RoleTemplate.ANALYTICS: "SELECT in schemas",
    RoleTemplate.SERVICE: "reads and writes tables",
    RoleTemplate.MIGRATIONS: "CREATE in schemas",
    RoleTemplate.GROUP: "others join it",
}
