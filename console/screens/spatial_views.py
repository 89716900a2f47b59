"""The views that a map was looked at in: the way back and forward through them, and those that were given a name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import platformdirs

from console.errors import BadInput
from console.models.map_view import MapView

PAUSE_IN_MOVING = 1.5
"""Seconds without a move after which the view is one to come back to."""
MOST_VIEWS = 100
"""What the way back keeps at most."""


class Views:
    """Where a person has looked. A run of small moves is one step."""

    def __init__(self) -> None:
        self._views: list[MapView] = []
        self._now = -1
        self._moved_at: float | None = None

    @property
    def now(self) -> MapView | None:
        """The present one; None before there is one."""
        return self._views[self._now] if self._views else None

    @property
    def may_go_back(self) -> bool:
        """Whether there is a view before this one."""
        return self._now > 0

    @property
    def may_go_forward(self) -> bool:
        """Whether there is a view behind this one."""
        return self._now < len(self._views) - 1

    def look(self, view: MapView, at: float, *, moves: bool = False) -> None:
        """Looks at a view from now on, `at` seconds; one that only `moves` goes on with the step before."""
        goes_on = moves and self._moved_at is not None and at - self._moved_at < PAUSE_IN_MOVING
        self._moved_at = at if moves else None
        if goes_on:
            self._views[self._now] = view
            del self._views[self._now + 1 :]
        elif view != self.now:
            del self._views[self._now + 1 :]
            self._views.append(view)
            del self._views[:-MOST_VIEWS]
            self._now = len(self._views) - 1

    def step(self, by: int) -> bool:
        """Goes back (-1) or forward (1); False where there is nothing."""
        if not (self.may_go_back if by < 0 else self.may_go_forward):
            return False
        self._now += by
        self._moved_at = None
        return True


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A view with a name."""

    name: str
    view: MapView


class Bookmarks:
    """The named views of each database, in a file of the person's own.

    Everything in it raises `BadInput` where the file cannot be used; a file that is not ours is never written over.
    """

    def __init__(self, database: str, path: Path | None = None) -> None:
        """`database` tells one database of one server from all others."""
        self._database = database
        self.path = path or platformdirs.user_state_path("dbconsole") / "bookmarks.json"

    def all(self) -> Sequence[Bookmark]:
        """In the order of their names."""
        kept = [Bookmark(name, self._view(kept)) for name, kept in self._mine(self._read()).items()]
        return sorted(kept, key=lambda one: one.name.casefold())

    def _view(self, kept: Any) -> MapView:
        try:
            view = MapView(**kept)
            is_sound = all(map(isfinite, (view.x, view.y, view.scale, view.srid or 0))) and view.scale > 0
        except (TypeError, OverflowError) as error:
            raise self._damaged from error
        if not is_sound:
            raise self._damaged
        return view

    def keep(self, bookmark: Bookmark) -> None:
        """Writes it down, instead of one of the same name."""
        databases = self._read()
        databases[self._database] = {**self._mine(databases), bookmark.name: asdict(bookmark.view)}
        self._write(databases)

    def forget(self, name: str) -> None:
        """Takes it out again."""
        databases = self._read()
        databases[self._database] = {key: view for key, view in self._mine(databases).items() if key != name}
        self._write(databases)

    def _mine(self, databases: Mapping[str, Any]) -> Mapping[str, Any]:
        mine = databases.get(self._database, {})
        if not isinstance(mine, dict):
            raise self._damaged
        return mine

    def _read(self) -> dict[str, Any]:
        try:
            databases = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise BadInput(f"The bookmarks cannot be read: {error.strerror} ({self.path}).") from error
        except ValueError as error:
            raise self._damaged from error
        if not isinstance(databases, dict):
            raise self._damaged
        return databases

    def _write(self, databases: Mapping[str, Any]) -> None:
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.write_text(f"{json.dumps(databases, ensure_ascii=False, indent=1)}\n", encoding="utf-8")
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise BadInput(f"The bookmarks cannot be written: {error.strerror} ({self.path}).") from error

    @property
    def _damaged(self) -> BadInput:
        return BadInput(f"{self.path} does not hold bookmarks: move it away, and new ones can be kept.")
