"""What has to be in quotes, as the server says it."""

from __future__ import annotations

from console.data.identifiers import quoted
from tests.postgres import PostgresCluster


async def test_reserved_words_are_in_quotes_and_plain_ones_are_not(every_postgres: PostgresCluster) -> None:
    words = await every_postgres.run(
        "SELECT word, catcode = ANY ('{R,T}') AS is_reserved FROM pg_get_keywords()"
    )
    bare = {row["word"] for row in words if row["is_reserved"] and quoted(row["word"]) == row["word"]}
    assert bare == set()
    assert (quoted("orders_2"), quoted("order"), quoted('O"')) == ("orders_2", '"order"', '"O"""')
