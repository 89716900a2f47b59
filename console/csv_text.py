"""Texts as cells of a CSV file."""

from __future__ import annotations

import re
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d[\d,]*(\.\d+)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def cell(value: Any) -> Any:
    """The value; a text that a spreadsheet would run as a formula has an apostrophe in front, which makes it a text.

    That is what begins with = + - @, a tab or a carriage return and is no number: what others have put into a database
    is not to do anything on the machine of whoever opens the file. Numbers stay as they are. (OWASP, CSV Injection.)
    """
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
