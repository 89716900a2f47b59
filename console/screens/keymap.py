"""The keys that a person has given to commands, by the ids of their bindings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from textual.binding import Binding
from textual.dom import DOMNode

from console.screens.accounts import AccountsScreen
from console.screens.accounts_keys import KeysPane
from console.screens.accounts_roles import RolesPane
from console.screens.accounts_sessions import SessionsPane
from console.screens.accounts_trail import TrailPane
from console.screens.accounts_users import UsersPane
from console.screens.activity import ActivityScreen
from console.screens.migrations import MigrationsScreen
from console.screens.plan import PlanScreen
from console.screens.pools import PoolsScreen
from console.screens.slow import SlowScreen
from console.screens.spatial import SpatialScreen

_SCREENS = (
    PoolsScreen,
    ActivityScreen,
    SlowScreen,
    MigrationsScreen,
    AccountsScreen,
    SpatialScreen,
    PlanScreen,
)
_PANES = (UsersPane, KeysPane, SessionsPane, RolesPane, TrailPane)


def keymap(keys: Mapping[str, str], app: type[DOMNode], complain: Callable[[str], None]) -> dict[str, str]:
    """Those of `keys` that a command has, for Textual; `complain` is told of the others, and of keys that clash.

    `app` has the commands that are there on every screen.
    """
    kinds: tuple[type[DOMNode], ...] = (app, *_SCREENS, *_PANES)
    bindings = [binding for kind in kinds for binding in kind.BINDINGS if isinstance(binding, Binding)]
    known = {binding.id for binding in bindings if binding.id}
    for name in sorted(keys.keys() - known):
        close = get_close_matches(name, known, 1)
        complain(
            f"[keys] names {name}, which is no command" + (f"; did you mean {close[0]}?" if close else ".")
        )
    used: dict[str, str] = {}
    for name, key in {**{b.id: b.key for b in bindings if b.id}, **keys}.items():
        for one in key.replace(" ", "").split(","):
            if one in used and {name, used[one]} & keys.keys() and _meet(name, used[one]):
                complain(f"[keys] gives {one} to both {used[one]} and {name}: only one can have it.")
            used.setdefault(one, name)
    return {name: key for name, key in keys.items() if name in known}


def _meet(name: str, other: str) -> bool:
    """Whether two commands can be there at once: those of two screens or tabs cannot, and a plan covers all others."""
    one, two = sorted(name.rpartition(".")[0] for name in (name, other))
    if "plan" in (one, two):
        return one == two
    return one in ("", "screen", two) or two == "screen" or two.startswith(f"{one}.")
