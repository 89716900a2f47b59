"""The tab of API keys: making, rotating, revoking and extending them, and learning what a pasted one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from textual import work
from textual.binding import Binding, BindingType

from console.data.accounts.key_drafts import checked_permissions, checked_reason
from console.dialogs.form import Field, FormDialog
from console.errors import BadInput, DbconsoleError, OperationRefused
from console.models.accounts import User, UserState
from console.models.api_keys import ApiKey, KeyDraft, KeyFilter
from console.models.operation import Operation
from console.screens.accounts_keys_columns import beginning
from console.screens.accounts_keys_list import KeysList
from console.screens.ends import HOW_TO_SAY, check_end, check_length, read_end, read_length

if TYPE_CHECKING:
    from console.dialogs.choose import Choice
    from console.dialogs.scopes import Permissions

OWNERS = 20
"""Users that are offered as the owner of a key at a time."""

USUAL_LIFE = "90 d"
USUAL_GRACE = "24 h"

NEVER_ENDS = "It never ends: if it leaks, it opens what it opens until somebody notices. A key with an end can be rotated."


class KeysPane(KeysList):
    """All that can be done with keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "new", id="accounts.keys.new", tooltip="Create a key, which is shown once"),
        Binding("g", "rotate", "rotate", id="accounts.keys.rotate", tooltip="Put a new key in the place of this one, which goes on for a grace period"),
        Binding("x", "revoke", "revoke", id="accounts.keys.revoke", tooltip="Revoke the key now, for a reason"),
        Binding("f", "choose", "which", id="accounts.keys.choose", tooltip="Choose which keys are shown: expired, never used, admin …"),
        Binding("a", "audit", "check", id="accounts.keys.audit", tooltip="What is wrong with keys: predictable, stale, of nobody …; again: the keys"),
        Binding("v", "verify", "verify", id="accounts.keys.verify", tooltip="Paste a key to learn whether it is one, and whose"),
        Binding("m", "mark", "mark", id="accounts.keys.mark", tooltip="Mark the key, or remove its mark"),
        Binding("c", "scopes", "scopes", id="accounts.keys.scopes", tooltip="Change what the key may do"),
        Binding("E", "extend", "extend", id="accounts.keys.extend", tooltip="Give the key a later end"),
        Binding("X", "revoke_all", "revoke all", id="accounts.keys.revoke-all", tooltip="Revoke all marked keys, else all that are found"),
        Binding("M", "unmark", "unmark all", show=False, id="accounts.keys.unmark", tooltip="Remove every mark"),
        *KeysList.BINDINGS,
    ]  # fmt: skip

    # Learning -----------------------------------------------------------------------------------------------------

    @work(group="menu", exclusive=True, exit_on_error=False)
    async def action_verify(self) -> None:
        """Learn what a pasted key is. Problems are said in the dialog."""
        from console.dialogs.paste_key import PasteKeyDialog

        found = await self.app.push_screen_wait(PasteKeyDialog(self.services.accounts.keys.verdict))
        if found is not None:
            self.show_key(found)

    def _chosen(self) -> ApiKey:
        if (key := self.key) is None:
            raise OperationRefused("There is no key here.")
        return key

    # Making -------------------------------------------------------------------------------------------------------

    def action_new(self) -> None:
        """Create a key."""
        self.change(self._create)

    async def _create(self) -> str | None:
        from console.dialogs.created_key import CreatedKeyDialog

        keys = self.services.accounts.keys
        owner = self.owner or await self._ask_owner()
        if owner is None:
            return None
        user_id, label = owner
        permissions: Permissions | None = None
        typed: Mapping[str, str] = {
            "environment": self.services.settings.environment or "",
            "expires": USUAL_LIFE,
        }
        problem = ""
        while True:
            values = await self.app.push_screen_wait(
                FormDialog(f"A new key of {label}", self._fields(typed), problem=problem)
            )
            if values is None:
                return None
            typed = values
            permissions = await self._ask_scopes(f"What may {values['name']} do?", permissions)
            if permissions is None:
                return None
            draft = KeyDraft(
                user_id,
                values["name"],
                permissions=permissions.document,
                expires_at=read_end(values["expires"], self.clock.now()),
                environment=values["environment"] or None,
            )
            try:
                operation = _warned(await keys.create_operation(draft), draft.expires_at)
                if not await self.confirms(operation):
                    return None
                created = await keys.create(operation, draft)
            except (BadInput, OperationRefused) as refusal:
                problem = refusal.sentence
                continue
            await self.app.push_screen_wait(CreatedKeyDialog(created))
            return f"{beginning(created.row)} of {created.row.owner} was created."

    def _fields(self, values: Mapping[str, str]) -> list[Field]:
        return [
            Field("name", "name", values.get("name", ""), "what uses it: ci-deploy", check=_is_named),
            Field("environment", "environment", values["environment"], "production, staging …"),
            Field("expires", f"expires: {HOW_TO_SAY}", values["expires"], check=check_end(self.clock.now())),
        ]

    async def _ask_owner(self) -> tuple[UUID, str] | None:
        from console.dialogs.choose import ChooseDialog

        chosen = await self.app.push_screen_wait(
            ChooseDialog("Whose key?", find=self._find_owners, hint="e-mail, username or name")
        )
        return None if chosen is None else (chosen.value, chosen.name)

    async def _find_owners(self, words: str) -> list[Choice[UUID]]:
        from console.dialogs.choose import Choice

        page = await self.services.accounts.users.page(search=words, state=UserState.ACTIVE, size=OWNERS)
        return [Choice(user.id, user.label, _also(user)) for user in page.rows]

    async def _ask_scopes(self, question: str, permissions: Permissions | None) -> Permissions | None:
        """What a key may do; nothing, unasked, in an installation that does not keep that."""
        from console.dialogs.scopes import Permissions, ScopesDialog

        try:
            known = await self.services.accounts.keys.known_scopes()
        except OperationRefused:
            return Permissions({"scopes": []})
        document = None if permissions is None else permissions.document
        return await self.app.push_screen_wait(ScopesDialog(question, document, known, _check_permissions))

    def action_rotate(self) -> None:
        """Put a new key in the place of this one."""
        self.change(self._rotate)

    async def _rotate(self) -> str | None:
        from console.dialogs.created_key import CreatedKeyDialog

        keys, key = self.services.accounts.keys, self._chosen()
        values = await self.app.push_screen_wait(
            FormDialog(
                f"Rotate {beginning(key)} of {key.owner}",
                [
                    Field(
                        "grace",
                        "how long the old key goes on working (0 h: not at all)",
                        USUAL_GRACE,
                        check=check_length,
                    )
                ],
            )
        )
        if values is None:
            return None
        grace = read_length(values["grace"])
        operation = await keys.rotate_operation(key, grace)
        if not await self.confirms(operation):
            return None
        created = await keys.rotate(operation, key, grace)
        await self.app.push_screen_wait(CreatedKeyDialog(created))
        return f"{beginning(created.row)} has taken the place of {beginning(key)}."

    # Changing -----------------------------------------------------------------------------------------------------

    def action_extend(self) -> None:
        """Give the key a later end."""
        self.change(self._extend)

    async def _extend(self) -> str | None:
        from console.data.accounts.key_changes import check_extendable

        keys, key = self.services.accounts.keys, self._chosen()
        check_extendable(key, self.clock.now())
        field = Field("expires", f"expires: {HOW_TO_SAY}", USUAL_LIFE, check=check_end(self.clock.now()))
        values = await self.app.push_screen_wait(
            FormDialog(f"Extend {beginning(key)} of {key.owner}", [field])
        )
        if values is None:
            return None
        expires_at = read_end(values["expires"], self.clock.now())
        operation = _warned(await keys.extend_operation(key, expires_at), expires_at)
        if not await self.confirms(operation):
            return None
        return (await keys.extend(operation, key, expires_at)).sentence

    def action_scopes(self) -> None:
        """Change what the key may do."""
        self.change(self._change_scopes)

    async def _change_scopes(self) -> str | None:
        from console.dialogs.scopes import Permissions

        keys, key = self.services.accounts.keys, self._chosen()
        before = Permissions(key.permissions)
        answer = await self._ask_scopes(f"What may {beginning(key)} of {key.owner} do?", before)
        if answer is None:
            return None
        if answer == before:
            self.say("It may do what it could do before: nothing is changed.")
            return None
        operation = await keys.permissions_operation(key, answer.document)
        if not await self.confirms(operation):
            return None
        return (await keys.set_permissions(operation, key, answer.document)).sentence

    # Revoking -----------------------------------------------------------------------------------------------------

    async def _ask_reason(self, title: str) -> str | None:
        field = Field(
            "reason", "why, for the audit trail", placeholder="leaked, no longer used …", check=_is_reason
        )
        values = await self.app.push_screen_wait(FormDialog(title, [field]))
        return None if values is None else values["reason"]

    def action_revoke(self) -> None:
        """Revoke the key."""
        self.change(self._revoke)

    async def _revoke(self) -> str | None:
        from console.data.accounts.key_revoking import revocable

        keys, key = self.services.accounts.keys, self._chosen()
        revocable([key])
        reason = await self._ask_reason(f"Revoke {beginning(key)} of {key.owner}")
        if reason is None:
            return None
        operation = await keys.revoke_operation([key], reason)
        if not await self.confirms(operation):
            return None
        return (await keys.revoke(operation, [key], reason)).sentence

    def action_revoke_all(self) -> None:
        """Revoke all marked keys, else all that are found."""
        self.change(self._revoke_all)

    async def _revoke_all(self) -> str | None:
        from console.data.accounts.key_revoking import revocable
        from console.dialogs.progress import ProgressDialog

        keys = self.services.accounts.keys
        wanted: KeyFilter | tuple[UUID, ...] = tuple(self.marked) or self._found()
        if self.marked:
            revocable(self.marked.values())
        elif self.page is not None and self.page.before is None and self.page.after is None:
            revocable(self.page.rows)
        number = (
            f"the {len(self.marked)} marked keys" if self.marked else f"all keys {self.choice or self.words}"
        )
        reason = await self._ask_reason(f"Revoke {number}")
        if reason is None:
            return None
        revocation = await keys.bulk_revoke_operation(wanted, reason)
        if not await self.confirms(revocation.operation):
            return None
        outcome = await self.app.push_screen_wait(
            ProgressDialog(revocation.operation.title, partial(keys.bulk_revoke, revocation), self.clock)
        )
        if isinstance(outcome, DbconsoleError):
            raise outcome
        if outcome is None:
            raise OperationRefused("Cancelled: no key was revoked.")
        self.marked.clear()
        return outcome.sentence

    def _found(self) -> KeyFilter:
        """What is shown, where that is a choice."""
        if self.view == "audit" or self.alone is not None or self.chosen_filter == KeyFilter():
            raise OperationRefused("Mark keys with m, or choose which with f: X revokes all of them.")
        return self.chosen_filter


def _is_named(text: str) -> str | None:
    return None if text else "A key needs a name: what uses it."


def _is_reason(text: str) -> str | None:
    try:
        checked_reason(text)
    except BadInput as problem:
        return problem.sentence
    return None


def _also(user: User) -> str:
    return " · ".join(word for word in (user.username, user.name) if word and word != user.label)


def _check_permissions(document: Any) -> object:
    return checked_permissions(KeyDraft(UUID(int=0), "", permissions=document))


def _warned(operation: Operation, expires_at: datetime | None) -> Operation:
    """With what is to be considered where a key shall never end."""
    if expires_at is not None:
        return operation
    return replace(operation, consequences=(*operation.consequences, NEVER_ENDS))
