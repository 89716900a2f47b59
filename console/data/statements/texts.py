"""The texts of statements, each asked for once: the server reads its whole file of texts for any of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from console.clock import Clock
from console.data.server import Server
from console.data.statements.kinds import HIDDEN, kind_of, without_passwords
from console.models.statements import StatementKey, StatementKind

BEGINNING = 1000
"""Characters of a text that a screen keeps: of 5,000 statements 5 MB."""
AT_ONCE = 1000
"""Texts that are asked for at once."""
SHARE = 200
"""A reading of texts may take up to this part of the time until the next one."""


class Text(NamedTuple):
    """What is kept of a statement's text."""

    beginning: str
    kind: StatementKind
    is_own: bool
    is_whole: bool = True
    """Whether the beginning is all of it."""


class Texts:
    """Texts by user, database and identifier: nested calls of a statement share the text of direct ones."""

    def __init__(self, server: Server, clock: Clock, length: int) -> None:
        self._server = server
        self._clock = clock
        self._length = length
        self._texts: dict[StatementKey, Text] = {}
        self._by_id: dict[int, str] = {}
        self._not_before = 0.0

    def __getitem__(self, key: StatementKey) -> Text | None:
        return self._texts.get(key if key.is_toplevel else key._replace(is_toplevel=True))

    def by_id(self, query_id: int) -> str | None:
        """The beginning of a text by the identifier alone."""
        return self._by_id.get(query_id)

    def hurry(self) -> None:
        """A person wants to see other statements: their texts need not wait."""
        self._not_before = 0.0

    async def ask(self, wanted: Iterable[StatementKey], schema: str) -> bool:
        """Asks for those of the texts that are not there, the first ones first, unless it was done a moment ago.

        Returns whether anything came. Raises `ConnectionLost` or `QueryFailed`.
        """
        missing = [key for key in wanted if self[key] is None][:AT_ONCE]
        began = self._clock.monotonic()
        if not missing or began < self._not_before:
            return False
        rows = await self._server.fetch(
            "statements_texts",
            [str(id_) for id_ in {key.query_id for key in missing}],
            self._length,
            identifiers={"schema": schema},
        )
        self._not_before = began + (self._clock.monotonic() - began) * SHARE
        self._keep(rows)
        for key in missing:  # the server has lost its file of texts, or the statement itself by now
            self._texts.setdefault(key._replace(is_toplevel=True), Text("", StatementKind.UNKNOWN, False))
        return True

    def keep_only(self, keys: Collection[StatementKey]) -> None:
        """Drops texts of statements that are gone, once they are as many as those that are there."""
        if len(self._texts) > 2 * len(keys) + AT_ONCE:
            present = {key._replace(is_toplevel=True) for key in keys}
            self._texts = {key: text for key, text in self._texts.items() if key in present}
            self._by_id = {key.query_id: text.beginning for key, text in self._texts.items()}

    def _keep(self, rows: Sequence[Any]) -> None:
        for row in rows:
            key = StatementKey(row["query_id"], row["user_id"], row["database_id"])
            text = without_passwords(row["text"] or "")
            self._texts[key] = Text(text, kind_of(text), bool(row["is_own"]), len(text) < self._length)
            self._by_id[key.query_id] = text


HIDDEN_TEXT = Text(HIDDEN, StatementKind.UNKNOWN, False)
"""Of what is not for this role."""
