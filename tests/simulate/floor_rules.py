"""What is true of every log of a floor, whatever its configuration."""

import numpy as np

from crmkit.schema import TABLES
from crmkit.simulate.call_codes import DISPOSITIONS, RESULTS, STATES
from crmkit.simulate.dialer import kernel as k

NEVER_AGAIN = [i for i, d in enumerate(DISPOSITIONS) if d.sale or d.do_not_call or d.completed]


def no_overlap(group, start, end):
    order = np.lexsort((end, start, group))
    group, start, end = group[order], start[order], end[order]
    same = group[1:] == group[:-1]
    return bool((start[1:][same] >= end[:-1][same]).all())


def check_times(log):
    calls = log.calls
    assert (calls.started >= 0).all()
    last = calls.started
    for name in ("answered", "queued", "agent_at", "ended", "wrap_end"):
        at = getattr(calls, name)
        known = at >= 0
        assert (at[known] >= last[known]).all(), name
        last = np.where(known, at, last)
    assert ((calls.agent >= 0) == (calls.agent_at >= 0)).all()
    assert ((calls.agent >= 0) == (calls.wrap_end >= 0)).all()


def check_agents(log):
    calls, turns = log.calls, log.turns
    spoke = calls.agent >= 0
    assert no_overlap(calls.agent[spoke], calls.agent_at[spoke], calls.wrap_end[spoke])
    assert no_overlap(turns.agent, turns.started, turns.ended)
    assert (turns.ended > turns.started).all()
    for state, begin, end in ((k.TALK, "agent_at", "ended"), (k.WRAP, "ended", "wrap_end")):
        seconds = (turns.ended - turns.started)[turns.state == state].sum()
        assert seconds == (getattr(calls, end) - getattr(calls, begin))[spoke].sum()
    logged_in = 0
    for agent in np.unique(turns.agent):
        own = turns.agent == agent
        starts, ends = turns.started[own], turns.ended[own]
        away = np.flatnonzero(starts[1:] > ends[:-1])
        logged_in += (ends[np.append(away, len(ends) - 1)] - starts[np.append(0, away + 1)]).sum()
    assert (turns.ended - turns.started).sum() == logged_in


def check_waits(log):
    calls = log.calls
    out = (calls.kind != k.COMING_IN) & (calls.queued >= 0)
    until = np.where(calls.agent >= 0, calls.agent_at, calls.ended)
    assert ((until - calls.queued)[out] <= round(log.floor.grace * 1000)).all()
    dropped = out & (calls.result == k.DROPPED)
    early = (until - calls.queued < round(log.floor.grace * 1000)) & ~calls.left
    assert not (dropped & early & (calls.ended < log.times.end)).any()


def check_trunks(log):
    calls = log.calls
    held = calls.trunk >= 0
    assert (calls.trunk[held] < log.floor.trunks).all()
    assert no_overlap(calls.trunk[held], calls.started[held], calls.ended[held])
    at = np.concatenate([calls.started[held], calls.ended[held]])
    change = np.repeat([1, -1], held.sum())
    order = np.lexsort((change, at))
    used = np.cumsum(change[order])
    if len(used):
        assert used.max() <= log.floor.trunks
        assert used[-1] == 0
        integral = (used[:-1] * np.diff(at[order])).sum()
        assert integral == (calls.ended - calls.started)[held].sum()


def check_leads(log):
    calls, leads = log.calls, log.leads
    out = calls.lead >= 0
    order = np.lexsort((calls.started, calls.lead))
    order = order[out[order]]
    lead, attempt = calls.lead[order], calls.attempt[order]
    first = np.append(True, lead[1:] != lead[:-1])[: len(lead)]
    assert (attempt[first] == 1).all()
    assert (np.diff(attempt)[~first[1:]] == 1).all()
    assert (attempt <= log.floor.max_attempts).all()
    assert no_overlap(calls.lead[out], calls.started[out], calls.ended[out])
    over = np.isin(calls.disposition[order], NEVER_AGAIN)
    last = np.append(first[1:], True)[: len(lead)]
    assert last[over].all(), "dialled again after a sale, a refusal or a do-not-call"
    assert not leads.do_not_call[lead].any()


def check_window(log):
    calls = log.calls
    out = calls.kind != k.COMING_IN
    place = np.searchsorted(log.times.windows, calls.started[out], side="right")
    assert (place % 2 == 1).all(), "dialled while the window is closed"


def check_tables(log):
    tables = log.tables()
    for name, table in tables.items():
        assert table.schema.equals(TABLES[name].schema().to_pyarrow()), name
        for column in TABLES[name].columns:
            assert not column.required or table[column.name].null_count == 0, (name, column.name)
            found = set(table[column.name].unique().to_pylist()) - {None}
            assert not column.values or found <= set(column.values), column.name
    calls = tables["calls"]
    assert calls.num_rows == len(log.calls)
    assert len(set(calls["call_id"].to_pylist())) == calls.num_rows
    by_result = np.bincount(log.calls.result, minlength=len(RESULTS))
    out = log.calls.kind != k.COMING_IN
    summary = log.summary()
    assert by_result.sum() == len(log.calls)
    assert summary.dials + summary.voice_dials == out.sum()
    assert summary.offered == (~out).sum()
    assert summary.offered == summary.handled + summary.abandoned + summary.blocked
    spent = np.bincount(log.turns.state, minlength=len(STATES))
    assert spent.sum() == tables["agent_states"].num_rows


def check(log):
    check_times(log)
    check_agents(log)
    check_waits(log)
    check_trunks(log)
    check_leads(log)
    check_window(log)
    check_tables(log)
