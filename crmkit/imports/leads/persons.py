"""By what a lead can be reached, and which leads are of one person."""

from collections.abc import Mapping

import duckdb

from crmkit.imports.identity.resolve import LIMITS, STRONG, resolve
from crmkit.imports.readers import literal

__all__ = ["CHATS", "find_contacts", "find_persons"]

CHATS = ("wechat", "chat", "qq", "whatsapp", "line", "telegram")
"""Sources of identities that one can write to."""
_OWN = ("phone", "email", "chat")
_MOST_LEADS = 100
"""Leads from which on a number is taken for a switchboard, or for one that stands for none."""


def find_contacts(
    con: duckdb.DuckDBPyConnection, own: set[str], customers: str | None, identities: str | None
) -> None:
    """Make `lead_contacts` (lead_id, kind: phone, email or chat, id) and `lead_known`.

    A lead is reached by its own numbers, addresses and open ids, and by those of its customer.
    `lead_known` (customer_id, kind, id) are those of all customers.

    Parameters: `own`, the contact columns of `lead_rows`; `customers` and `identities`, queries.
    """
    known = ["SELECT NULL::VARCHAR AS customer_id, NULL::VARCHAR AS kind, NULL::VARCHAR AS id"]
    if customers:
        known += [
            f"SELECT customer_id, '{kind}', {_unified(kind)} FROM ({customers})"
            for kind in ("phone", "email")
        ]
    if identities:
        chats = ", ".join(literal(source) for source in CHATS)
        known.append(
            f"SELECT customer_id, CASE WHEN source IN ({chats}) THEN 'chat' ELSE source END,"
            f" CASE source WHEN 'email' THEN lower(source_id) ELSE source_id END"
            f" FROM ({identities}) WHERE source IN ('phone', 'email', {chats})"
        )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE lead_known AS SELECT DISTINCT * FROM"
        f" ({' UNION ALL '.join(known)}) WHERE customer_id IS NOT NULL AND id IS NOT NULL"
    )
    parts = [
        f"SELECT lead_id, '{kind}' AS kind, {_unified(kind)} AS id FROM lead_rows"
        for kind in _OWN
        if kind in own
    ]
    parts.append("SELECT lead_id, kind, id FROM lead_rows JOIN lead_known USING (customer_id)")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE lead_contacts AS SELECT DISTINCT * FROM"
        f" ({' UNION ALL '.join(parts)}) WHERE id IS NOT NULL"
    )


def find_persons(con: duckdb.DuckDBPyConnection, limits: Mapping[str, int] | None = None) -> None:
    """Make `lead_persons` (lead_id, person): leads with one customer, number or address are one's.

    A number seen with more customers than its limit (a switchboard), or on more than a hundred
    leads, makes nobody one.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE lead_links AS"
        " SELECT 'lead' AS source_a, lead_id AS id_a,"
        f" '{STRONG}' AS source_b, customer_id AS id_b FROM lead_rows WHERE customer_id IS NOT NULL"
        " UNION ALL SELECT 'lead', lead_id, kind, id FROM lead_contacts WHERE (kind, id) IN"
        " (SELECT (kind, id) FROM lead_contacts GROUP BY kind, id"
        f" HAVING count(DISTINCT lead_id) <= {_MOST_LEADS})"
        f" UNION ALL SELECT '{STRONG}', customer_id, kind, id FROM lead_contacts"
        " JOIN lead_rows USING (lead_id)"
        f" UNION ALL SELECT '{STRONG}', customer_id, kind, id FROM lead_known"
        " WHERE id IN (SELECT id FROM lead_contacts)"
    )
    found = resolve(
        con, "lead_links", limits={**LIMITS, "chat": LIMITS["wechat"], **(limits or {})}
    )
    con.register("lead_resolved", found.identities)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE lead_persons AS SELECT lead_id,"
        " coalesce(resolved.customer_id, 'lead ' || lead_id) AS person FROM lead_rows"
        " LEFT JOIN (SELECT source_id AS lead_id, customer_id FROM lead_resolved"
        " WHERE source = 'lead') AS resolved USING (lead_id)"
    )
    con.unregister("lead_resolved")


def _unified(kind: str) -> str:
    return f"lower({kind})" if kind == "email" else kind
