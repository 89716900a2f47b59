"""What a person types about a role."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from console.dialogs.form import Field
from console.errors import BadInput
from console.models.roles import Role, RoleChange, RoleDraft, RoleTemplate
from console.screens.ends import HOW_TO_SAY, NEVER, check_end, read_end

Values: TypeAlias = Mapping[str, str]

YES, NO = "yes", "no"
NO_LIMIT = "none"

_NAME = r'"(?:[^"]|"")+"|[^\s".,]+'
_NAMES = re.compile(rf"\s*({_NAME})(?:\s*\.\s*({_NAME}))?\s*(?:,|$)")


def draft_fields(template: RoleTemplate, values: Values, groups: Sequence[str], now: datetime) -> list[Field]:
    """The boxes for a new role; `values` are what was typed before."""
    fields = [Field("name", "name", values.get("name", ""), check=_is_given)]
    if template is RoleTemplate.SERVICE:
        fields.append(
            Field(
                "tables",
                "tables",
                values.get("tables", ""),
                "public.orders, public.customers",
                check=check_tables,
            )
        )
    elif template is not RoleTemplate.GROUP:
        fields.append(
            Field("schemas", "schemas", values.get("schemas", ""), "public, arxos_core", check=check_names)
        )
    fields.append(
        Field(
            "groups", "groups that it joins", values.get("groups", ""), check=check_names, suggestions=groups
        )
    )
    if template is not RoleTemplate.GROUP:
        fields += [
            Field("limit", f"connections at most, or {NO_LIMIT}", values.get("limit", NO_LIMIT), check=check_limit),
            Field("valid", f"password valid until: {HOW_TO_SAY}", values.get("valid", NEVER), check=check_end(now)),
            Field("password", "password: yes asks for one, no is for cert, peer …", values.get("password", YES), check=_is_yes_or_no),
        ]  # fmt: skip
    return fields


def draft_of(template: RoleTemplate, values: Values, now: datetime) -> RoleDraft:
    """What was typed into `draft_fields`."""
    return RoleDraft(
        name=values["name"],
        template=template,
        schemas=read_names(values.get("schemas", "")),
        tables=read_tables(values.get("tables", "")),
        connection_limit=read_limit(values.get("limit", NO_LIMIT)),
        valid_until=read_end(values.get("valid", NEVER), now),
        memberships=read_names(values["groups"]),
    )


def change_fields(role: Role) -> list[Field]:
    """The boxes for changing a role, with what it is now."""
    return [
        Field("login", "may log in: yes or no", YES if role.can_login else NO, check=_is_yes_or_no),
        Field("limit", f"connections at most, or {NO_LIMIT}", _limit(role), check=check_limit),
        Field("valid", f"password valid until: {HOW_TO_SAY}", _end(role)),
        Field("groups", "groups that it belongs to", _groups(role), check=check_names),
    ]


def change_of(role: Role, values: Values, now: datetime) -> RoleChange:
    """What of `change_fields` is to be another. Raises `BadInput`."""
    before, after = {one.group for one in role.memberships}, read_names(values["groups"])
    can_login = values["login"] == YES
    limit = read_limit(values["limit"])
    ends, never_ends = None, False
    if values["valid"] != _end(role):
        ends = read_end(values["valid"], now)
        never_ends = ends is None
    return RoleChange(
        can_login=can_login if can_login != role.can_login else None,
        connection_limit=(-1 if limit is None else limit) if limit != role.connection_limit else None,
        valid_until=ends,
        never_ends=never_ends,
        joins=tuple(group for group in after if group not in before),
        leaves=tuple(sorted(before - set(after))),
    )


def _limit(role: Role) -> str:
    return NO_LIMIT if role.connection_limit is None else str(role.connection_limit)


def _end(role: Role) -> str:
    return NEVER if role.valid_until is None else f"{role.valid_until.astimezone():%Y-%m-%d %H:%M:%S}"


def _groups(role: Role) -> str:
    return ", ".join(written(one.group) for one in role.memberships)


def written(name: str) -> str:
    """A name as `read_names` reads it."""
    return name if re.fullmatch(r'[^\s".,]+', name) else '"' + name.replace('"', '""') + '"'


def read_tables(text: str) -> tuple[tuple[str, str], ...]:
    """`schema.table, schema."other table"`; without a schema it is in public. Raises `BadInput`."""
    found = _read(text)
    return tuple((first, second) if second is not None else ("public", first) for first, second in found)


def read_names(text: str) -> tuple[str, ...]:
    """Names with commas between them, in double quotes where they have spaces. Raises `BadInput`."""
    found = _read(text)
    if dotted := [first for first, second in found if second is not None]:
        raise BadInput(f"Names are separated by commas; what is behind {dotted[0]}. is none.")
    return tuple(dict.fromkeys(first for first, _ in found))


def _read(text: str) -> list[tuple[str, str | None]]:
    rest, found = text.strip(), []
    while rest:
        match = _NAMES.match(rest)
        if match is None:
            raise BadInput(
                f"Names are separated by commas, and in double quotes where they have spaces: {rest[:40]}"
            )
        found.append((_unquoted(match[1]), None if match[2] is None else _unquoted(match[2])))
        rest = rest[match.end() :]
    return found


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def read_limit(text: str) -> int | None:
    """A number of connections; None is no limit. Raises `BadInput`."""
    if text.strip().lower() in (NO_LIMIT, ""):
        return None
    if not re.fullmatch(r"\d{1,6}", text.strip()):
        raise BadInput(f"Give a number of connections, or {NO_LIMIT}.")
    return int(text)


def check_names(text: str) -> str | None:
    """For the box of a form that takes names."""
    return _sentence(read_names, text)


def check_tables(text: str) -> str | None:
    """For the box of a form that takes tables."""
    return _sentence(read_tables, text)


def check_limit(text: str) -> str | None:
    """For the box of a form that takes a number of connections."""
    return _sentence(read_limit, text)


def _sentence(read: Callable[[str], object], text: str) -> str | None:
    try:
        read(text)
    except BadInput as problem:
        return problem.sentence
    return None


def _is_given(text: str) -> str | None:
    return None if text else "A role needs a name."


def _is_yes_or_no(text: str) -> str | None:
    return None if text in (YES, NO) else "Say yes or no."
