"""Leads and their steps from a few words a row."""

import datetime as dt

import ibis
import pyarrow as pa

__all__ = ["lead_table", "step_table"]

LEADS = {"lead_id": "string", "customer_id": "string", "list_id": "string", "source": "string",
         "created_at": "timestamp", "score": "float64"}  # fmt: skip
STEPS = {"lead_id": "string", "occurred_at": "timestamp", "kind": "string", "agent_id": "string",
         "note": "string"}  # fmt: skip


def lead_table(*rows: tuple):
    """Leads from (lead, source, created) or (lead, source, created, customer); times are UTC."""
    made = [
        {"lead_id": lead, "customer_id": who[0] if who else None, "list_id": None,
         "source": source, "created_at": dt.datetime.fromisoformat(at), "score": None}
        for lead, source, at, *who in rows
    ]  # fmt: skip
    return _table(made, LEADS)


def step_table(*rows: tuple):
    """Steps from (lead, kind, at) or (lead, kind, at, agent); times are UTC."""
    made = [
        {"lead_id": lead, "occurred_at": dt.datetime.fromisoformat(at), "kind": kind,
         "agent_id": agent[0] if agent else None, "note": None}
        for lead, kind, at, *agent in rows
    ]  # fmt: skip
    return _table(made, STEPS)


def _table(made, columns):
    schema = ibis.schema(columns).to_pyarrow()
    return ibis.memtable(pa.Table.from_pylist(made, schema=schema))
