"""The system's keyring, where there is a real one.

Known stores are used and no other: what else calls itself a keyring may be a file in plain text. A store may wait for
somebody to unlock it, so each call has a thread of its own and a time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from pydantic import SecretStr

from console.models.target import Target

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

KEYRING_SECONDS = 3.0
MOMENT_SECONDS = 1.0
"""What a keyring that nobody has to unlock does not take."""

_SERVICE = "dbconsole"
_STORES = frozenset(
    f"keyring.backends.{name}"
    for name in (
        "SecretService.Keyring",
        "kwallet.DBusKeyring",
        "kwallet.DBusKeyringKWallet4",
        "libsecret.Keyring",
        "macOS.Keyring",
        "Windows.WinVaultKeyring",
    )
)
_CHAIN = "keyring.backends.chainer.ChainerBackend"
_NONE = frozenset(["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])


class KeyringUnusable(Exception):
    """Why the keyring is of no use, in words that a sentence can have in it."""


class Vault:
    """The passwords of the console in the keyring. Everything raises KeyringUnusable."""

    def __init__(
        self,
        environment: str | None,
        seconds: float = KEYRING_SECONDS,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """What belongs to one environment is not found by another.

        `seconds` is the limit of each call, and `on_wait` is told of one that takes longer than a moment.
        """
        self._environment = environment
        self._seconds = seconds
        self._on_wait = on_wait
        self._is_asked = False

    async def find(self, place: Target) -> SecretStr | None:
        """The password of the role at the target's first place."""
        found = await self._called(lambda: _store().get_password(_SERVICE, self._name(place)))
        return SecretStr(found) if found else None

    async def keep(self, place: Target, password: SecretStr) -> None:
        """Puts the password in, in place of the one that is there."""
        await self._called(
            lambda: _store().set_password(_SERVICE, self._name(place), password.get_secret_value())
        )

    async def forget(self, place: Target) -> bool:
        """Takes the password out; False where there is none."""

        def remove() -> bool:
            store, name = _store(), self._name(place)
            if store.get_password(_SERVICE, name) is None:
                return False
            store.delete_password(_SERVICE, name)
            return True

        return await self._called(remove)

    def _name(self, place: Target) -> str:
        name = f"{place.user}@{place.endpoints[0].address}"
        return f"{name} ({self._environment})" if self._environment else name

    async def _called(self, call: Callable[[], T]) -> T:
        """What the call gives. The thread of one that hangs is left behind, and does not keep the program from ending."""
        if self._is_asked:
            raise KeyringUnusable("the keyring still does not answer")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, problem: BaseException | None) -> None:
            self._is_asked = False
            if answer.done():
                return
            if problem is not None:
                answer.set_exception(_unusable(problem))
            else:
                answer.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            result, problem = None, None
            try:
                result = call()
            except BaseException as error:
                problem = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, result, problem)

        self._is_asked = True
        Thread(target=run, name="keyring", daemon=True).start()
        wait = loop.call_later(MOMENT_SECONDS, self._on_wait)
        try:
            async with asyncio.timeout(self._seconds):
                return await answer
        except TimeoutError:
            raise KeyringUnusable(f"the keyring did not answer within {self._seconds:g} s") from None
        finally:
            wait.cancel()


def _unusable(problem: BaseException) -> KeyringUnusable:
    from keyring.errors import KeyringLocked

    if isinstance(problem, KeyringUnusable):
        return problem
    if isinstance(problem, KeyringLocked):
        return KeyringUnusable("the keyring is locked")
    # Without its words: what there is in them is up to the store.
    return KeyringUnusable(f"the keyring cannot be used: {type(problem).__name__}")


def _store() -> KeyringBackend:
    """The store that keyring would take, or the first real one of a chain. Raises KeyringUnusable."""
    import keyring

    chosen = keyring.get_keyring()
    stores: list[KeyringBackend] = getattr(chosen, "backends", []) if _kind(chosen) == _CHAIN else [chosen]
    for store in stores:
        if _kind(store) in _STORES:
            return store
    if all(_kind(store) in _NONE for store in stores):
        raise KeyringUnusable("there is no keyring here")
    raise KeyringUnusable(f"{_kind(chosen)} is no keyring to trust with passwords")


def _kind(store: object) -> str:
    return f"{type(store).__module__}.{type(store).__qualname__}"
