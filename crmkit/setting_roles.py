"""The section [roles] of crmkit.toml: who may see which personal columns."""

from typing import Annotated

from pydantic import AfterValidator

from crmkit import schema
from crmkit.errors import nearest
from crmkit.setting_types import Listed, Part

__all__ = ["RoleSettings"]


def _personal() -> list[str]:
    return [f"{name}.{c}" for name, table in schema.TABLES.items() for c in table.personal]


def _known(given: tuple[str, ...]) -> tuple[str, ...]:
    """Names of personal columns, each with its table: `phone` is that of customers."""
    valid = _personal()
    found = [name if "." in name else f"customers.{name}" for name in given]
    for name, whole in zip(given, found, strict=True):
        if whole not in valid:
            guess = nearest(whole, valid)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ValueError(f"{name!r} is no personal column.{hint} There are: {', '.join(valid)}")
    return tuple(found)


class RoleSettings(Part):
    """A section [roles.NAME]: what people of a role may see.

    `sees` are personal columns, such as "phone" (of customers) or "agents.name"; `users` the login
    names that may take the role (whoever can read the store, where none is named); `lists` the
    reports whose action lists are written for the role with these columns.
    """

    sees: Annotated[Listed, AfterValidator(_known)] = ()
    users: Listed = ()
    lists: Listed = ()
