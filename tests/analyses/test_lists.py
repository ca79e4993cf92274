"""Lists: penetration, what is dead, how they wear out, which are weak."""

import datetime as dt

import ibis
import numpy as np
import pytest

from crmkit.analyses.lists import lists
from crmkit.errors import ParameterError
from crmkit.stats import ratio_interval
from crmkit.text import reading

AT = dt.datetime(2025, 3, 3, 2)
CALLS = {
    "call_id": "string",
    "lead_id": "string",
    "list_id": "string",
    "direction": "string",
    "mode": "string",
    "result": "string",
    "disposition": "string",
    "started_at": "timestamp",
    "agent_at": "timestamp",
    "ended_at": "timestamp",
}
CODES = ibis.memtable(
    [
        {"code": "SALE", "human_answered": True, "sale": True, "completed": True},
        {"code": "NI", "human_answered": True, "sale": False, "completed": True},
        {"code": "HUP", "human_answered": True, "sale": False, "completed": False},
    ]
)


def table(*rows):
    """(lead, list, day, result, disposition, mode) as dials of ten seconds."""
    filled = []
    for n, row in enumerate(rows):
        lead, name, day, result, code, mode = (*row, *(None,) * (6 - len(row)))
        at = AT + dt.timedelta(days=day, seconds=n)
        filled.append(
            {
                "call_id": f"K{n:06d}",
                "lead_id": lead,
                "list_id": name,
                "direction": "outbound",
                "mode": mode or "power",
                "result": result,
                "disposition": code,
                "started_at": at,
                "agent_at": at if code else None,
                "ended_at": at + dt.timedelta(seconds=10),
            }
        )
    return ibis.memtable(filled, schema=CALLS)


def loaded(**counts):
    rows = [
        {"lead_id": f"{name}{n}", "list_id": name, "created_at": AT}
        for name, count in counts.items()
        for n in range(count)
    ]
    schema = {"lead_id": "string", "list_id": "string", "created_at": "timestamp"}
    return ibis.memtable(rows, schema=schema)


def found(*rows, leads=None, **options):
    result = lists(table(*rows), leads, CODES, **({"as_of": "2025-06-30"} | options))
    return result, result.lists.set_index("list_id")


def test_counts_of_a_list():
    result, frame = found(
        ("1", "a", 0, "no_answer"),
        ("1", "a", 1, "human", "HUP"),
        ("2", "a", 0, "empty_number"),
        ("2", "a", 2, "no_answer"),  # dialled although it was known to be dead
        ("2", "a", 3, "no_answer"),
        ("3", "a", 0, "human", "SALE"),
        ("4", "a", 0, "powered_off"),
        ("5", "a", 0, "suspended"),
        ("6", None, 0, "no_answer"),
        (None, "a", 0, "no_answer"),  # nobody's dial
        ("7", "a", 0, "human", None, "voice"),
        leads=loaded(a=8, b=3),
    )
    row = frame.loc["a"]
    assert (row.loaded, row.dialled, row.penetration) == (8, 5, 5 / 8)
    assert (row.dials, row.reached, row.sales, row.done, row.left) == (8, 2, 1, 3, 5)
    assert (row.dead, row["empty"], row.suspended, row.off) == (2, 1, 1, 1)
    assert (row.dead_dials, row.after) == (4, 2)
    assert (row.fresh, row.contacts, row.rate) == (5, 1, 0.2)  # first dials only
    assert frame.loc["b"].verdict == "untouched" and frame.loc["b"].dialled == 0
    assert np.isnan(frame.loc[""].loaded)
    assert result.dead_minutes == pytest.approx(40 / 60)
    assert result.actions().frame.lead_id.tolist() == ["2", "5"]
    assert result.actions().frame.after.tolist() == [2, 0]


def test_enough_tries_make_a_lead_done():
    rows = [("1", "a", day, "no_answer") for day in range(4)] + [("2", "a", 0, "no_answer")]
    assert found(*rows, tries=4)[1].done["a"] == 1
    assert found(*rows, tries=5)[1].done["a"] == 0
    assert found(*rows, tries=1)[1].verdict["a"] == "used_up"
    with pytest.raises(ParameterError, match="tries"):
        found(*rows, tries=0)


def drawn(rng, rates, n=400, weeks=1, fall=1.0, mode="power"):
    """Leads of lists, each reached by the first dial with its rate, which falls by week."""
    return [
        (
            f"{name}-{week}-{k}",
            name,
            7 * week,
            *(("human", "NI") if rng.random() < rate * fall**week else ("no_answer", None)),
            mode,
        )
        for name, rate in rates.items()
        for week in range(weeks)
        for k in range(n)
    ]


def test_a_weak_list_is_found_and_equal_ones_are_not():
    rng = np.random.default_rng(1)
    _, frame = found(*drawn(rng, {"a": 0.25, "b": 0.25, "c": 0.12}))
    assert frame.verdict.to_dict() == {"a": "good", "b": "good", "c": "weak"}
    weak = 0
    for _ in range(10):
        _, frame = found(*drawn(rng, dict.fromkeys("abcd", 0.2), n=150))
        weak += (frame.verdict == "weak").any()
    assert weak <= 2


def test_lists_are_compared_with_those_dialled_alike():
    """Leads that asked for a call answer more; that makes no other list weak."""
    rng = np.random.default_rng(2)
    rows = drawn(rng, {"asked": 0.7}, mode="manual") + drawn(rng, {"cold": 0.2, "old": 0.2})
    _, frame = found(*rows)
    assert set(frame.verdict) == {"good"}


def test_decay_is_covered():
    rng = np.random.default_rng(3)
    _, frame = found(*drawn(rng, {"a": 0.3}, n=500, weeks=12, fall=0.93))
    row = frame.loc["a"]
    odds = (0.3 * 0.93**11 / (1 - 0.3 * 0.93**11)) / (0.3 / 0.7)
    assert row.decay_low < odds ** (1 / 11) < row.decay_high < 1
    _, steady = found(*drawn(rng, {"a": 0.3}, n=300, weeks=12))
    assert steady.decay_low["a"] < 1 < steady.decay_high["a"]
    assert np.isnan(found(*drawn(rng, {"a": 0.3}, weeks=2))[1].decay["a"])


def test_the_planted_wear_of_lists_is_found():
    """The simulator's later lists answer a tenth less each; numbers are dead as planted."""
    from crmkit.simulate.dialer import LeadBatch, dial
    from crmkit.simulate.floor import Floor

    floor = Floor(agents=40, trunks=120, days=5, mode="power", ratio=2.5, seed=3)
    leads = LeadBatch.draw(floor, 9000, lists=3, do_not_call=0.0)
    log = dial(floor, leads, engine="python").tables()
    calls, codes = (ibis.memtable(log[name]) for name in ("calls", "dispositions"))
    frame = lists(calls, None, codes, as_of="2025-03-07", timezone=floor.timezone).lists
    frame = frame.set_index("list_id").sort_index()
    assert (np.diff(frame.rate) < 0).all()
    planted = dict(floor.mix)
    assert frame.dead.sum() / frame.dialled.sum() == pytest.approx(
        planted["empty_number"] + planted["suspended"], abs=0.01
    )
    whole = frame[["contacts", "fresh"]].to_numpy()
    for place in (1, 2):
        low, high = ratio_interval(*whole[place], *whole[0])
        assert low < 0.9**place < high


def test_a_dead_number_is_named_once_and_by_what_was_told():
    result, _ = found(
        ("1", "a", 0, "human", "HUP"),  # alive once, dead since
        ("1", "a", 5, "suspended"),
        ("2", "a", 0, "suspended"),
        ("2", "b", 1, "empty_number"),
        ("3", "a", 0, "empty_number"),
        ("3", "a", 2, "human", "HUP"),  # the switch was wrong
    )
    listed = result.actions().frame
    assert listed[["lead_id", "list_id", "result", "after"]].to_numpy().tolist() == [
        ["2", "a", "suspended", 1],
        ["1", "a", "suspended", 0],
    ]


def test_nothing_was_dialled():
    result, _ = found((None, "a", 0, "no_answer"))
    assert result.empty and "No lead" in result.headline
    result._repr_html_()
    assert not result.findings() and len(result.actions()) == 0


def test_it_is_read_in_both_languages():
    rng = np.random.default_rng(4)
    rows = drawn(rng, {"甲": 0.3, "乙": 0.1}, n=200, weeks=4)
    rows += [("x", "甲", 30, "suspended"), ("x", "甲", 31, "no_answer")]
    result, _ = found(*rows, leads=loaded(甲=900), price=0.1, line_minute=0.2)
    for language in ("en", "zh"):
        with reading(language=language, currency="CNY"):
            assert ("名单" in result.headline) == (language == "zh")
            assert all(t.json()["rows"] for t in result.tables().values())
            assert result.plot("lists").alt and result.plot("ages").alt
            assert len(result.findings()) == 3 and result.key_figures() and result.actions().json()
