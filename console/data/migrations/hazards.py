"""What the statements of a plan would do to those who use the database meanwhile.

squawk knows which statements are dangerous, the server how much is at stake: each hazard carries the lock that its
statement takes and what the table weighs at this moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg

from console.data.migrations.ddl import Name, Names, Reader
from console.data.migrations.locks import lock_of
from console.data.migrations.squawk import UNREADABLE, Finding, Place, lint
from console.data.migrations.table_lock import TableLock, Work, strength
from console.data.server import Server
from console.errors import ConnectionLost
from console.models.migrations import Hazard, Plan, PlannedStep, TableWeight

LOCK_RULE = "lock"
"""The rule of a hazard that is squawk's in no rule: a strong lock on a heavy table."""

_OF_THE_STATEMENT = {UNREADABLE, "ban-concurrent-index-creation-in-transaction", "identifier-too-long"}
"""Rules about the statement itself, whatever it is run on."""
_OF_BOTH_TABLES = "adding-foreign-key-constraint"


class _Held(NamedTuple):
    """A lock on a table that is there."""

    mode: str
    work: Work
    weight: TableWeight
    is_named: bool
    """The statement names the table; otherwise a foreign key leads to it."""

    @property
    def importance(self) -> tuple[bool, int, int]:
        """Orders the locks of one statement: the one to show for it is the largest."""
        return self.is_named, strength(self.mode), self.weight.bytes

    @property
    def is_felt(self) -> bool:
        """Whether it keeps others from writing, or from reading too, and there are others or enough to wait for."""
        return strength(self.mode) >= strength("Share") and _is_heavy(self.weight)


async def hazards(plan: Plan, server: Server) -> tuple[Hazard, ...]:
    """The hazards of a plan in the order in which it runs, but those first that people would notice.

    What only concerns tables that the plan itself makes is none: nobody uses them yet.

    Raises `DbconsoleError` where squawk cannot be run, `ConnectionLost` or `QueryFailed`.
    """
    if server.capabilities is None:
        raise ConnectionLost(server.link.problem)
    findings = await lint(plan, server.capabilities.major)
    locks = _locks(plan)
    live = await _Live.read(server, {name for found in locks.values() for name, _ in found if name})
    found = []
    for number, step in enumerate(plan.steps):
        for index, statement in enumerate(step.statements):
            place = Place(number, index)
            held = live.held(statement.text, locks[place])
            # The first of the locks is that on the table which the statement is about.
            is_new = bool(locks[place]) and not live.has(locks[place][0][0])
            found += _hazards(step, index, findings.get(place, ()), held, is_new)
    return tuple(sorted(found, key=lambda hazard: not hazard.is_heavy))


def _locks(plan: Plan) -> dict[Place, list[tuple[Name | None, TableLock]]]:
    """The locks of each statement, with what the database calls the table now; None where the plan makes it."""
    names = Names()
    found = {}
    for number, step in enumerate(plan.steps):
        for index, statement in enumerate(step.statements):
            locks = lock_of(statement.text)
            found[Place(number, index)] = [(names.before(lock.table), lock) for lock in locks]
            names.read(statement.text)
    return found


class _Live:
    """The tables of a plan as they are."""

    def __init__(self, names: Sequence[Name], rows: Sequence[asyncpg.Record]) -> None:
        self._by_name: Mapping[Name | None, asyncpg.Record] = {
            names[place - 1]: row for row in rows for place in row["places"]
        }
        self._by_oid: Mapping[int, asyncpg.Record] = {row["oid"]: row for row in rows}

    @classmethod
    async def read(cls, server: Server, names: set[Name]) -> _Live:
        """Asks the server, in one round trip."""
        asked = sorted(names, key=str)
        schemas, relations = [name.schema or "" for name in asked], [name.name for name in asked]
        return cls(asked, await server.fetch("table_weights", schemas, relations) if asked else [])

    def has(self, name: Name | None) -> bool:
        """Whether there is such a table now."""
        return name in self._by_name

    def held(self, text: str, locks: list[tuple[Name | None, TableLock]]) -> list[_Held]:
        """The locks of a statement on tables that are there, the most important first."""
        found: dict[int, _Held] = {}
        for name, lock in locks:
            row = self._by_name.get(name)
            if row is None:
                continue
            for oid in self._led_to(row, text):
                led_to = _Held(lock.mode, Work.BRIEF, _weight(self._by_oid[oid]), is_named=False)
                found.setdefault(oid, led_to)
            found[row["oid"]] = _Held(lock.mode, lock.work, _weight(row), is_named=True)
        return sorted(found.values(), key=lambda held: held.importance, reverse=True)

    def _led_to(self, row: asyncpg.Record, text: str) -> list[int]:
        """The tables whose triggers a statement removes because it drops foreign keys that lead to them."""
        statement = Reader(text)
        keys = list(zip(row["foreign_keys"], row["led_to"], strict=True))
        if statement.take("drop"):
            return [oid for _, oid in keys] if statement.at("table") else []
        dropped = set()
        while statement.seek("drop", "constraint"):
            statement.take("if", "exists")
            dropped.add(statement.identifier())
        return [oid for key, oid in keys if key in dropped]


def _weight(row: asyncpg.Record) -> TableWeight:
    return TableWeight(row["name"], row["rows"], row["bytes"], row["sessions"])


def _is_heavy(weight: TableWeight) -> bool:
    return Hazard("", 0, LOCK_RULE, "", None, None, weight).is_heavy


def _hazards(
    step: PlannedStep, index: int, findings: tuple[Finding, ...], held: list[_Held], is_new: bool
) -> list[Hazard]:
    """The hazards of one statement."""
    revision = step.revision.id
    shown = held[0] if held else None
    found = [
        Hazard(
            revision,
            index,
            finding.rule,
            _message(finding),
            finding.advice,
            shown.mode if shown else None,
            shown.weight if shown else None,
        )
        for finding in findings
        if not is_new or finding.rule in _OF_THE_STATEMENT or (finding.rule == _OF_BOTH_TABLES and held)
    ]
    for lock in held:
        if lock.is_felt and (lock is not shown or not found):
            found.append(
                Hazard(revision, index, LOCK_RULE, _sentence(lock, step), None, lock.mode, lock.weight)
            )
    return found


def _message(finding: Finding) -> str:
    if finding.rule == UNREADABLE:
        return f"squawk cannot read this statement, so that no more than its lock is known: {finding.message}"
    return finding.message


def _sentence(lock: _Held, step: PlannedStep) -> str:
    kept = "reading and writing" if lock.mode == "AccessExclusive" else "writing to"
    until = "until the revision is committed" if step.is_atomic else "while it runs"
    work = {
        Work.BRIEF: "",
        Work.SCAN: ", and reads all of it meanwhile",
        Work.REWRITE: ", and writes all of it anew meanwhile",
    }[lock.work]
    return f"It keeps everybody else from {kept} {lock.weight.table} {until}{work}."
