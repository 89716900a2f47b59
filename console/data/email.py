"""What is an e-mail address, as far as anybody can tell without sending to it."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r'[^\s@"<>]+@[^\s@"<>.]+(\.[^\s@"<>.]+)*')
_CHARACTERS = 254
"""What SMTP can carry (RFC 5321)."""


def is_email(text: str) -> bool:
    """Whether it can be one."""
    return bool(_ADDRESS.fullmatch(text)) and len(text) <= _CHARACTERS and text.isprintable()
