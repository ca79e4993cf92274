"""Calls of agents, made by hand for tests."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd

AT = dt.datetime(2025, 3, 3, 2, 0)  # ten o'clock in Shanghai, a Monday
SCHEMA = {
    "call_id": "string",
    "lead_id": "string",
    "attempt_no": "int64",
    "list_id": "string",
    "direction": "string",
    "mode": "string",
    "started_at": "timestamp",
    "agent_at": "timestamp",
    "ended_at": "timestamp",
    "wrap_end_at": "timestamp",
    "result": "string",
    "agent_id": "string",
    "disposition": "string",
}
CODES = ibis.memtable(
    {
        "code": ["SALE", "NI", "INT", "WRONG", "AM"],
        "human_answered": [True, True, True, True, False],
        "right_party": [True, True, True, False, False],
        "interest": [True, False, True, False, False],
        "sale": [True, False, False, False, False],
    }
)


def call(agent, code, at=AT, *, talk=60.0, wrap=10.0, **more):
    """One handled call."""
    end = at + dt.timedelta(seconds=talk)
    return {
        "lead_id": None,
        "attempt_no": 1,
        "list_id": "l",
        "direction": "outbound",
        "mode": "predictive",
        "started_at": at,
        "agent_at": at,
        "ended_at": end,
        "wrap_end_at": end + dt.timedelta(seconds=wrap) if wrap is not None else None,
        "result": "human",
        "agent_id": agent,
        "disposition": code,
    } | more


def table(rows):
    """A table of calls; ids are given in order where there are none."""
    frame = pd.DataFrame(rows, columns=[name for name in SCHEMA if name != "call_id"]).astype(
        object
    )
    ids = [row.get("call_id", f"k{n:06d}") for n, row in enumerate(rows)]
    frame.insert(0, "call_id", ids)
    return ibis.memtable(frame, schema=SCHEMA)


def sold(agent, sales, n, at=AT, **more):
    """n calls of an agent, the first of them sales."""
    return [call(agent, "SALE" if k < sales else "NI", at, **more) for k in range(n)]


def people(**hired):
    """Agents with their day of hiring (or None); names that nobody may read."""
    return ibis.memtable(
        {
            "agent_id": list(hired),
            "team": [f"team-{agent[0]}" for agent in hired],
            "hired_at": list(hired.values()),
            "name": ["王芳秘密"] * len(hired),
        },
        schema={
            "agent_id": "string", "team": "string", "hired_at": "timestamp", "name": "string"
        },
    )  # fmt: skip


def drawn(rng, skills, rates, given, n):
    """Rows of agents with skills (odds ratios) on lists with rates; `given`, shares of lists."""
    rows = []
    for agent, skill in enumerate(skills):
        lists = rng.choice(len(rates), size=n, p=given[agent])
        odds = skill * rates[lists] / (1 - rates[lists])
        wins = rng.random(n) < odds / (1 + odds)
        rows.append(
            pd.DataFrame(
                {
                    "agent_id": f"A{agent:03d}",
                    "list_id": np.char.add("list-", lists.astype(str)),
                    "disposition": np.where(wins, "SALE", "NI"),
                }
            )
        )
    frame = pd.concat(rows, ignore_index=True)
    frame = frame.assign(
        call_id=[f"k{k}" for k in range(len(frame))],
        started_at=AT,
        agent_at=AT,
        result="human",
        mode="predictive",
    )
    return ibis.memtable(frame)
