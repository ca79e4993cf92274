"""Calls with their outcome flags, local time and lengths."""

import datetime as dt

import ibis
import pytest

from crmkit.dials import dials, on_floor
from crmkit.errors import InputError

AT = dt.datetime(2025, 3, 30, 0, 30)


def call(call_id, started=AT, **more):
    row = dict.fromkeys(
        ("direction", "result", "disposition", "raw_status", "answered_at", "queued_at")
    ) | dict.fromkeys(("agent_at", "ended_at", "wrap_end_at"))
    return row | {"call_id": call_id, "started_at": started} | more


def table(*rows):
    times = {name: "timestamp" for name in rows[0] if name.endswith("_at")}
    return ibis.memtable(list(rows), schema={name: times.get(name, "string") for name in rows[0]})


CODES = ibis.memtable(
    {
        "code": ["SALE", "DROP", "AM", "CB"],
        "human_answered": [True, True, False, None],
        "sale": [True, None, False, False],
    }
)


def read(*rows, codes=CODES, **options):
    given = {"as_of": "2025-03-31", "timezone": "Europe/London"} | options
    found = dials(table(*rows), codes, **given).execute()
    return found.set_index("call_id").sort_index()


def test_flags_come_from_the_table_and_not_from_names():
    found = read(
        call("a", agent_at=AT, disposition="SALE", result="human"),
        call("b", raw_status="DROP", result="dropped"),
        call("c", agent_at=AT, disposition="AM", result="human"),
        call("d", agent_at=AT, disposition="CB", result="human"),
        call("e", raw_status="SALE_2", result="no_answer"),
    )
    assert found.answered.tolist() == [True, True, False, True, False]
    assert found.contact.tolist() == [True, False, False, True, False]
    assert found.dropped.tolist() == [False, True, False, False, False]
    assert found.coded.tolist() == [True, True, True, True, False]
    assert found.sale.tolist() == [True, False, False, False, None]


def test_without_dispositions_flags_are_unknown():
    found = read(call("a", result="human", agent_at=AT), codes=None)
    assert bool(found.contact.iloc[0]) and found.sale.isna().all()


def test_hours_are_local_over_daylight_saving():
    found = read(call("a", AT), call("b", AT + dt.timedelta(hours=1)))
    assert found.hour.tolist() == [0, 2]  # one o'clock does not exist that night
    assert found.weekday.tolist() == [6, 6]


def test_the_window_is_of_local_days():
    late = dt.datetime(2025, 3, 31, 23, 30)  # already the first of April in London
    assert read(call("a", AT), call("b", late)).index.tolist() == ["a"]
    assert read(
        call("a", AT), call("b", late), start="2025-03-31", as_of="2025-04-01"
    ).index.tolist() == ["b"]


def test_lengths_are_elapsed_and_never_below_zero():
    second = dt.timedelta(seconds=1)
    found = read(
        call("a", answered_at=AT + 5 * second, agent_at=AT + 7 * second, ended_at=AT + 67 * second),
        call("b", agent_at=AT + 9 * second, ended_at=AT + 8 * second),
        call("c", ended_at=AT + 30 * second),
    )
    assert found.wait_seconds.tolist()[0] == 2 and found.talk_seconds.tolist()[0] == 60
    assert found.talk_seconds.isna().tolist() == [False, True, True]
    assert found.ring_seconds.tolist()[::2] == [5, 30]
    assert found.ring_seconds.isna()["b"]  # answered, and nobody wrote down when


def test_calls_need_a_start():
    with pytest.raises(InputError, match="started_at"):
        dials(ibis.memtable({"call_id": ["a"]}), as_of="2025-03-31")


def test_columns_of_a_finer_type_keep_their_names():
    """Parquet gives instants with a stated precision, which is a type of its own."""
    finer = ibis.memtable({"call_id": ["a"], "started_at": [AT]}).cast(
        {"started_at": "timestamp(6)"}
    )
    assert dials(finer, as_of="2025-03-31").select("started_at").execute().iloc[0, 0] == AT


def test_a_desk_that_is_never_ready_is_not_on_the_floor():
    states = ibis.memtable(
        {
            "agent_id": ["a", "a", "desk", "desk", "b"],
            "state": ["ready", "talk", "talk", "pause", "ready"],
            "reason": [None, None, None, "paperwork", None],
        }
    )
    kept = on_floor(states).execute()
    assert sorted(kept.agent_id) == ["a", "a", "b"] and list(kept) == list(states.columns)
    assert on_floor(states.limit(0)).execute().empty
