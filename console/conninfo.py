"""libpq's connection strings, read the way libpq reads them.

Source: PostgreSQL documentation, "Connection Strings", and `conninfo_parse`, `conninfo_uri_parse_options` of
libpq's fe-connect.c. The standard library's URL parser is no help here: it ends a password at `#` and `?`.

No sentence of this module repeats a value that might be a piece of a password: a misplaced `/`, `@` or `&`
makes one look like a port, a database or the name of an option.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from console.errors import BadTarget
from console.models.target import SessionKind


@dataclass(frozen=True, slots=True)
class Option:
    """One connection option and the words that a message about it begins with."""

    value: str = field(repr=False)
    origin: str


Options = dict[str, Option]

SECRETS = frozenset({"password", "sslpassword"})
"""The options that nobody may read: the role's password, and that of the client's key."""

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_USED = frozenset(
    [
        *("host", "hostaddr", "port", "user", "password", "passfile", "dbname", "service", "servicefile"),
        *("connect_timeout", "target_session_attrs", "load_balance_hosts", "options", "application_name"),
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
        *("sslmode", "sslnegotiation", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcertmode"),
        *("sslcrl", "sslcrldir", "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version"),
    ]
)
_WITHOUT_EFFECT = frozenset(
    [
        *("fallback_application_name", "client_encoding"),  # the console has its own: its name, and UTF-8
        *("krbsrvname", "gsslib", "gssdelegation"),  # a server that asks for GSSAPI is left with a sentence
        "sslcompression",  # libpq does not compress any more either
    ]
)
_ONLY = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    "sslcertmode": ("disable", "allow"),
    "replication": ("false", "off", "no", "0"),
    "min_protocol_version": ("3.0",),
    "max_protocol_version": ("3.0", "3.2", "latest"),
    "target_session_attrs": tuple(kind.value for kind in SessionKind),
    "load_balance_hosts": ("disable", "random"),
    "sslmode": SSL_MODES,
    "sslnegotiation": ("postgres", "direct"),
    "sslsni": ("0", "1"),
}
"""The values that an option may have: all that libpq has, or those that ask nothing of the driver which it cannot do."""
_REFUSED = frozenset(
    [
        *("requirepeer", "require_auth", "sslkeylogfile", "scram_client_key", "scram_server_key"),
        *("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope", "oauth_ca_file"),
    ]
)
_KNOWN = _USED | _WITHOUT_EFFECT | _ONLY.keys() | _REFUSED

_KEYWORD = re.compile(
    r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'(?=\s|$)|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|(?=\s|$)))", re.S
)


def parse(text: str, source: str) -> Options:
    """The options in a URL, in keywords (`host=db1 dbname=shop`), or the bare name of a database.

    `source` is where the text came from, in a message's words. An option that is given empty counts too: nothing
    else fills it then.

    Raises BadTarget: it cannot be read, or asks for what the console cannot do.
    """
    text = text.strip()
    if not text:
        raise BadTarget(f"{source} is empty.")
    if scheme := re.match(r"([A-Za-z][\w+.-]*)://", text):
        _check_scheme(scheme[1], source)
        pairs = _url(text[scheme.end() :], source)
    elif re.match(r"postgres(?:ql)?:", text, re.IGNORECASE):
        raise BadTarget(f"{source}: two slashes come after the scheme, as in postgresql://host/database.")
    elif re.match(r"\w+\s*=", text):
        pairs = _keywords(text, source)
    elif re.search("[/@:=]", text):
        raise BadTarget(
            f"{source} is neither a URL (postgresql://host/database), nor keywords (host=… dbname=…), "
            "nor the name of a database."
        )
    else:
        pairs = iter([("dbname", text)])
    return check(_named(pairs, source))


def keywords(values: Mapping[str, str]) -> str:
    """Values as libpq's keywords are written: `host=db1 dbname='my shop'`. `parse` reads them again."""

    def quoted(value: str) -> str:
        plain = re.fullmatch(r"[\w.,:/@${}-]+", value)
        return value if plain else "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"

    return " ".join(f"{name}={quoted(value)}" for name, value in values.items())


def check(options: Options) -> Options:
    """The options that the console goes by, without those that have no effect on it.

    Raises BadTarget: one of them asks for what the console cannot do, or cannot be sent to a server.
    """
    used: Options = {}
    for name, option in options.items():
        if re.search("[\0\ud800-\udfff]", option.value):
            raise BadTarget(f"{option.origin} is not text in UTF-8.")
        if (allowed := _ONLY.get(name)) and option.value not in allowed:
            raise BadTarget(f"{option.origin} can only be {_listed(allowed)}.")
        if name in _USED:
            used[name] = option
        elif name in _REFUSED and option.value:
            raise BadTarget(f"{option.origin} is not supported: leave it out.")
    return used


def named(name: str, value: str, source: str) -> Option:
    """One option that was read. Raises BadTarget: there is none of that name."""
    if name not in _KNOWN:
        raise BadTarget(f"{name} in {source}: there is no such option{_closest(name)}")
    return Option(value, f"{name} in {source}")


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _closest(name: str) -> str:
    """How a sentence about an unknown option ends: with the one that looks most like it, where one does."""
    matches = difflib.get_close_matches(name, _KNOWN - _REFUSED, 1, 0.7)
    return f"; did you mean {matches[0]}?" if matches else "."


def _check_scheme(scheme: str, source: str) -> None:
    # SQLAlchemy's URLs name a driver after a plus sign; the server is the same.
    if scheme.lower().partition("+")[0] not in ("postgresql", "postgres"):
        raise BadTarget(
            f"{source} begins with {scheme}://, where only postgresql:// or postgres:// is understood."
        )


def _named(pairs: Iterator[tuple[str, str]], source: str) -> Options:
    """The pairs by libpq's names; the last of a name wins."""
    options: Options = {}
    for name, value in pairs:
        if (name, value) == ("ssl", "true"):  # as JDBC says it; libpq understands it too
            name, value = "sslmode", "require"
        if name not in _KNOWN and "password" in options:
            raise BadTarget(
                f"{source} has an unknown option after the password; is a character to be escaped?"
            )
        options[name] = named(name, value, source)
    return options


def _url(rest: str, source: str) -> Iterator[tuple[str, str]]:
    """`[user[:password]@][host][:port][,…][/database][?option=value&…]`, all of it percent-encoded."""
    user = password = ""
    if credentials := re.match(r"[^@/]*@", rest):
        user, _, password = credentials[0][:-1].partition(":")
        rest = rest[credentials.end() :]
    authority = re.match(r"[^/?]*", rest)
    hosts = authority[0] if authority else ""
    rest = rest[len(hosts) :]
    if "@" in hosts or ("@" in rest.partition("?")[0]):
        raise BadTarget(f"{source}: a '@' in a name or password is written %40, and a '/' %2F.")
    addresses = [re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]*)(?::([^:]*))?", host) for host in hosts.split(",")]
    if not all(addresses):
        raise BadTarget(
            f"{source}: an IPv6 address stands in brackets, as in postgresql://[::1]:5432/database."
        )
    path, _, query = rest.partition("?")
    parts = {
        "user": user,
        "password": password,
        "host": ",".join(address[1].strip("[]") for address in addresses if address),
        "port": ",".join(address[2] or "" for address in addresses if address),
        "dbname": path[1:],
    }
    for name, part in parts.items():
        if part:  # what does not stand in a URL may come from elsewhere
            yield name, _decoded(part, source)
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadTarget(f"{source}: an option after the '?' has no '='.")
        yield _decoded(name, source), _decoded(value, source)


def _decoded(text: str, source: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise BadTarget(f"{source}: two hexadecimal digits come after a '%'; a '%' itself is written %25.")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise BadTarget(f"{source} is not text in UTF-8.") from None


def _keywords(text: str, source: str) -> Iterator[tuple[str, str]]:
    """`name = value …`; a value with spaces stands between single quotes, a backslash escapes one character."""
    position = 0
    while position < len(text):
        pair = _KEYWORD.match(text, position)
        if not pair:
            raise BadTarget(
                f"{source}: keywords are written name=value with spaces between; "
                "a value with a space or a quote stands between single quotes."
            )
        yield pair[1], re.sub(r"\\(.)", r"\1", pair[2] or pair[3] or "", flags=re.S)
        position = pair.end()
