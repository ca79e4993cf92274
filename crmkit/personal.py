"""Personal data: masked unless asked for by someone with the right."""

import ibis
import ibis.expr.types as ir

from crmkit.roles import Role
from crmkit.schema import TABLES

__all__ = ["VISITORS", "masked", "shown"]

VISITORS = ("cookie", "device", "visitor", "browser")
"""Sources of identities whose ids are those of visitors in events."""


def masked(column: ir.StringColumn, name: str) -> ir.StringColumn:
    """A personal column with only so much left as tells rows apart at a glance.

    A name or mail keeps its first letter, a telephone number its last four digits, any other
    personal text nothing.

    >>> import ibis
    >>> t = ibis.memtable({"phone": ["+8613800001234"], "name": ["王芳"]})
    >>> masked(t.phone, "phone").execute().tolist(), masked(t.name, "name").execute().tolist()
    (['***1234'], ['王**'])
    """
    if name == "phone":
        return ibis.literal("***").concat(column.right(4))
    if name in ("name", "email"):
        return column.substr(0, 1).concat("**")
    return ibis.ifelse(column.isnull(), ibis.null("string"), "***")


def shown(table: ir.Table, name: str, role: Role) -> ir.Table:
    """A canonical table as a role may see it."""
    hidden = [c for c in TABLES[name].personal if c not in role.columns(name)]
    if not hidden:
        return table
    if name == "identities":
        return table.mutate(source_id=_identity(table))
    return table.mutate(**{column: masked(table[column], column) for column in hidden})


def _identity(table: ir.Table) -> ir.StringColumn:
    """An id masked by its kind; ids of browsers stand in events as they are, and link visits."""
    kinds = [(table.source == kind, masked(table.source_id, kind)) for kind in ("phone", "email")]
    return ibis.cases(
        (table.source.isin(VISITORS), table.source_id),
        *kinds,
        else_=masked(table.source_id, "source_id"),
    )
