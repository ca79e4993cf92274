"""Who may see which personal columns: nobody any, unless a role says otherwise."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass

from crmkit.errors import ParameterError, nearest
from crmkit.schema import TABLES
from crmkit.setting_roles import RoleSettings

__all__ = ["EVERYTHING", "NOTHING", "Role", "role_of"]


@dataclass(frozen=True, kw_only=True)
class Role:
    """What somebody may see: personal columns as `table.column`."""

    name: str
    sees: frozenset[str] = frozenset()

    def columns(self, table: str) -> frozenset[str]:
        """The personal columns of a table that the role sees as they are."""
        return frozenset(c for c in TABLES[table].personal if f"{table}.{c}" in self.sees)


NOTHING = Role(name="")
EVERYTHING = Role(
    name="",
    sees=frozenset(
        f"{name}.{column}" for name, table in TABLES.items() for column in table.personal
    ),
)


def role_of(name: str | None, roles: Mapping[str, RoleSettings], *, unmasked: bool = False) -> Role:
    """The role that somebody asks for.

    Parameters: `name`, one of `roles` ([roles] of the settings); None sees nothing personal.
    `unmasked` asks for everything, which a book without roles gives to whoever can read it.
    Raises: ParameterError for a role that is not there, or is not for this user; for `unmasked`
    where there are roles.

    >>> role_of("sales", {"sales": RoleSettings(sees=("phone",))}).columns("customers")
    frozenset({'phone'})
    """
    there = ", ".join(roles) or "none; [roles] in crmkit.toml names them"
    if unmasked and roles:
        raise ParameterError(
            f"This book has roles, so personal data is shown by role. Give role=... ({there})."
        )
    if name is None:
        return EVERYTHING if unmasked else NOTHING
    if name not in roles:
        guess = nearest(name, roles)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"There is no role {name!r}.{hint} There are: {there}.")
    allowed = roles[name].users
    if allowed and getpass.getuser() not in allowed:
        raise ParameterError(
            f"The role {name!r} is not for {getpass.getuser()!r}: roles.{name}.users in "
            "crmkit.toml does not name them."
        )
    return Role(name=name, sees=frozenset(roles[name].sees))
