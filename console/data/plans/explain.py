"""Asks a server for plans, on a connection of its own and in a transaction that only reads and is rolled back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from console.data.identifiers import in_quotes, literal, quoted
from console.data.plans.rewriting import (
    Rewritten,
    as_text,
    for_the_parser,
    parameter_in,
    unknown_word,
    with_one_number_for_one_value,
    without_gaps,
)
from console.data.plans.statement_text import cut_off, read
from console.data.plans.tokens import are, tokens_of
from console.data.queries import OWN_MARK, query
from console.errors import OperationRefused, QueryDenied

_MOST_REWRITINGS = 30
GENERIC_PLAN = 16
"""The first version whose EXPLAIN plans for parameters without values."""
_READ_ALL_DATA = 14
"""The first version that has the role `pg_read_all_data`."""
_OPTIONS = "VERBOSE, SETTINGS, SUMMARY, FORMAT JSON"
_PRUNED = re.compile(r'"Subplans Removed": [1-9]')
"""In EXPLAIN's JSON, where partitions were left out as it began."""
_NEEDED = re.compile(r"permission denied for (schema|table|view|materialized view|foreign table) (.+)")
_KEEP_PLAN = f"""DO $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE current_setting('dbconsole.statement') LOOP
        plan := plan || line || E'\\n';
    END LOOP;
    PERFORM set_config('dbconsole.plan', plan, true);
END $$ {OWN_MARK}"""
"""With values bound to them, even NULL, parameters would be planned for those: here they have none."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that the server's parser has taken."""

    text: str
    parameters: tuple[str, ...]
    """The types of its parameters, by the server's own names."""
    notes: tuple[str, ...]


class Explainer:
    """Plans statements as one role, in one transaction."""

    def __init__(self, connection: asyncpg.Connection[Any], kept_text: int, has_plpgsql: bool) -> None:
        self.connection = connection
        self.role = ""
        self.pid = 0
        """Of the backend that it is asked of."""
        self.search_path = ""
        self.keeps_partitions = False
        """Whether the plan has partitions that a value of a parameter would have left out."""
        self.role_note = ""
        """Why the role is not the one that was asked for."""
        self.script: tuple[str, ...] = ()
        """How the role and its settings were taken on, as psql takes it."""
        self.own_settings: set[str] = set()
        """Planner settings that were made for the console's own ends."""
        self.major: int = connection.get_server_version().major
        self.plans_without_values = self.major >= GENERIC_PLAN and has_plpgsql
        """Whether a generic plan can be asked for as such."""
        self._kept_text = kept_text
        self._whose = ""
        self._prepared: list[str] = []
        self._has_looked_for_pruning = False

    @classmethod
    @asynccontextmanager
    async def on(cls, connection: asyncpg.Connection[Any], user: str) -> AsyncIterator[Explainer]:
        """Plans as this role, where the connection's may take it on, and rolls back at the end."""
        transaction = connection.transaction(readonly=True)
        await transaction.start()
        (found,) = await connection.fetch(query("plan_role", connection.get_server_version().major), user)
        explainer = cls(connection, found["kept_text"], found["has_plpgsql"])
        await explainer._become(user, found)
        yield explainer
        # After an error, closing the connection does both. A rollback forgets no statement, and a pooler may give the
        # session to somebody else.
        if explainer._prepared:
            await connection.execute("; ".join(f"DEALLOCATE {name}" for name in explainer._prepared))
        await transaction.rollback()

    async def _become(self, user: str, found: asyncpg.Record) -> None:
        self.role, self.pid = found["own_role"], found["pid"]
        if user != self.role:
            for name, value in zip(found["names"], found["values"], strict=True):
                if not found["may_take"]:
                    value = value.replace('"$user"', in_quotes(user))
                await self._set(name, value)
                # The search path is a list of names already.
                shown = value if name == "search_path" and value else literal(value)
                self.script += (f"SET LOCAL {quoted(name)} = {shown}",)
            if found["may_take"]:
                await self.connection.execute(f"SET LOCAL ROLE {quoted(user)} {OWN_MARK}")
                self.script += (f"SET LOCAL ROLE {quoted(user)}",)
                self.role = user
            elif found["is_there"]:
                self._whose = user
                self.role_note = f"Planned as {self.role}, with the search path of {user}"
                if found["is_powerful"]:
                    self.role_note += "."
                else:
                    self.role_note += (
                        ": the console's role may not take on that one; "
                        f"GRANT {quoted(user)} TO {quoted(self.role)} allows it."
                    )
            else:
                self.role_note = f"Planned as {self.role}: the role that ran the statement is not there."
        self.search_path = await self.connection.fetchval(f"SELECT current_setting('search_path') {OWN_MARK}")

    async def _set(self, name: str, value: str) -> None:
        await self.connection.fetchval(f"SELECT set_config($1, $2, true) {OWN_MARK}", name, value)

    async def _set_own(self, name: str, value: str) -> None:
        self.own_settings.add(name)
        await self._set(name, value)

    # The text ---------------------------------------------------------------------------------------------------

    async def prepare(self, text: str) -> Prepared:
        """Has the server parse a statement, which never runs it, and finds out the types of its parameters.

        What `pg_stat_statements` has made of a text is undone where the parser does not take it.

        Raises `OperationRefused` where it is not one whole statement, or what the driver raises.
        """
        notes: tuple[str, ...] = ()
        better: Rewritten | None = await asyncio.to_thread(for_the_parser, text, self.major)
        problem: asyncpg.PostgresError | None = None
        for _ in range(_MOST_REWRITINGS):
            if better is None:
                break
            text, notes = better.text, notes + better.notes
            try:
                async with self.connection.transaction():
                    statement = await self.connection.prepare(text)
                    types = tuple(_type_name(parameter) for parameter in statement.get_parameters())
            except asyncpg.PostgresError as error:
                problem = error
                better = await asyncio.to_thread(_mended, text, error)
            else:
                return Prepared(text, types, notes + self._doubt(text))
        assert problem is not None, "the first try comes before any"
        self._refuse(problem, text)
        raise problem

    def _doubt(self, text: str) -> tuple[str, ...]:
        """A note on a text that is as long as what the server keeps of one, which it cuts between characters."""
        if not 0 < self._kept_text - len(text.encode()) <= 4:
            return ()
        return (
            "The text is as long as the server keeps one of a running statement "
            f"(track_activity_query_size, {self._kept_text:,} bytes): its end may be missing.",
        )

    def _refuse(self, problem: asyncpg.PostgresError, text: str) -> None:
        said = str(problem)
        if isinstance(problem, asyncpg.PostgresSyntaxError):
            if "multiple commands" in said:
                raise OperationRefused(
                    "The text is more than one statement, and EXPLAIN takes one."
                ) from problem
            if "at end of input" in said or "unterminated" in said or self._doubt(text):
                raise OperationRefused(cut_off(self._kept_text)) from problem
        if isinstance(problem, asyncpg.InsufficientPrivilegeError):
            raise self._denied(problem, text) from problem
        if self.role_note and isinstance(problem, asyncpg.UndefinedTableError):
            raise QueryDenied(f"The server says: {said}. {self.role_note}") from problem
        if isinstance(problem, asyncpg.AmbiguousFunctionError):
            raise OperationRefused(
                f"Several functions fit, as the text does not tell of which type their parameters are: "
                f"{problem.args[0]}. Take the plan of a running session, whose text has the values, or give a text with "
                "casts ($1::date)."
            ) from problem
        if isinstance(problem, asyncpg.IndeterminateDatatypeError):
            raise OperationRefused(f"The server cannot tell what the parameters are: {said}.") from problem

    def _denied(self, problem: asyncpg.PostgresError, text: str) -> QueryDenied:
        """The server's words, as whom it was planned, and the least that would allow it."""
        why = f", because {self.role} may not become {self._whose}" if self._whose else ""
        sentence = f"The server says: {problem.args[0]}. It was planned as {self.role}{why}."
        match = _NEEDED.search(str(problem.args[0]))
        if match is None or not read(text).effect.reads_only:
            return QueryDenied(sentence)
        kind, name = match.groups()
        if kind == "schema":
            right = f"USAGE ON SCHEMA {quoted(name)}"
        else:
            right = f"SELECT ON {_as_written(name, text)}"
        role = quoted(self.role)
        all_data = f", or GRANT pg_read_all_data TO {role}," if self.major >= _READ_ALL_DATA else ""
        return QueryDenied(f"{sentence} GRANT {right} TO {role}{all_data} allows it.")

    # The plan ---------------------------------------------------------------------------------------------------

    async def explain(self, prepared: Prepared) -> str:
        """The plan as JSON, without running the statement."""
        try:
            return await self._explain(prepared)
        except asyncpg.InsufficientPrivilegeError as problem:
            raise self._denied(problem, prepared.text) from problem

    async def _explain(self, prepared: Prepared) -> str:
        if not prepared.parameters:
            (statement,) = statements_of_plan(prepared.text, 0, without_values=True)
            return await self._lines(statement)
        if self.plans_without_values:
            (statement,) = statements_of_plan(prepared.text, len(prepared.parameters), without_values=True)
            await self._set("dbconsole.statement", statement)
            await self.connection.execute(_KEEP_PLAN)
            plan: str = await self.connection.fetchval(f"SELECT current_setting('dbconsole.plan') {OWN_MARK}")
            if '"Subplans Removed"' in plan and not self._has_looked_for_pruning:
                self._has_looked_for_pruning = True
                self.keeps_partitions = await self._prunes(prepared)
            return plan.rstrip("\n")
        await self._set_own("plan_cache_mode", "force_generic_plan")
        plan = await self._explain_prepared(prepared)
        if _PRUNED.search(plan):  # NULL is in no partition's bounds
            await self._set_own("enable_partition_pruning", "off")
            plan = await self._explain_prepared(prepared)
            self.keeps_partitions = True
        return plan

    async def _prunes(self, prepared: Prepared) -> bool:
        """Whether partitions are left out when the statement begins with a value: NULL, which is in none."""
        transaction = self.connection.transaction()
        await transaction.start()
        await self._set("plan_cache_mode", "force_generic_plan")
        try:
            is_pruned = _PRUNED.search(await self._explain_prepared(prepared)) is not None
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError):  # a domain that is never null
            is_pruned = False
        await transaction.rollback()
        return is_pruned

    async def _explain_prepared(self, prepared: Prepared) -> str:
        # Prepared anew each time: an index that is there for a moment gives no new plan to an old one. Not with
        # `execute`, which takes several statements.
        name = f"dbconsole_plan_{len(self._prepared) + 1}"
        _setting, prepare, explain = statements_of_plan(
            prepared.text, len(prepared.parameters), without_values=False, name=name
        )
        await self.connection.fetch(prepare)
        self._prepared.append(name)
        return await self._lines(explain)

    async def analyze(self, prepared: Prepared, values: Sequence[str | None], limit: float) -> str:
        """The plan as JSON, after the statement has run. `limit` is in seconds."""
        await self._set("statement_timeout", f"{limit * 1000:.0f}")
        if values:
            self.own_settings.add("plan_cache_mode")
        *first, last = statements_of_analysis(prepared.text, values)
        for statement in first:
            await self.connection.fetch(statement)
        if first:
            self._prepared.append("dbconsole_plan")
        return await self._lines(last, limit + 5)

    async def check_values(self, parameters: Sequence[str], values: Sequence[str | None]) -> None:
        """Raises `OperationRefused` for a value that a parameter cannot have; these are the types of the parameters."""
        for number, (type_, value) in enumerate(zip(parameters, values, strict=True), 1):
            if value is None:
                continue
            try:
                async with self.connection.transaction():
                    await self.connection.fetch(f"SELECT {literal(value)}::{type_} {OWN_MARK}")
            except asyncpg.PostgresError as problem:
                if isinstance(problem, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
                    raise
                raise OperationRefused(
                    f"The value of ${number} does not fit: {problem.args[0]}."
                ) from problem

    async def _lines(self, statement: str, limit: float | None = None) -> str:
        rows = await self.connection.fetch(statement, timeout=limit)
        return "\n".join(row[0] for row in rows)


def statements_of_plan(
    text: str, parameters: int, *, without_values: bool, name: str = "dbconsole_plan"
) -> tuple[str, ...]:
    """What tells the plan of a statement with so many parameters.

    `without_values`: whether the server plans for parameters that have none.
    """
    if not parameters:
        return (f"EXPLAIN ({_OPTIONS}) {text}\n{OWN_MARK}",)
    if without_values:
        return (f"EXPLAIN (GENERIC_PLAN, {_OPTIONS}) {text}\n{OWN_MARK}",)
    nothing = ", ".join(["NULL"] * parameters)
    return (
        f"SET LOCAL plan_cache_mode = force_generic_plan {OWN_MARK}",
        f"PREPARE {name} AS {text}\n{OWN_MARK}",
        f"EXPLAIN ({_OPTIONS}) EXECUTE {name}({nothing}) {OWN_MARK}",
    )


def statements_of_analysis(text: str, values: Sequence[str | None]) -> tuple[str, ...]:
    """What runs a statement and tells its plan; where it has parameters it is prepared first."""
    options = "ANALYZE, BUFFERS, VERBOSE, SETTINGS, FORMAT JSON"
    if not values:
        return (f"EXPLAIN ({options}) {text}\n{OWN_MARK}",)
    literals = ", ".join("NULL" if value is None else literal(value) for value in values)
    return (
        f"SET LOCAL plan_cache_mode = force_custom_plan {OWN_MARK}",
        f"PREPARE dbconsole_plan AS {text}\n{OWN_MARK}",
        f"EXPLAIN ({options}) EXECUTE dbconsole_plan({literals}) {OWN_MARK}",
    )


def _as_written(relation: str, text: str) -> str:
    """A relation with the schema that a statement names it with, if any."""
    tokens = tokens_of(text).tokens
    for place, token in enumerate(tokens):
        if token.is_name and token.identifier == relation and are(tokens, place - 1, ".") and place > 1:
            return f"{quoted(tokens[place - 2].identifier)}.{quoted(relation)}"
    return quoted(relation)


def _type_name(type_: Any) -> str:
    element = type_.name.removesuffix("[]")
    name = quoted(element) + type_.name.removeprefix(element)
    return name if type_.schema == "pg_catalog" else f"{quoted(type_.schema)}.{name}"


def _mended(text: str, problem: asyncpg.PostgresError) -> Rewritten | None:
    """A text that might pass where one did not; None where nothing is to be done."""
    match problem:
        case asyncpg.PostgresSyntaxError() if problem.position:
            return unknown_word(text, int(problem.position))
        case asyncpg.IndeterminateDatatypeError():
            parameter = parameter_in(str(problem))
            return (as_text(text, parameter) if parameter else None) or without_gaps(text)
        case asyncpg.GroupingError():
            return with_one_number_for_one_value(text)
    return None
