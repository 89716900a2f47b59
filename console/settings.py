"""What a person can set, and where each value came from.

A value given on the command line wins over the environment, that over `config.toml`, and that over the default. In
`config.toml` what a table `[environments.NAME]` says wins over the rest, for the environment of that name.
In the environment every setting is `DBCONSOLE_NAME`, with two underscores between the levels
(`DBCONSOLE_ALERTS__QUERY_SECONDS`); the `DB_*` variables and `AUDIT_RETENTION_DAYS`
of the platform's services and libpq's `PGCONNECT_TIMEOUT` are understood too and come after them.

Imported before the first frame: pydantic-settings is the one dear import here (0.1 s), so there is no other.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from console.errors import BadSetting
from console.models.environments import PRODUCTION, Environment
from console.models.health import Thresholds
from console.setting_sources import (
    ConfigFile,
    Given,
    SettingPath,
    Source,
    default_config_file,
    from_environment,
    from_options,
    from_other_variables,
    read_config,
)

MOST_CONNECTIONS = 3
"""The console never holds more connections to a server than these: one monitor and a small engine."""

_GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO_DURATION = re.compile(r"(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+")
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_ENVIRONMENTS = {"prod": PRODUCTION, "stage": "staging", "dev": "development"}

COLOURS = ("red", "yellow", "green")
"""The colours that a theme has for production, staging and development."""


def _seconds(value: Any) -> Any:
    """Seconds from a number, or from a duration as Go writes it: `1h30m`, `500ms`."""
    if isinstance(value, str):
        text = value.strip()
        if _GO_DURATION.fullmatch(text):
            return sum(float(number) * _GO_UNITS[unit] for number, unit in _GO_PART.findall(text))
        try:
            value = float(text)
        except ValueError:
            raise ValueError(
                "is not a number of seconds, nor a duration such as 30s, 1h30m or 500ms"
            ) from None
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("is not a number of seconds")
    return value


def _environment(value: Any) -> Any:
    """The name of an environment in its long form."""
    if not isinstance(value, str):
        return value
    word = value.strip()
    if not re.fullmatch(r"[\w.-]{1,24}", word):
        raise ValueError("is not one word of at most 24 letters, digits, dots, hyphens and underscores")
    return _ENVIRONMENTS.get(word.lower(), word.lower())


def environment_name(word: str) -> str:
    """The name of an environment in its long form. Raises BadSetting for what is no name."""
    try:
        return str(_environment(word))
    except ValueError as problem:
        raise BadSetting(f"{_shown(word)} {problem}.") from None


def _colour(value: Any) -> Any:
    if isinstance(value, str) and not (value in COLOURS or re.fullmatch("#[0-9A-Fa-f]{6}", value)):
        raise ValueError(f"is neither {', '.join(COLOURS)} nor a colour such as #b3323a")
    return value


def _command(value: Any) -> Any:
    """The words of a command line, as a shell takes it apart."""
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError:
        raise ValueError("has a quote that is not closed") from None


Seconds = Annotated[float, BeforeValidator(_seconds)]


Model = TypeVar("Model", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Alerts(_Section):
    """Above these an alert is raised."""

    connections_percent: float = Field(default=80.0, ge=1, le=100)
    """Slots in use, of `max_connections`."""
    query_seconds: Seconds = Field(default=5.0, ge=0.1, le=86_400)
    """Age of the longest running query."""
    failed_connections_per_minute: float = Field(default=10.0, ge=0, le=1_000_000)


class Timeouts(_Section):
    """The console's own limits on a server, in seconds."""

    connect: Seconds = Field(default=5.0, ge=0.1, le=600)
    statement: Seconds = Field(default=5.0, ge=0.1, le=600)
    lock: Seconds = Field(default=0.5, ge=0.01, le=600)


class Pool(_Section):
    """The console's own connections, the monitor included; times in seconds, 0 is for ever as in Go."""

    max_open: int = Field(default=MOST_CONNECTIONS, ge=1, le=MOST_CONNECTIONS)
    max_idle: int = Field(default=2, ge=0, le=MOST_CONNECTIONS)
    max_lifetime: Seconds = Field(default=3600.0, ge=0)
    max_idle_time: Seconds = Field(default=1800.0, ge=0)


class Slow(_Section):
    """Which statements are slow."""

    min_mean: Seconds = Field(default=0.1, ge=0, le=86_400)
    """Seconds that a call takes on average at least; 0 shows every statement."""


class Migrations(_Section):
    """Where the migrations are, and how long they may wait and run."""

    path: Path | None = None
    """A folder or a config file of migrations, or the word `platform`; None looks in the working directory."""
    lock_timeout: Seconds = Field(default=3.0, ge=0.01, le=3600)
    """Seconds that a statement may wait for a lock, while all that come after it wait behind it."""
    lock_retries: int = Field(default=10, ge=0, le=1000)
    """How often a revision is tried again when it did not get a lock in time."""
    statement_timeout: Seconds = Field(default=3600.0, ge=0, le=604_800)
    """Seconds that a statement of a migration may run; 0 is for ever."""
    auto: bool = False
    """Whether the platform's services migrate when they start. The console never does: it shows what is pending."""


class Accounts(_Section):
    """Where users and keys are, and for how long is kept what was done to them."""

    schema_name: str | None = None
    """Where the tables are looked for after `arxos_core` and `public`."""
    audit_retention_days: int = Field(default=90, ge=1, le=36_500)
    """Rows of the audit trail that are older may be let go of. `AUDIT_RETENTION_DAYS` sets it too."""
    stale_days: int = Field(default=90, ge=1, le=36_500)
    """A key that nobody has used for so long is stale."""


class Settings(BaseSettings):
    """All settings. `Settings()` has the defaults whatever the environment: `load_settings` reads the sources."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    refresh: Seconds = Field(default=2.0, ge=0.5, le=60)
    """Seconds between two samples."""
    theme: str | None = None
    """The name of a theme; None is the one that suits the terminal."""
    screen: Literal["pools", "activity", "slow", "migrations", "accounts", "spatial"] = "pools"
    """The screen that is shown first."""
    environment: Annotated[str | None, BeforeValidator(_environment)] = None
    """What the server is for: "production", "staging" and "development" have a meaning, any other word is shown."""
    colour: Annotated[str | None, BeforeValidator(_colour)] = None
    """Of the environment's name: one of `COLOURS` or `#rrggbb`; None is the theme's for that name."""
    confirm: Literal["typed"] | None = None
    """Whether the name of what is changed has to be typed out, as in production always."""
    keyring: bool = True
    """Whether passwords may be looked for in the system's keyring."""
    read_only: bool = False
    history_minutes: int = Field(default=15, ge=1, le=240)
    alerts: Alerts = Alerts()
    timeouts: Timeouts = Timeouts()
    pool: Pool = Pool()
    slow: Slow = Slow()
    accounts: Accounts = Accounts()
    migrations: Migrations = Migrations()
    keys: dict[str, str] = {}
    """Keys of a command, by the id of its binding: `"pools.refresh" = "f5"`. Several keys have commas between."""

    @property
    def thresholds(self) -> Thresholds:
        """The alert thresholds as the models know them."""
        return Thresholds(**self.alerts.model_dump())

    @property
    def types_names(self) -> bool:
        """Whether the name of what is changed has to be typed out."""
        return self.environment == PRODUCTION or self.confirm == "typed"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: the stock sources forget where a value came from, and a message must say it."""
        return (init_settings,)


class _Servers(_Section):
    """What an environment says beside settings."""

    primary: SecretStr | None = None
    replicas: tuple[SecretStr, ...] = ()
    pooler: SecretStr | None = None
    provider: Literal["local", "fly", "aws", "gcp"] | None = None
    password_command: Annotated[tuple[str, ...] | None, BeforeValidator(_command)] = Field(
        default=None, min_length=1
    )


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
    config_file: Path | None = None,
    *,
    is_named: bool = True,
) -> Settings:
    """The settings from all sources.

    `overrides` are the options of the command line by the setting's name, None where one was not given.
    `config_file` is `$XDG_CONFIG_HOME/dbconsole/config.toml` (or the system's own place) unless given;
    it need not exist. Without `is_named` there is no environment, whatever the sources say.

    Raises BadSetting: a name is unknown, a value is not allowed, the file cannot be read.
    """
    config = _config(config_file)
    general = dict(config.values)
    above = (
        from_other_variables(environ, MOST_CONNECTIONS)
        | from_environment(environ, tuple(_known(Settings)))
        | from_options(overrides or {})
    )
    if not is_named:
        for source in (general, above):
            source.pop(_NAME, None)
    naming = {path: one for path, one in (general | above).items() if path == _NAME}
    environments = _by_name(config)
    name = _checked(Settings, naming).environment
    own = environments[name].value if name in environments else {}
    return _checked(Settings, general | _only_settings(own) | above)


def load_environments(config_file: Path | None = None) -> tuple[Environment, ...]:
    """The environments that the config file names, in its order, by the names in their long form.

    Raises BadSetting as `load_settings` does, whichever of them is wrong.
    """
    config = _config(config_file)
    return tuple(_environment_of(name, own, config) for name, own in _by_name(config).items())


_NAME: SettingPath = ("environment",)
_SERVERS: frozenset[SettingPath] = frozenset((name,) for name in _Servers.model_fields)
_OF_THE_PERSON = frozenset({"theme", "screen", "environment", "keys"})
"""Settings that no environment has of its own."""


def _config(file: Path | None) -> ConfigFile:
    known = tuple(_known(Settings))
    of_environments = (*(path for path in known if path[0] not in _OF_THE_PERSON), *sorted(_SERVERS))
    return read_config(file or default_config_file(), known, of_environments, tables=("keys",))


def _by_name(config: ConfigFile) -> dict[str, Given]:
    """The environments by their long names. Raises BadSetting: two have the same, or one has none."""
    found: dict[str, Given] = {}
    for name, given in config.environments.items():
        try:
            long_name = environment_name(name)
        except BadSetting as problem:
            raise BadSetting(f"{given.origin}: {problem.sentence}") from None
        if long_name in found:
            raise BadSetting(
                f"{given.origin}: there is another environment {long_name}, {found[long_name].origin}; rename one."
            )
        found[long_name] = given
    return found


def _environment_of(name: str, given: Given, config: ConfigFile) -> Environment:
    servers = _checked(_Servers, {path: one for path, one in given.value.items() if path in _SERVERS})
    settings = _checked(Settings, config.values | _only_settings(given.value))
    return Environment(
        name=name,
        origin=given.origin,
        **{field: getattr(servers, field) for field in _Servers.model_fields},
        colour=settings.colour,
        read_only=settings.read_only,
        types_names=name == PRODUCTION or settings.confirm == "typed",
    )


def _only_settings(own: Source) -> Source:
    return {path: one for path, one in own.items() if path not in _SERVERS}


def _checked(model: type[Model], given: Source) -> Model:
    """The model with what was given. Raises BadSetting for the first value that is not allowed."""
    values: dict[str, Any] = {}
    for path, (value, _) in given.items():
        section = values
        for name in path[:-1]:
            section = section.setdefault(name, {})
        section[path[-1]] = value
    try:
        return model(**values)
    except ValidationError as error:
        raise BadSetting(_sentence(error, given)) from None


def _known(model: type[BaseModel]) -> Iterator[SettingPath]:
    """The path of every setting."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from ((name, *rest) for rest in _known(field.annotation))
        else:
            yield (name,)


def _sentence(error: ValidationError, given: Source) -> str:
    """What is wrong with the first bad value, where it came from, as one sentence."""
    first = error.errors()[0]
    path = tuple(str(part) for part in first["loc"])
    value, origin = next(given[path[:n]] for n in range(len(path), 0, -1) if path[:n] in given)
    may_be_secret = path[:1] in _SERVERS - {("provider",)}
    shown = "what is given" if may_be_secret else _shown(value)
    return f"{origin}: {shown} {_problem(first['type'], first.get('ctx', {}), first['msg'])}."


def _shown(value: object) -> str:
    """The value as it was given, or its beginning."""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 40 else f"{shown[:39]}…"


def _problem(kind: str, context: Mapping[str, Any], message: str) -> str:
    """pydantic's finding in words that go on from the value."""
    match kind:
        case "value_error":
            return str(context["error"])
        case "greater_than_equal":
            return f"is less than {context['ge']:g}, the least allowed"
        case "less_than_equal":
            return f"is more than {context['le']:g}, the most allowed"
        case "literal_error":
            return f"is not {context['expected']}"
        case "float_parsing" | "float_type" | "finite_number":
            return "is not a number"
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return "is not a whole number"
        case "bool_parsing" | "bool_type":
            return "is neither true nor false"
        case "string_type" | "path_type":
            return "is not text"
        case "tuple_type":
            return "is not a list"
        case "too_short":
            return "is empty"
        case "dict_type" | "model_type":
            return "is not a table of names and values"
        case _:
            return f"is not allowed ({message})"
