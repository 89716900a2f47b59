"""Tables for a person who reads a command's output, and for `grep`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from console.terminal.safe_text import visible


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart, a row a line; text from a server cannot break out of its cell.

    A heading that begins with ">" has its column aligned to the right. The last column is not padded.
    """
    right = [heading.startswith(">") for heading in headings]
    lines = [[heading.removeprefix(">") for heading in headings]]
    lines += [[visible(" ".join(cell.split())) for cell in row] for row in rows]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(headings))]
    widths[-1] *= right[-1]
    return "\n".join(
        "  ".join(
            _padded(cell, width, is_right) for cell, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _padded(cell: str, width: int, is_right: bool) -> str:
    blank = " " * (width - cell_len(cell))
    return blank + cell if is_right else cell + blank
