"""API keys: which there are, what is wrong with them, and one of them in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias
from uuid import UUID

from textual import on, work
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from console.models.accounts import AccountsSnapshot, Page, TrailFilter
from console.models.api_keys import ApiKey, KeyFilter, KeyFinding, KeyFindings
from console.screens.accounts_keys_columns import (
    beginning,
    finding_columns,
    finding_tone,
    key_columns,
    key_tone,
)
from console.screens.accounts_keys_filters import EVERYTHING, FILTERS, UNUSED_FOR, has, in_words, toggled
from console.screens.accounts_keys_text import key_sections
from console.screens.ends import check_length, read_length
from console.screens.paged import PAGE_SIZE, PagedPane, PagedTable, Position
from console.units import count
from console.widgets.detail import Section
from console.widgets.filter_bar import FilterBar
from console.widgets.live_table import LiveTable

View: TypeAlias = Literal["keys", "audit"]

HISTORY = 20
"""Rows of the trail about a key that are shown, the newest."""


class KeysList(PagedPane[ApiKey]):
    """The keys page by page, or what the audit of all keys has found."""

    TITLE = "API keys"
    NOUN = "keys"
    TABLE = "keys"
    FIND = "prefix, name or owner's e-mail: three characters at least"

    view: reactive[View] = reactive("keys")

    filter: KeyFilter = KeyFilter()
    """What was chosen; search and user are beside it."""
    owner: tuple[UUID, str] | None = None
    """The user whose keys alone are shown, and what a person knows them by."""
    alone: ApiKey | None = None
    """The one key that is shown."""

    def compose_list(self) -> Iterable[Widget]:
        yield PagedTable[ApiKey](
            key_columns(self.clock),
            lambda key: key.id,
            row_style=key_tone(self.clock),
            sortable=False,
            id="key-list",
        )
        findings = LiveTable[KeyFinding](
            finding_columns(self.clock), _finding_key, row_style=finding_tone, id="findings"
        )
        findings.display = False
        yield findings

    def on_mount(self) -> None:
        self.marked: dict[UUID, ApiKey] = {}
        """The marked keys, those of other pages included."""
        self._findings = KeyFindings(())
        self.query_one("#findings", LiveTable).sort_by("finding")

    # Which keys ---------------------------------------------------------------------------------------------------

    @property
    def chosen_filter(self) -> KeyFilter:
        """What is shown: what was chosen, of the user, with the search."""
        return replace(
            self.filter,
            user_id=self.owner[0] if self.owner is not None else None,
            search=self.searched,
        )

    async def fetch(self, position: Position) -> Page[ApiKey]:
        keys = self.services.accounts.keys
        if self.alone is not None:
            self.alone = await keys.get(self.alone.id)
            return Page((self.alone,), None, None, None)
        return await keys.page(
            self.chosen_filter, after=position.after, before=position.before, size=PAGE_SIZE
        )

    def label(self, row: ApiKey) -> str:
        return beginning(row)

    @property
    def choice(self) -> str:
        if self.alone is not None:
            return "this one alone"
        of = f"of {self.owner[1]}" if self.owner is not None else ""
        return " · ".join(words for words in (of, in_words(self.filter)) if words)

    def show_user(self, user_id: UUID, label: str) -> None:
        """Shows the keys of a user, all of them."""
        self._look_at(owner=(user_id, label))

    def show_key(self, key: ApiKey) -> None:
        """Shows one key alone, in full."""
        self._look_at(alone=key)
        self.detail_open = True

    def _look_at(self, *, owner: tuple[UUID, str] | None = None, alone: ApiKey | None = None) -> None:
        self.filter, self.owner, self.alone = KeyFilter(), owner, alone
        self.words = ""
        for bar in self.screen.query(FilterBar):
            bar.show_words("")
        self.view = "keys"
        self.start_again()

    def search(self, words: str) -> None:
        if self.view == "audit":
            self.words = words
            self.query_one("#findings", LiveTable).filter_text = words
        else:
            self.alone = None
            super().search(words)

    @work(group="menu", exclusive=True, exit_on_error=False)
    async def action_choose(self) -> None:
        """Choose which keys are shown. It has nothing that can fail."""
        from console.dialogs.choose import Choice, ChooseDialog

        choices = [Choice(EVERYTHING, f"  {EVERYTHING}", "what was chosen goes")]
        for words, changes in FILTERS.items():
            is_chosen = has(self.filter, changes)
            choices.append(
                Choice(words, f"{'●' if is_chosen else '○'} {words}", "chosen" if is_chosen else "")
            )
        choices.append(Choice(UNUSED_FOR, f"  {UNUSED_FOR}", "say how long"))
        chosen = await self.app.push_screen_wait(
            ChooseDialog("Which keys?", choices, hint="all of it has to hold")
        )
        if chosen is None:
            return
        if chosen.value == EVERYTHING:
            self.filter, self.owner = KeyFilter(), None
        elif chosen.value != UNUSED_FOR:
            self.filter = toggled(self.filter, FILTERS[chosen.value])
        elif not await self._ask_how_long():
            return
        self.alone = None
        self.view = "keys"
        self.start_again()

    async def _ask_how_long(self) -> bool:
        from console.dialogs.form import Field, FormDialog

        answer = await self.app.push_screen_wait(
            FormDialog(
                "Keys that were not used for", [Field("length", "how long", "90 d", check=check_length)]
            )
        )
        if answer is None:
            return False
        self.filter = replace(self.filter, unused_for=read_length(answer["length"]))
        return True

    def back(self) -> bool:
        if super().back():
            return True
        if self.view == "audit":
            self.view = "keys"
            return True
        if self.words or (self.alone is None and not self.choice):
            return False
        self._look_at()
        return True

    # What is wrong with them --------------------------------------------------------------------------------------

    def action_audit(self) -> None:
        """Look for what is wrong with any of the keys, or show the keys again."""
        self.view = "audit" if self.view == "keys" else "keys"

    def watch_view(self) -> None:
        if not self.is_mounted:
            return
        is_audit = self.view == "audit"
        self.detail_open = False
        self.query_one("#key-list").display = not is_audit
        self.query_one("#findings").display = is_audit
        self.table.focus()
        if is_audit:
            self.table.filter_text = self.words
            self.table.show_when_empty(Content("Every key is looked at …"))
            self.show_line("what is wrong with keys")
        self.reload()

    def take(self, snapshot: AccountsSnapshot) -> None:
        # Every key is looked at for the audit: that is not done again by itself.
        if self.view == "audit" and self.missing(snapshot) is None:
            self.snapshot = snapshot
        else:
            super().take(snapshot)

    async def load(self) -> None:
        if self.view == "keys":
            await super().load()
            return
        self._findings = await self.services.accounts.keys.audit()
        self.table.show_when_empty(Content("● Nothing is wrong with any key."))
        self.table.update_rows(self._findings.rows)
        self._show_marks()

    @on(LiveTable.RowSelected, "#findings")
    def _go_to_key(self, event: LiveTable.RowSelected) -> None:
        event.prevent_default()  # no detail of a finding: its key has one
        self.show_key(event.row.key)

    # Marks --------------------------------------------------------------------------------------------------------

    @property
    def key(self) -> ApiKey | None:
        """The key under the cursor."""
        row = self.table.cursor_row
        return row.key if isinstance(row, KeyFinding) else row if isinstance(row, ApiKey) else None

    def action_mark(self) -> None:
        """Mark the key, or remove its mark, and go to the next one."""
        if (key := self.key) is None:
            return
        if self.marked.pop(key.id, None) is None:
            self.marked[key.id] = key
        self._show_marks()
        self.table.action_move_cursor(1)

    def action_unmark(self) -> None:
        """Remove every mark."""
        self.marked.clear()
        self._show_marks()

    def _show(self, page: Page[ApiKey]) -> None:
        super()._show(page)
        self._show_marks()

    def _show_marks(self) -> None:
        """Draws the marks again, which a table forgets with the rows of a page, and says how many there are."""
        if self.view == "audit":
            self.table.mark(_finding_key(one) for one in self._findings.rows if one.key.id in self.marked)
            number = len(self._findings.rows)
            words = [
                f"{count(number)} finding{'' if number == 1 else 's'}",
                *(cut.sentence for cut in self._findings.cut),
                "enter goes to the key",
                "a: the keys again",
            ]
            self.show_line(self._marked_words + Content(" · ".join(words)))
        else:
            self.table.mark(self.marked)
            if self.page is not None:
                self.show_line(self.line_about(self.page))

    def line_about(self, page: Page[ApiKey]) -> Content:
        return self._marked_words + super().line_about(page)

    @property
    def _marked_words(self) -> Content:
        if not self.marked:
            return Content("")
        return Content.styled(f"{count(len(self.marked))} marked", "bold $accent") + Content(" · ")

    # The detail ---------------------------------------------------------------------------------------------------

    async def describe(self, row: Any) -> tuple[str, Sequence[Section]]:
        accounts = self.services.accounts
        key = await accounts.keys.get(row.id)
        tables = self.snapshot.tables if self.snapshot is not None else None
        history = None
        if tables is not None and tables.trail is not None:
            page = await accounts.trail.page(TrailFilter(resource=str(key.id)), size=HISTORY)
            history = page.rows
        return f"{key.name or '(unnamed)'} of {key.owner}", key_sections(key, history, self.clock.now())


def _finding_key(found: KeyFinding) -> tuple[str, UUID]:
    return found.kind.name, found.key.id
