"""Visits, visitors, bounces and returns, and marks of visits crossed."""

import datetime as dt
import itertools
import json
from collections import defaultdict

import ibis
import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from crmkit.analyses.traffic import crossing, traffic
from crmkit.analyses.traffic.returns import revisits
from crmkit.errors import InputError, ParameterError
from crmkit.simulate import World, simulate
from crmkit.text import reading

MONDAY = dt.datetime(2025, 5, 5)
EVENTS = {
    "event_id": "string",
    "visitor_id": "string",
    "customer_id": "string",
    "session_id": "string",
    "occurred_at": "timestamp",
    "event": "string",
    "channel": "string",
    "keyword": "string",
    "device": "string",
}
NAMES = ("visitor_id", "occurred_at", "event", "session_id", "customer_id", "channel", "device")


def events(*rows):
    """(visitor, minutes after Monday 5 May 2025 or an instant, ...) as events."""
    made = []
    for n, row in enumerate(rows):
        filled = dict(zip(NAMES, row, strict=False))
        when = filled["occurred_at"]
        if not isinstance(when, dt.datetime):
            when = MONDAY + dt.timedelta(minutes=when)
        made.append(
            {name: filled.get(name) for name in EVENTS}
            | {
                "event_id": f"e{n:04d}",
                "occurred_at": when,
                "event": filled.get("event") or "page_view",
            }
        )
    return ibis.memtable(made, schema=EVENTS)


def told(table, **options):
    return traffic(table, **{"as_of": "2025-05-11", "memory": 0} | options)


def row(found):
    return found.periods.iloc[-1]


def test_a_pause_of_half_an_hour_does_not_end_a_visit_but_more_does():
    assert row(told(events(("a", 0), ("a", 30)))).visits == 1
    assert row(told(events(("a", 0), ("a", 30 + 1e-6)))).visits == 2
    assert row(told(events(("a", 0), ("a", 20), ("a", 45), ("a", 70)))).visits == 1
    assert row(told(events(("a", 0), ("a", 10)), gap=9)).visits == 2
    # by visitor, however their events lie between each other
    assert row(told(events(("a", 0), ("b", 20), ("a", 40)))).visits == 3


def test_a_session_id_says_what_a_visit_is():
    apart = events(("a", 0, None, "s"), ("a", 300, None, "s"))
    assert row(told(apart)).visits == 1
    close = events(("a", 0, None, "s"), ("a", 1, None, "t"))
    assert row(told(close)).visits == 2
    mixed = events(("a", 0, None, "s"), ("a", 1), ("a", 2))
    assert row(told(mixed)).visits == 2


def test_an_id_of_a_visit_never_meets_the_name_of_a_visitor():
    both = events(("x", 0), ("a", 0, None, "x"))
    assert row(told(both)).visits == 2


def test_a_visit_over_midnight_counts_on_the_day_it_began_with_all_its_pages():
    late = events(("a", 23 * 60 + 50), ("a", 24 * 60 + 10), ("a", 24 * 60 + 100))
    found = told(late, period="day", as_of="2025-05-06").periods
    assert found.visits.tolist() == [1, 1]
    assert found["views"].tolist() == [2, 1]
    assert found.dwell.fillna(-1).tolist() == [1200, -1]


def test_days_are_local_and_pauses_are_elapsed_time():
    # the clock of London goes from 1 to 2 o'clock at 01:00 UTC on 30 March 2025
    spring = events(
        ("a", dt.datetime(2025, 3, 30, 0, 45)),
        ("a", dt.datetime(2025, 3, 30, 1, 10)),
        ("a", dt.datetime(2025, 3, 30, 22, 59)),
        ("a", dt.datetime(2025, 3, 30, 23, 30)),
    )
    found = told(spring, period="day", timezone="Europe/London", as_of="2025-03-31").periods
    assert found.visits.tolist() == [2, 1]  # 00:45 to 02:10 is 25 minutes; 23:30 UTC is the 31st
    assert found.start.dt.day.tolist() == [30, 31]
    shanghai = told(spring, period="day", timezone="Asia/Shanghai", as_of="2025-03-31").periods
    assert shanghai.visits.tolist() == [1, 2]


def test_who_a_visitor_is():
    rows = events(
        ("a", 0),
        (None, 0, None, None, "c1"),
        (None, 5, None, None, "c1"),
        (None, 0),  # nobody: a page view in no visit
        (None, 0, "scroll"),
        (None, 0, None, "s"),  # a visit of nobody known
    )
    found = told(rows)
    assert (row(found).visits, row(found).visitors, row(found)["views"]) == (3, 2, 4)
    assert found.unplaced == 1
    assert "1 page views name neither" in str(found.definition)
    # a customer's id is not mistaken for a visitor's
    assert row(told(events(("c1", 0), (None, 0, None, None, "c1")))).visitors == 2


def test_a_bounce_saw_one_page_and_did_nothing():
    rows = events(
        *(("a", 0), ("a", 1, "scroll"), ("a", 2, "click")),
        *(("b", 0), ("b", 1)),
        *(("c", 0), ("c", 1, "add_to_cart")),
        ("d", 0, "view_product"),
        ("e", 0, "scroll"),  # no page at all: no visit
    )
    found = row(told(rows))
    assert (found.visits, found.bounces, found["views"]) == (4, 2, 5)
    low, high = proportion_confint(2, 4, method="wilson")
    assert (found.bounce, found.bounce_low, found.bounce_high) == pytest.approx((0.5, low, high))
    assert row(told(rows, passive=[])).bounces == 1
    assert row(told(rows, views=["page_view"])).visits == 3


def test_dwell_is_unknown_for_one_event_and_zero_for_two_at_once():
    found = row(told(events(("a", 0), ("b", 0), ("b", 0, "scroll"), ("c", 0), ("c", 10))))
    assert (found.timed, found.dwell, found.dwell_median) == (2, 300, 300)
    alone = row(told(events(("a", 0))))
    assert alone.timed == 0
    assert np.isnan(alone.dwell)
    assert np.isnan(alone.dwell_median)


def test_new_and_returning():
    week = 7 * 24 * 60
    rows = events(("a", 0), ("b", 5), ("a", week), ("a", week + 100), ("c", week + 9))
    found = told(rows, as_of="2025-05-18").periods
    assert found[["visits", "visitors", "new", "returning"]].values.tolist() == [
        [2, 2, 2, 0],
        [3, 2, 1, 1],
    ]
    # who came before the first day asked for is not new
    later = told(rows, as_of="2025-05-18", start="2025-05-12").periods
    assert later[["visits", "new", "returning"]].values.tolist() == [[3, 1, 1]]


def test_new_visitors_are_blank_while_the_data_cannot_tell():
    rows = events(*(("a", day * 24 * 60) for day in range(0, 49, 7)))
    found = traffic(rows, as_of="2025-06-22").periods
    assert found.new.isna().tolist() == [True] * 5 + [False] * 2
    assert found.new_rate.dropna().tolist() == [0, 0]
    assert "blank where the data reach back less than 30 days" in str(
        traffic(rows, as_of="2025-06-22").definition
    )


def test_a_quiet_week_has_zeros_and_a_running_one_is_marked():
    week = 7 * 24 * 60
    found = told(events(("a", 0), ("a", 2 * week)), as_of="2025-05-21")
    assert found.periods.visits.tolist() == [1, 0, 1]
    assert found.periods.partial.tolist() == [False, False, True]
    assert found.latest == pd.Timestamp("2025-05-12")
    assert found.headline == "2025-W20: no visit."
    assert np.isnan(found.periods.bounce.iloc[1])
    running = told(events(("a", 0)), as_of="2025-05-07")
    assert running.headline.startswith("2025-W19 so far: 1 visits by 1 visitors")
    assert running.before is None


def test_a_first_period_that_the_data_cut_is_left_out():
    rows = events(("a", 2 * 24 * 60), ("b", 8 * 24 * 60))
    found = told(rows, as_of="2025-05-18")
    assert found.cut
    assert found.periods.visits.tolist() == [1]
    assert "began before the data" in str(found.definition)
    asked = told(rows, as_of="2025-05-18", start="2025-05-06")
    assert asked.cut
    assert not told(events(("a", 0), ("b", 8 * 24 * 60)), as_of="2025-05-18").cut
    # alone, it is shown all the same
    assert told(events(("a", 2 * 24 * 60))).periods.visits.tolist() == [1]


def test_an_event_after_the_last_day_does_not_count():
    edge = MONDAY + dt.timedelta(days=7)
    found = told(events(("a", edge - dt.timedelta(microseconds=1)), ("b", edge)))
    assert row(found).visits == 1


def test_the_source_is_that_of_the_first_event():
    rows = events(
        ("a", 0, None, None, None, "ads"),
        ("a", 1, None, None, None, "mail"),
        ("b", 0, None, None, None, None),
        ("b", 1, None, None, None, "mail"),
    )
    found = told(rows).sources
    assert found[["key", "visits"]].astype(object).where(found.notna(), None).values.tolist() == [
        ["ads", 1],
        [None, 1],
    ]
    assert found.share.sum() == 1
    names = [r[0]["words"] for r in told(rows).table().json()["rows"]]
    assert names == ["ads", "Not given"]


def test_ties_in_time_go_by_event_id():
    rows = [("a", 0, None, None, None, "ads"), ("a", 0, None, None, None, "mail")]
    assert told(events(*rows)).sources.key.tolist() == ["ads"]
    assert told(events(*rows[::-1])).sources.key.tolist() == ["mail"]


def test_sources_are_compared_with_the_period_before_and_with_the_rest():
    week = 7 * 24 * 60
    rows = [
        (f"{c}{k}{w}", w * week + k, None, None, None, c)
        for w, sizes in enumerate(({"ads": 40, "mail": 60}, {"ads": 70, "mail": 50, "new": 2}))
        for c, n in sizes.items()
        for k in range(n)
    ]
    rows += [(f"ads{k}1", week + k + 1, "search") for k in range(60)]
    found = told(events(*rows), as_of="2025-05-18").sources.set_index("key")
    assert found.change.to_dict() == {"ads": 30, "mail": -10, "new": 2}
    assert found.visits_before.to_dict() == {"ads": 40, "mail": 60, "new": 0}
    assert found.bounces.to_dict() == {"ads": 10, "mail": 50, "new": 2}
    raw = [
        proportions_ztest([10, 52], [70, 52])[1],
        proportions_ztest([50, 12], [50, 72])[1],
    ]
    adjusted = multipletests(raw, method="holm")[1]
    assert found.p_adjusted[["ads", "mail"]].tolist() == pytest.approx(adjusted, abs=1e-12)
    assert np.isnan(found.p_adjusted["new"])
    low, high = proportion_confint(70, 122, method="wilson")
    assert found.loc["ads", ["share_low", "share_high"]].tolist() == pytest.approx([low, high])
    words = [finding.words for finding in told(events(*rows), as_of="2025-05-18").findings()]
    assert any("22 more): ads alone brought 30 more" in line for line in words)
    assert any(line.startswith("mail: 100.0%") for line in words)


def test_search_words():
    rows = [
        dict.fromkeys(EVENTS)
        | {
            "event_id": str(n),
            "visitor_id": str(n),
            "occurred_at": MONDAY + dt.timedelta(hours=n),
            "event": "page_view",
            "keyword": word,
        }
        for n, word in enumerate(["绿茶", "绿茶", "红茶", None])
    ]
    found = told(ibis.memtable(rows, schema=EVENTS)).words
    assert found[["key", "visits"]].values.tolist() == [["绿茶", 2], ["红茶", 1]]
    assert found.share.tolist() == pytest.approx([2 / 3, 1 / 3])


def test_days_to_return_by_hand():
    """Visits on days 0, 2, 7 by a and on day 3 by b, watched until day 10."""
    day = 24 * 60
    rows = events(("a", 0), ("a", 2 * day), ("a", 7 * day), ("b", 3 * day))
    found = told(rows, as_of="2025-05-15").revisits.iloc[0]
    # days: 2 and 5 returned; 3 (a's last) and 7 (b) are still open
    assert (found.visits, found.returned) == (4, 2)
    # still out: 3/4 after 2 days, then 3 is censored, so 3/4 * 1/2 after 5
    assert found["median"] == 5
    assert found.seen == 3.5
    assert found.back_7 == pytest.approx(1 - 3 / 8)
    assert np.isnan(found.back_30)


def test_days_to_return_agree_with_statsmodels():
    rng = np.random.default_rng(5)
    days, back = rng.geometric(0.05, 400), rng.random(400) < 0.6
    gaps = (
        pd.DataFrame({"key": "x", "day": days, "back": back})
        .groupby(["key", "day"])
        .agg(visits=("back", "size"), new=("back", "sum"))
        .reset_index()
    )
    found = revisits(gaps).iloc[0]
    curve = SurvfuncRight(days, back.astype(int))
    assert found["median"] == curve.quantile(0.5)
    low, high = curve.quantile_ci(0.5, method="cloglog")
    assert (found.median_low, found.median_high) == (low, high)
    at = np.searchsorted(curve.surv_times, 7, side="right") - 1
    assert found.back_7 == pytest.approx(1 - curve.surv_prob[at])
    assert found.back_7_low < found.back_7 < found.back_7_high


def test_nobody_came_back_and_everybody_did():
    gaps = pd.DataFrame({"key": ["x"], "day": [9], "visits": [5], "new": [0]})
    none = revisits(gaps).iloc[0]
    assert np.isnan(none["median"])
    assert none.back_7 == 0
    everybody = revisits(gaps.assign(new=5)).iloc[0]
    assert everybody["median"] == 9
    assert revisits(gaps.iloc[:0]).empty


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    return simulate(World.preset("small"), out=tmp_path_factory.mktemp("firm"))


def _visits(frame):
    """Visits by plain Python: (visitor, begins, ends, events, views, active, channel)."""
    made = defaultdict(list)
    for event in frame.sort_values(["occurred_at", "event_id"]).itertuples():
        known = isinstance(event.session_id, str)
        if known:
            made["s", event.session_id].append(event)
            continue
        key = ("v", event.visitor_id)
        parts = made.setdefault(key, [])
        if not parts or event.occurred_at - parts[-1][-1].occurred_at > pd.Timedelta("30min"):
            parts.append([])
        parts[-1].append(event)
    runs = [run for key, run in made.items() if key[0] == "s"]
    runs += [run for key, runs in made.items() if key[0] == "v" for run in runs]
    found = []
    for run in runs:
        views = [e for e in run if e.event == "page_view" or e.event.startswith("view_")]
        quiet = {"scroll", "click"}
        active = [e for e in run if e not in views and e.event not in quiet]
        if views:
            first, last = run[0], run[-1]
            found.append(
                {
                    "visitor": first.visitor_id,
                    "begins": first.occurred_at,
                    "seconds": (last.occurred_at - first.occurred_at).seconds,
                    "events": len(run),
                    "views": len(views),
                    "bounce": len(views) == 1 and not active,
                    "channel": first.channel,
                }
            )
    return pd.DataFrame(found)


@pytest.mark.parametrize("with_sessions", [True, False])
def test_it_agrees_with_plain_python_on_the_simulated_firm(firm, with_sessions):
    table = ibis.read_parquet(firm / "events.parquet")
    if not with_sessions:
        table = table.drop("session_id")
    frame = table.execute()
    if not with_sessions:
        frame["session_id"] = None
    made = _visits(frame)
    local = made.begins + pd.Timedelta(hours=8)
    made["week"] = local.dt.normalize() - pd.to_timedelta(local.dt.day_of_week, unit="D")
    firsts = made.sort_values("begins").drop_duplicates("visitor").groupby("week").size()
    found = traffic(table, as_of="2024-12-31", timezone="Asia/Shanghai", memory=0)
    assert len(found.periods) > 20
    for shown in found.periods.itertuples():
        week = made[made.week == shown.start]
        timed = week[week.events > 1].seconds
        assert shown.visits == len(week)
        assert shown.views == week["views"].sum()
        assert shown.visitors == week.visitor.nunique()
        assert shown.new == firsts.get(shown.start, 0)
        assert shown.bounces == week.bounce.sum()
        assert (shown.dwell, shown.dwell_median) == pytest.approx((timed.mean(), timed.median()))
    sizes = made.fillna({"channel": ""}).groupby(["week", "channel"]).size()
    for shown in found.by_source.itertuples():
        assert shown.visits == sizes[shown.start, shown.key or ""]


def test_the_planted_leak_is_where_visits_bounce(firm):
    """Visits of 天猫旗舰店 go on to a product less often: it is planted."""
    table = ibis.read_parquet(firm / "events.parquet")
    found = traffic(table, as_of="2024-12-31", timezone="Asia/Shanghai", period="year")
    rows = found.sources.set_index("key")
    assert rows.bounce.idxmax() == "天猫旗舰店"
    assert rows.p_adjusted["天猫旗舰店"] < 0.05
    assert any("天猫旗舰店" in finding.words for finding in found.findings())


def test_empty_and_quiet_events_say_so():
    nothing = told(events())
    assert nothing.empty
    assert nothing.headline == "No visit was recorded by 11 May 2025."
    assert nothing.key_figures() == ()
    assert nothing.findings() == ()
    for table in nothing.tables().values():
        json.dumps(table.json())
    assert str(nothing.plot()) == nothing.headline
    unseen = told(events(("a", 0, "scroll"), (None, 0)))
    assert unseen.empty
    assert unseen.unplaced == 1


def test_one_visit():
    found = told(events(("a", 0, None, None, None, "ads")))
    assert found.key_figures()[0].value == 1
    for kind in found.plots():
        assert found.plot(kind).alt
    assert found.findings() == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gap": 0}, "gap is 0"),
        ({"views": []}, "views is empty"),
        ({"views": "page_view"}, "one word"),
        ({"start": "2025-06-01"}, "lies after"),
        ({"by": "chanel"}, "Did you mean 'channel'"),
        ({"period": "fortnight"}, "not a period"),
        ({"memory": -1}, "memory is -1"),
    ],
)
def test_impossible_requests_are_refused(options, words):
    with pytest.raises(ParameterError, match=words):
        told(events(("a", 0)), **options)


def test_missing_columns_are_named():
    with pytest.raises(InputError, match="event_id"):
        told(events(("a", 0)).drop("event_id"))
    bare = events(("a", 0)).drop("session_id", "customer_id", "keyword")
    assert row(told(bare)).visits == 1


def test_it_is_read_in_chinese(firm):
    table = ibis.read_parquet(firm / "events.parquet")
    found = traffic(table, as_of="2024-12-30", timezone="Asia/Shanghai")
    with reading(language="zh", currency="CNY"):
        assert "访问" in found.headline
        assert "跳出率" in str(found.tables()["periods"].json())
        for kind in found.plots():
            assert "<svg" in found.plot(kind).narrow


# marks crossed


def visits(counts):
    """(channel, device, visits, of which bought) as events of one-page visits."""
    rows = []
    number = itertools.count()
    for channel, device, n, bought in counts:
        for k in range(n):
            session = f"s{next(number)}"
            rows.append((None, k, "page_view", session, None, channel, device))
            if k < bought:
                rows.append((None, k, "purchase", session, None, channel, device))
                rows.append((None, k, "purchase", session, None, channel, device))
    return events(*rows)


COUNTS = [
    ("ads", "mobile", 200, 10),
    ("ads", "desktop", 100, 30),
    ("mail", "mobile", 100, 20),
    ("mail", None, 29, 29),
]


def crossed(table, **options):
    return crossing(table, **{"as_of": "2025-05-11", "columns": "device"} | options)


def test_pairs_by_hand():
    found = crossed(visits(COUNTS))
    assert (found.visits, found.hits) == (429, 89)
    cells = found.cells.set_index("visits").loc[[200, 29]]
    assert cells.hits.tolist() == [10, 29]
    assert cells.rest.tolist() == pytest.approx([79 / 229, 60 / 400])
    assert cells.extra.tolist() == pytest.approx([10 - 200 * 79 / 229, 29 - 29 * 60 / 400])
    low, high = proportion_confint(10, 200, method="wilson")
    assert cells.rate_low.iloc[0] == pytest.approx(low)
    assert cells.rate_high.iloc[0] == pytest.approx(high)
    by_name = found.cells.set_index(["row", "column"])
    order = [("ads", "mobile"), ("ads", "desktop"), ("mail", "mobile")]
    raw = [
        proportions_ztest([by_name.hits[k], 89 - by_name.hits[k]], [n, 429 - n])[1]
        for k in order
        for n in [by_name.visits[k]]
    ]
    adjusted = multipletests(raw, method="holm")[1]
    assert [by_name.p_adjusted[k] for k in order] == pytest.approx(list(adjusted), abs=1e-12)
    assert [by_name.verdict[k] for k in order] == ["worse", "better", ""]
    assert found.cells[found.cells.visits == 29].p.isna().all()  # too few to judge
    assert found.headline == (
        "ads, mobile: 5.0% (2.7–9.0%) of 200 visits reach purchase, 34.5% of the others."
    )


def test_one_pair_has_no_rest():
    found = crossed(visits([("ads", "mobile", 40, 4)]))
    assert found.cells.rest.isna().all()
    assert "no pair differs" in found.headline
    assert found.plot().alt
    nobody = crossed(visits([("ads", "mobile", 40, 0), ("mail", "mobile", 40, 0)]))
    assert nobody.cells.verdict.eq("").all()
    assert nobody.cells.ratio.isna().all()
    everybody = crossed(visits([("ads", "mobile", 40, 40), ("mail", "mobile", 40, 40)]))
    assert everybody.cells.rate.eq(1).all()


def test_a_goal_may_be_a_condition():
    table = visits(COUNTS)
    assert crossed(table, goal=ibis._.event == "purchase").hits == 89
    assert crossed(table, goal="signup").hits == 0
    assert "the goal" in str(crossed(table, goal=ibis._.event == "purchase").definition)


def test_a_period_of_visits():
    found = crossed(visits(COUNTS), start="2025-05-06")
    assert found.empty
    assert found.headline == "No visit was recorded by 11 May 2025."
    assert str(found.plot()) == found.headline


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rows": "chanel"}, "Did you mean 'channel'"),
        ({"columns": "channel"}, "two different"),
        ({"start": "2025-06-01"}, "lies after"),
        ({"columns": "content"}, "no column 'content'"),
    ],
)
def test_impossible_crossings_are_refused(options, words):
    with pytest.raises(ParameterError, match=words):
        crossed(visits(COUNTS), **options)


def test_planted_leaks_are_found_by_channel_and_device(firm):
    """抖音直播 leaks at the cart and mobile at the order; together they reach the goal least."""
    table = ibis.read_parquet(firm / "events.parquet")
    found = crossed(table, as_of="2024-12-31", timezone="Asia/Shanghai")
    worst = found.cells[found.cells.verdict == "worse"].sort_values("extra").iloc[0]
    assert (worst.row, worst.column) == ("抖音直播", "mobile")
    frame = table.execute().sort_values(["occurred_at", "event_id"]).dropna(subset="session_id")
    first = frame.drop_duplicates("session_id").set_index("session_id")
    bought = frame[frame.event == "purchase"].session_id.unique()
    hits = first.loc[bought].groupby(["channel", "device"]).size()
    sizes = first.groupby(["channel", "device"]).size()
    for cell in found.cells.itertuples():
        assert cell.visits == sizes[cell.row, cell.column]
        assert cell.hits == hits.get((cell.row, cell.column), 0)


def test_crossings_are_read_in_chinese():
    found = crossed(visits(COUNTS))
    with reading(language="zh", currency="CNY"):
        assert "访问" in found.headline
        assert "未填" in str(found.table().json())
        assert found.findings()[0].action
        assert "<svg" in found.plot().wide
