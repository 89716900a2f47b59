"""Asks the person at the terminal."""

from __future__ import annotations

import getpass
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from console.commands.launch import echo_warning
from console.terminal.safe_text import visible

if TYPE_CHECKING:
    from pydantic import SecretStr

    from console.models.credentials import Answer, Question


@contextmanager
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C end what waits for the person: under asyncio the first one would only be taken note of."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def typed_password(role: str, address: str) -> SecretStr | None:
    """What is typed unseen at the terminal itself, whatever becomes of standard output; None for nothing."""
    from pydantic import SecretStr

    with interruptible():
        try:
            typed = getpass.getpass(f"Password of role {visible(role)} at {visible(address)}: ")
        except EOFError:
            return None
        except KeyboardInterrupt:
            raise click.Abort from None
    return SecretStr(typed) if typed else None


class TerminalAsker:
    """An `Asker` of the credentials. It blocks: nothing else goes on meanwhile."""

    patience = None

    async def ask(self, question: Question) -> Answer | None:
        """What is typed, None for nothing."""
        from console.models.credentials import Answer

        if question.is_refusal:
            echo_warning(question.problem)
        for reason in question.reasons:
            echo_warning(f"{reason[:1].upper()}{reason[1:]}.")
        if (secret := typed_password(question.role, question.address)) is None:
            return None
        return Answer(secret, store=False)

    def update(self, question: Question) -> None:
        """There is nothing to update: everything was looked into before."""

    def say(self, sentence: str) -> None:
        """Says it on standard error."""
        echo_warning(sentence)
