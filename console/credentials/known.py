"""What is known of passwords before a server asks: the target's own, else the password file's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from console.models.target import Target
from console.pgpass import pgpass_password

PASSWORD_FILE = "the password file"


def own_password_from(target: Target) -> str | None:
    """Where the password is from that was given along with the target; None where it has none of its own.

    "PGPASSWORD", "TARGET", "line 3 of ~/.pg_service.conf".
    """
    return target.password_from if target.password_from != PASSWORD_FILE else None


def with_passwords(target: Target, environ: Mapping[str, str], warn: Callable[[str], None]) -> Target:
    """The target with the password to give at each place if it asks for one, where one is known.

    That is the target's own (from the URL, `DB_PASSWORD`, `PGPASSWORD`), else what the password file has for that
    place. `warn` is given a sentence, once, when that file cannot be used.
    """
    if target.password is not None:
        return target
    said: set[str] = set()

    def warn_once(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            warn(sentence)

    passwords = [pgpass_password(target.at(place), environ, warn_once) for place in target.endpoints]
    return target.at(
        *(
            replace(place, password=password, password_from=PASSWORD_FILE) if password is not None else place
            for place, password in zip(target.endpoints, passwords, strict=True)
        )
    )
