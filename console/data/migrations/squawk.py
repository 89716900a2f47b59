"""squawk, a linter of PostgreSQL's SQL, as a process that reads a plan and answers in JSON."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sysconfig
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from console.errors import DbconsoleError
from console.models.migrations import Plan

TIME_LIMIT = 20.0
"""Seconds. It takes 0.3 s for hundreds of statements."""

UNREADABLE = "syntax-error"
"""The rule of a statement that squawk cannot read."""

_LEFT_OUT = {
    # Taste, or advice for the next schema: it says nothing about what a run does to others.
    "prefer-text-field",
    "prefer-big-int",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-timestamp-tz",
    "ban-char-field",
    "require-enum-value-ordering",
    "unused-ignore",
    # The console sets lock_timeout and statement_timeout on the session that runs it.
    "require-timeout-settings",
    "require-lock-timeout",
    "require-statement-timeout",
    # The transactions are the console's or Alembic's.
    "transaction-nesting",
    "ban-uncommitted-transaction",
}
_FOR_RERUNS = "prefer-robust-stmts"
"""Only where a failure leaves a part behind: otherwise a second run finds what the first one found."""


class Place(NamedTuple):
    """A statement of a plan."""

    step: int
    """From 0."""
    statement: int
    """From 0, within the step."""


class Finding(NamedTuple):
    """What squawk says of a statement."""

    rule: str
    message: str
    advice: str | None


async def lint(plan: Plan, major: int) -> Mapping[Place, tuple[Finding, ...]]:
    """What squawk says of the statements of a plan on a server of that major version, each rule once a statement.

    Files that configure squawk are not read, so that the same plan has the same hazards wherever it is shown.

    Raises `DbconsoleError` where squawk is not there, fails or does not come to an end.
    """
    script, lines = _script(plan, ())
    said = _by_place(await _squawk(script, major), lines)
    unreadable = {
        place: found for place, findings in said.items() if (found := _of_rule(UNREADABLE, findings))
    }
    if unreadable:
        # One statement that it cannot read keeps it from judging the others: asked again without.
        script, lines = _script(plan, unreadable)
        said = _by_place(await _squawk(script, major), lines) | unreadable
    kept = {
        place: tuple(
            finding
            for finding in findings
            if finding.rule not in _LEFT_OUT
            and not (finding.rule == _FOR_RERUNS and plan.steps[place.step].is_atomic)
        )
        for place, findings in said.items()
    }
    return {place: findings for place, findings in kept.items() if findings}


def _script(plan: Plan, without: Collection[Place]) -> tuple[str, list[Place | None]]:
    """The plan as one script, and which statement each of its lines belongs to."""
    text: list[str] = []
    lines: list[Place | None] = []
    for number, step in enumerate(plan.steps):
        if step.is_atomic:
            text.append("BEGIN;")
            lines.append(None)
        for index, statement in enumerate(step.statements):
            place = Place(number, index)
            if place not in without:
                # The semicolon stands on a line of its own: the statement may end with a comment.
                own = [*statement.text.split("\n"), ";"]
                text += own
                lines += [place] * len(own)
        if step.is_atomic:
            text.append("COMMIT;")
            lines.append(None)
    return "\n".join(text), lines


def _by_place(found: list[dict[str, Any]], lines: list[Place | None]) -> dict[Place, tuple[Finding, ...]]:
    said: dict[Place, dict[str, Finding]] = {}
    for entry in found:
        place = lines[entry["line"]] if entry["line"] < len(lines) else None
        if place is not None:
            advice = entry["help"]
            finding = Finding(entry["rule_name"], _one_line(entry["message"]), advice and _one_line(advice))
            said.setdefault(place, {}).setdefault(finding.rule, finding)
    return {place: tuple(findings.values()) for place, findings in said.items()}


def _of_rule(rule: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.rule == rule)


def _one_line(text: str) -> str:
    return " ".join(text.split())


async def _squawk(script: str, major: int) -> list[dict[str, Any]]:
    program = shutil.which("squawk", path=sysconfig.get_path("scripts")) or shutil.which("squawk")
    if program is None:
        raise DbconsoleError("squawk, which looks for hazards, is not installed: pip install squawk-cli")
    arguments = ("--reporter", "json", "--config", os.devnull, "--stdin-filepath", "plan.sql")
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            "--pg-version",
            f"{major}.0",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={},
        )
    except OSError as error:
        raise DbconsoleError(f"squawk, which looks for hazards, cannot be run: {error.strerror}.") from error
    try:
        async with asyncio.timeout(TIME_LIMIT):
            output, complaint = await process.communicate(script.encode())
    except TimeoutError as error:
        raise DbconsoleError(
            f"squawk, which looks for hazards, was ended after {TIME_LIMIT:g} s without an answer."
        ) from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        # It ends with 1 when it has found something.
        found: list[dict[str, Any]] = json.loads(output)
    except ValueError as error:
        words = _one_line(complaint.decode(errors="replace")) or f"it ended with {process.returncode}"
        raise DbconsoleError(f"squawk, which looks for hazards, failed: {words}") from error
    return found
