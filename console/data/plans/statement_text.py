"""What can be told of a statement by its text: whether EXPLAIN takes it, which query it has, whether it only reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from console.data.plans.tokens import Kind, Token, Tokens, after_group, are, tokens_of
from console.errors import OperationRefused

HIDDEN = "<insufficient privilege>"
"""What the server shows in place of a text that is not for this role."""

_READ = 200_000
"""Characters that are read closely before anything is asked: more would hold the console up."""
_QUERIES = ("select", "values", "table", "with", "insert", "update", "delete", "merge")
_RISKY = re.compile(r"\b(?:insert|update|delete|merge|into|for)\b", re.IGNORECASE)
_TAKEN = "it plans SELECT, INSERT, UPDATE, DELETE, MERGE and VALUES only"


class Effect(Enum):
    """What a statement does to the tables that it names."""

    READS = "reads"
    LOCKS_ROWS = "locks rows"
    WRITES = "writes"
    MAKES_TABLE = "makes a table"

    @property
    def reads_only(self) -> bool:
        """Whether running it would change nothing and lock nothing that others write."""
        return self is Effect.READS

    @property
    def lock(self) -> str | None:
        """The lock stronger than AccessShare that is taken while it is planned."""
        return {Effect.LOCKS_ROWS: "RowShareLock", Effect.WRITES: "RowExclusiveLock"}.get(self)


@dataclass(frozen=True, slots=True)
class StatementText:
    """A text that EXPLAIN takes."""

    query: str
    """What is explained: the text, or the query within it."""
    effect: Effect
    target: str | None
    """What it writes to, as the text has it."""
    notes: tuple[str, ...]


def read(text: str) -> StatementText:
    """What a text says.

    Raises `OperationRefused` for what EXPLAIN cannot take, and says why.
    """
    if not text.strip():
        raise OperationRefused("There is no text of this statement to explain.")
    if text.strip() == HIDDEN:
        raise OperationRefused(
            "The text of this statement is hidden from the role; GRANT pg_read_all_stats to it shows it."
        )
    is_long = len(text) > _READ
    found = tokens_of(text[:_READ] if is_long else text)
    tokens = found.tokens
    if not tokens:
        raise OperationRefused("The text has nothing but comments.")
    if not is_long:
        _refuse_parts(found)
    start, end, note = _query_within(tokens)
    head = tokens[start].text
    if head not in ("(", *_QUERIES):
        words = tokens[: 2 if head in ("create", "alter", "drop") else 1]
        name = " ".join(word.text.upper() for word in words if word.kind is Kind.WORD) or "this"
        raise OperationRefused(f"EXPLAIN does not take {name}: {_TAKEN}.")
    query = text
    if note:
        query = text[tokens[start].start : tokens[end - 1].end if end < len(tokens) else len(text)]
    effect, target = _effect(tokens)
    if is_long and effect is Effect.READS and _RISKY.search(text, _READ):
        effect = Effect.LOCKS_ROWS
    return StatementText(query, effect, target, (note,) if note else ())


def _refuse_parts(found: Tokens) -> None:
    """Raises `OperationRefused` for less than one statement, or more."""
    depth = 0
    for place, token in enumerate(found.tokens):
        if token.kind is Kind.MARK:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if token.text == ";" and depth == 0 and place + 1 < len(found.tokens):
                raise OperationRefused("The text is more than one statement, and EXPLAIN takes one.")
    if found.is_cut or depth > 0:
        raise OperationRefused(cut_off())


def cut_off(kept: int | None = None) -> str:
    """The sentence for a text that ends in the middle. `kept` is what the server keeps of a text, in bytes."""
    size = f" ({kept:,} bytes)" if kept else ""
    return (
        "The text ends in the middle: of a running statement the server keeps no more than "
        f"track_activity_query_size{size}."
    )


def has_open_limit(text: str) -> bool:
    """Whether how many rows a statement gives, or leaves out first, is a parameter."""
    tokens = tokens_of(text).tokens
    return any(
        token.kind is Kind.PARAMETER
        for place, word in enumerate(tokens)
        if word.kind is Kind.WORD and word.text in ("limit", "offset", "fetch")
        # "fetch first ($1)"
        for token in tokens[place + 1 : place + 4]
    )


def _query_within(tokens: tuple[Token, ...]) -> tuple[int, int, str]:
    """From which token to which one the query goes, and a note where it is not all of the statement."""
    everything = len(tokens)
    match tokens[0].text:
        case "declare":
            for place in range(everything - 1):
                if are(tokens, place, "for"):
                    return place + 1, everything, "Explained is the query of the cursor."
        case "explain":
            place = 1
            while place < everything and tokens[place].text in ("analyze", "analyse", "verbose"):
                place += 1
            if are(tokens, place, "(") and not are(tokens, place + 1, "select"):
                place = after_group(tokens, place)
            return min(place, everything - 1), everything, "Explained is the statement behind EXPLAIN."
        case "prepare":
            for place in range(everything - 1):
                if are(tokens, place, "as"):
                    return place + 1, everything, "Explained is the statement that is prepared."
        case "copy" if are(tokens, 1, "("):
            return 2, after_group(tokens, 1) - 1, "Explained is the query whose rows are copied."
        case "create":
            return _query_of_create(tokens)
    return 0, everything, ""


def _query_of_create(tokens: tuple[Token, ...]) -> tuple[int, int, str]:
    end = len(tokens)
    if are(tokens, end - 1, ";"):
        end -= 1
    words = [token.text for token in tokens[end - 3 : end]]
    end -= 3 if words == ["with", "no", "data"] else 2 if words[1:] == ["with", "data"] else 0
    kinds = {token.text for token in tokens[1:4]}
    if kinds & {"table", "materialized"}:
        for place in range(1, end - 1):
            if are(tokens, place, "as") and tokens[place + 1].text in ("(", *_QUERIES):
                return place + 1, end, "Explained is the query that fills the new table."
    return 0, len(tokens), ""


def _effect(tokens: tuple[Token, ...]) -> tuple[Effect, str | None]:
    """What a statement does, told conservatively, and what it does that to."""
    if tokens[0].text == "create":
        return Effect.MAKES_TABLE, None
    effect = Effect.READS
    for place, token in enumerate(tokens):
        if token.kind is not Kind.WORD or are(tokens, place - 1, "."):
            continue
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        match token.text, following.text if following else "":
            case ("insert" | "merge", "into") | ("delete", "from"):
                return Effect.WRITES, _name_at(tokens, place + 2)
            case "for", "update" | "share" | "no" | "key":
                effect = Effect.LOCKS_ROWS
            case "update", _ if following and following.is_name and not _ends_lock(tokens, place):
                return Effect.WRITES, _name_at(tokens, place + 1)
            case "into", _:
                effect = Effect.MAKES_TABLE
    return effect, None


def _ends_lock(tokens: tuple[Token, ...], place: int) -> bool:
    """Whether the word at a place belongs to `FOR UPDATE` or `FOR NO KEY UPDATE`."""
    return are(tokens, place - 1, "for") or are(tokens, place - 3, "for", "no", "key")


def _name_at(tokens: tuple[Token, ...], place: int) -> str | None:
    """The name of a table at a place, as SQL has it."""
    if are(tokens, place, "only"):
        place += 1
    parts = []
    while place < len(tokens) and tokens[place].is_name:
        parts.append(tokens[place].text)
        if not are(tokens, place + 1, "."):
            break
        place += 2
    return ".".join(parts) or None
