"""When something is to end, in the words of a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.screens.ends import check_end, check_length, read_end, read_length

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90 d", timedelta(days=90)),
        ("90d", timedelta(days=90)),
        (" 24 H ", timedelta(hours=24)),
        ("2 weeks", timedelta(weeks=2)),
        ("1 year", timedelta(days=365)),
    ],
)
def test_lengths(text: str, length: timedelta) -> None:
    assert read_length(text) == length
    assert read_end(text, NOW) == NOW + length


def test_a_date_ends_with_its_day() -> None:
    end = read_end("2026-12-31", NOW)
    assert end is not None
    local = end.astimezone()
    assert (local.date().isoformat(), local.hour, local.minute) == ("2026-12-31", 23, 59)


def test_a_time_is_local_unless_it_has_its_zone() -> None:
    assert read_end("2026-12-31 18:00", NOW) == datetime(2026, 12, 31, 18, 0).astimezone()
    assert read_end("2026-12-31T18:00+00:00", NOW) == datetime(2026, 12, 31, 18, 0, tzinfo=UTC)


def test_never_is_never() -> None:
    assert read_end(" Never", NOW) is None


@pytest.mark.parametrize(
    "text", ["", "soon", "-3 d", "0 d", "2025-01-01", "2026-02-30", "99999 y", "9999-99-99"]
)
def test_what_is_no_end_is_told_in_a_sentence(text: str) -> None:
    sentence = check_end(NOW)(text)
    assert sentence
    assert sentence.endswith(".")


def test_a_grace_period_is_a_length() -> None:
    assert check_length("24 h") is None
    assert check_length("tomorrow") == "Say how long: 90 d, 12 h, 2 w or 1 y."
