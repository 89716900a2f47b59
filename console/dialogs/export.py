"""Where to write what is shown."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from os.path import expanduser
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from console.csv_text import cell
from console.dialogs.answer import Dialog
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine


class FileDialog(Dialog[Path | None]):
    """Asks for a file and has it written; the answer is the file, None when the person went back.

    `write` raises `FileExistsError` rather than overwrite a file, and `OSError` where it cannot be written.
    """

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
        Binding("enter", "", "write"),
    ]

    def __init__(self, question: str, name: str, write: Callable[[Path], None]) -> None:
        super().__init__()
        self._question = question
        self._name = name
        self._write_to = write

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content(self._question), id="title")
            yield Input(self._name, select_on_focus=False)
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False

    @on(Input.Submitted)
    def _write(self, event: Input.Submitted) -> None:
        path = Path(expanduser(event.value.strip()))  # which leaves a user alone whom there is not
        try:
            self._write_to(path)
        except OSError as error:
            reason = "there is such a file already" if isinstance(error, FileExistsError) else error.strerror
            self.query_one("#problem", Static).update(
                Content(visible(f"Not written: {reason}. Choose another name."))
            )
        else:
            self.dismiss(path.absolute())

    def action_cancel(self) -> None:
        """Write nothing."""
        self.dismiss(None)


class ExportDialog(FileDialog):
    """Where to write what a table shows.

    `rows` are the titles and then the rows as texts. A name ending in `.json` gives a list of objects, any other CSV.
    """

    def __init__(self, what: str, rows: Sequence[Sequence[str]], at: datetime) -> None:
        super().__init__(
            f"Write {len(rows) - 1:,} rows to a file (.csv or .json)",
            file_name(what, at, "csv"),
            partial(write_rows, rows=rows),
        )


def file_name(what: str, at: datetime, suffix: str) -> str:
    """What is proposed: `dbconsole-activity-20260301T030000Z.csv`."""
    return f"dbconsole-{what}-{at:%Y%m%dT%H%M%SZ}.{suffix}"


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Writes titles and rows as JSON or, unless the name ends in `.json`, as CSV. Raises `OSError`.

    In CSV, what a spreadsheet would run as a formula has an apostrophe in front; see `csv_text.cell`.
    """
    with path.open("x", encoding="utf-8", newline="", errors="backslashreplace") as file:
        if path.suffix.lower() == ".json":
            titles, *texts = rows
            json.dump(
                [dict(zip(titles, row, strict=True)) for row in texts], file, ensure_ascii=False, indent=1
            )
        else:
            csv.writer(file).writerows([cell(text) for text in row] for row in rows)
