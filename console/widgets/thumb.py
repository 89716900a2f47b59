"""The mark at the right edge that tells which part of something long is on screen."""

from __future__ import annotations

THUMB = "┃"


def thumb(total: int, page: int, top: int) -> range:
    """The lines, of a page of `page`, that hold the thumb when line `top` of `total` is the first shown; none when all is shown."""
    if total <= page or page <= 0:
        return range(0)
    length = max(1, page * page // total)
    start = round(top * (page - length) / (total - page))
    return range(start, start + length)
