"""Where what is printed goes while the console has the terminal."""

from __future__ import annotations

from typing import Any
from weakref import ref

from textual.app import App, _PrintCapture


class Printed(_PrintCapture):
    """Hands what is printed to the app for as long as there is that app, and does not keep it.

    A library that is imported meanwhile may keep the standard output that it finds, as plotext does.
    """

    def __init__(self, app: App[Any], stderr: bool = False) -> None:
        self._app = ref(app)
        self.stderr = stderr

    def write(self, text: str) -> None:
        if (app := self._app()) is not None:
            app._print(text, stderr=self.stderr)

    def flush(self) -> None:
        if (app := self._app()) is not None:
            app._flush(stderr=self.stderr)
