"""SQL laid out for reading: a clause a line, and every word as it was written."""

from __future__ import annotations

LONGEST = 20_000
"""Characters of a statement up to which it is laid out: that many take 0.4 s."""

LIST_WIDTH = 60
"""Characters after which a list goes on in the next line: one name a line would make pages of an IN."""


def formatted(sql: str) -> str:
    """`sql` with other line breaks and indents, all else as it was; given back as it is where that cannot be done.

    Takes up to half a second: it belongs in a thread.
    """
    if len(sql) > LONGEST:
        return sql
    import sqlparse

    try:
        laid_out = str(sqlparse.format(sql, reindent=True, wrap_after=LIST_WIDTH))
    except (sqlparse.exceptions.SQLParseError, RecursionError):  # more tokens or brackets than it takes on
        return sql
    return laid_out.strip("\n")
