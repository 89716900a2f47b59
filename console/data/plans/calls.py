"""Which functions a statement calls, and which of them may be called by way of trial."""

from __future__ import annotations

from collections.abc import Iterable

from console.data.plans.tokens import are, tokens_of
from console.models.plans import Plan

HARMLESS = frozenset(
    [
        "clock_timestamp",
        "currval",
        "gen_random_uuid",
        "lastval",
        "pg_blocking_pids",
        "pg_column_size",
        "pg_current_wal_lsn",
        "pg_database_size",
        "pg_indexes_size",
        "pg_is_in_recovery",
        "pg_last_wal_receive_lsn",
        "pg_last_wal_replay_lsn",
        "pg_last_xact_replay_timestamp",
        "pg_relation_size",
        "pg_safe_snapshot_blocking_pids",
        "pg_sleep",
        "pg_sleep_for",
        "pg_sleep_until",
        "pg_table_size",
        "pg_tablespace_size",
        "pg_total_relation_size",
        "random",
        "random_normal",
        "setseed",
        "timeofday",
        "uuidv4",
        "uuidv7",
    ]
)
"""Functions of `pg_catalog` that are volatile and change nothing that anybody would miss."""


def called_in(plan: Plan) -> list[tuple[str, str]]:
    """Schema, or "", and name of all that is written like a call in a statement and in its plan."""
    texts = [plan.statement, *(value for node in plan.nodes for _, value in node.details)]
    return list(dict.fromkeys(call for text in texts for call in _called(text)))


def _called(text: str) -> Iterable[tuple[str, str]]:
    tokens = tokens_of(text).tokens
    for place, token in enumerate(tokens):
        if token.is_name and are(tokens, place + 1, "("):
            qualified = are(tokens, place - 1, ".") and place > 1
            yield tokens[place - 2].identifier if qualified else "", token.identifier
