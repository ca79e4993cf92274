"""Hand-written calls: times as seconds after the start, all else null unless it is given."""

import datetime as dt

import ibis
import pandas as pd

from crmkit.schema import TABLES

MONDAY = dt.datetime(2025, 3, 3, 10)
TIMES = ("ringing", "answered", "queued", "agent", "ended", "wrap_end")


def call(at=MONDAY, **given):
    """A call that starts at a moment; `agent=9` is an agent nine seconds later."""
    row = dict.fromkeys(TABLES["calls"].names) | {"started_at": at}
    for name, value in given.items():
        if name in TIMES:
            row[f"{name}_at"] = at + dt.timedelta(seconds=value)
        else:
            row[name] = value
    return row


def table(name, rows):
    """A canonical table of rows, which may be none."""
    schema = TABLES[name].schema()
    frame = pd.DataFrame(list(rows), columns=schema.names)
    return ibis.memtable(frame.astype(object).where(frame.notna(), None), schema=schema)


def log(*calls):
    """The calls as the canonical table, numbered."""
    return table("calls", [row | {"call_id": str(n)} for n, row in enumerate(calls)])


def codes(**flags):
    """The table of dispositions: `SALE="human_answered right_party sale"`."""
    names = [name for name in TABLES["dispositions"].names if name != "code"]
    rows = [
        {"code": code} | {name: name in true.split() for name in names}
        for code, true in flags.items()
    ]
    return table("dispositions", rows)


CODES = {
    "SALE": "human_answered right_party interest sale completed",
    "NI": "human_answered right_party completed",
    "WRONG": "human_answered completed",
    "DNC": "human_answered right_party do_not_call",
    "INT": "human_answered right_party interest",
    "AM": "",
}


def states(*rows):
    """Agents' states from (agent, state, start, end in minutes after Monday at ten)."""
    made = [
        dict.fromkeys(TABLES["agent_states"].names)
        | {"agent_id": agent, "state": state}
        | {
            "started_at": MONDAY + dt.timedelta(minutes=begin),
            "ended_at": None if end is None else MONDAY + dt.timedelta(minutes=end),
        }
        for agent, state, begin, end in rows
    ]
    return table("agent_states", made)
