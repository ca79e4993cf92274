"""The funnel as an analysis: rates, times, trend, comparison, bridge, drop-off, drivers."""

import datetime as dt
import json
import math

import ibis
import pandas as pd
import pytest

from crmkit import connect
from crmkit.analyses.funnel import dropoff, funnel, funnel_drivers, funnel_sensitivity
from crmkit.analyses.paths import Anchors, paths
from crmkit.errors import ParameterError
from crmkit.simulate import simulate
from crmkit.stats import wilson
from crmkit.steps import Exclusion, Matching, Step

DAY = dt.datetime(2025, 3, 3)
STEPS = ["view", "cart", "buy"]
WHEN = {"as_of": "2025-03-09", "days": 7}
HOUR = Matching(window=dt.timedelta(hours=1))


def events(*rows: tuple[str, float, str], channel: dict | None = None) -> ibis.Table:
    """Rows of (customer, minute, event)."""
    frame = pd.DataFrame(
        {
            "event_id": [f"{i:05d}" for i in range(len(rows))],
            "customer_id": [row[0] for row in rows],
            "occurred_at": [DAY + dt.timedelta(minutes=row[1]) for row in rows],
            "event": [row[2] for row in rows],
            "channel": [(channel or {}).get(row[0]) for row in rows],
            "session_id": [row[0] for row in rows],
        }
    ).astype({"customer_id": "string", "event": "string", "channel": "string"})
    return ibis.memtable(frame)


SMALL = events(
    ("a", 0, "view"), ("a", 2, "cart"), ("a", 10, "buy"),
    ("b", 0, "view"), ("b", 4, "cart"), ("b", 5, "help"),
    ("c", 0, "view"), ("c", 40, "view"),
    ("d", 0, "cart"), ("d", 1, "buy"),
    ("e", 0, "view"), ("e", 6, "cart"), ("e", 20, "buy"),
    channel={"a": "p", "b": "p", "c": "q", "e": "q"},
)  # fmt: skip


@pytest.fixture(scope="module")
def small():
    return funnel(SMALL, steps=STEPS, how=HOUR, **WHEN)


def test_steps_have_their_rates_and_times(small):
    steps = small.steps
    assert steps.units.tolist() == [4, 3, 2]
    assert steps.n.tolist() == [4, 4, 3]
    assert steps.rate.tolist() == pytest.approx([1, 3 / 4, 2 / 3])
    assert steps.total.tolist() == pytest.approx([1, 3 / 4, 1 / 2])
    assert steps.lost.tolist() == [0, 1, 1]
    assert steps.median_from_last.tolist()[1:] == [240.0, (480 + 840) / 2]
    assert steps.mean_from_first.tolist()[1:] == [240.0, 900.0]
    low, high = map(float, wilson(3, 4))
    assert (steps.rate_low[1], steps.rate_high[1]) == pytest.approx((low, high))


def test_times_to_convert_lie_in_bins_with_their_lower_edge():
    rows = [(f"u{i}", 0, "view") for i in range(9)] + [(f"u{i}", i, "buy") for i in range(9)]
    times = funnel(events(*rows), steps=["view", "buy"], how=HOUR, **WHEN).times
    # ceil(cube root of 9) = 3 bins over 0 to 480 s: 160 s wide, and one more for the upper edge.
    assert times.left.tolist() == [0, 160, 320, 480]
    assert times.units.tolist() == [3, 3, 2, 1]


def test_the_bridge_adds_up(small):
    lines = dict(zip(small.bridge["value"], small.bridge.units, strict=True))
    assert (lines["last"], lines["last_only"], lines["finished"]) == (3, 1, 2)
    assert len(small.tables()["bridge"].frame) == 6  # lines of nothing are left out
    out = [Exclusion("help", mode="drop_user")]
    how = Matching(window=dt.timedelta(hours=1), exclusions=out)
    dropped = funnel(SMALL, steps=STEPS, how=how, **WHEN)
    lines = dict(zip(dropped.bridge["value"], dropped.bridge.units, strict=True))
    assert (lines["first"], lines["first_only"], lines["entered"]) == (4, 1, 3)
    assert dropped.tables()["bridge"].frame.units.tolist()[:4] == [4, 4, -1, 3]


ORDERS = ibis.memtable(
    pd.DataFrame(
        {
            "customer_id": ["a", "z", None, "y"],
            "ordered_at": [DAY] * 4,
            "order_id": list("1234"),
            "amount": [5.0] * 4,
            "refunded": [False, False, False, True],
        }
    )
)
LEADS = ibis.memtable(
    pd.DataFrame({"lead_id": list("12"), "customer_id": ["e", "e"], "created_at": [DAY] * 2})
)


def test_orders_and_leads_are_reconciled():
    found = funnel(SMALL, steps=STEPS, how=HOUR, orders=ORDERS, leads=LEADS, **WHEN)
    lines = dict(zip(found.bridge["value"], found.bridge.units, strict=True))
    assert (lines["buyers"], lines["buyers_only"], lines["finished_no_order"]) == (2, 1, 1)
    assert (lines["leads"], lines["leads_only"], lines["finished_no_lead"]) == (1, 0, 1)
    found.tables()


def test_visits_and_accounts_are_not_compared_with_customers():
    how = Matching(window=HOUR.window, unit="session")
    found = funnel(SMALL, steps=STEPS, how=how, orders=ORDERS, leads=LEADS, **WHEN)
    assert not {"buyers", "leads", "visits"} & set(found.bridge["value"])
    assert "finished, but no order is known" not in found.tables()["bridge"].frame.line.tolist()


def test_visits_with_the_first_step_are_where_paths_begin():
    rows = [("a", 0, "view"), ("a", 1, "buy"), ("a", 90, "view"), ("b", 0, "buy")]
    plain = events(*rows).drop("session_id")
    found = funnel(plain, steps=["view", "buy"], how=HOUR, **WHEN)
    lines = dict(zip(found.bridge["value"], found.bridge.units, strict=True))
    assert (lines["visits"], lines["first"]) == (2, 1)
    assert paths(plain, anchors=Anchors(start="view"), **WHEN).total == 2


def test_in_any_order_the_rows_are_how_many_steps_were_made():
    how = Matching(window=HOUR.window, order="unordered")
    found = funnel(SMALL, steps=STEPS, how=how, **WHEN)
    assert found.steps.name.tolist() == ["any of the steps", "any 2 of the steps", "all steps"]
    assert found.steps.units.tolist() == [5, 4, 2]
    assert "before all steps" in found.headline
    left = dropoff(SMALL, steps=STEPS, how=how, **WHEN).rows
    assert left.name.unique().tolist() == ["any of the steps", "any 2 of the steps"]


def test_the_share_of_all_is_of_all():
    table = funnel(SMALL, steps=STEPS, how=HOUR, **WHEN).tables()["steps"]
    total = next(c for c in table.columns if c.name == "total")
    assert table.frame[total.n].tolist() == [4, 4, 4]


def test_optional_steps_do_not_lower_the_next():
    steps = ["view", Step("cart", optional=True), "buy"]
    found = funnel(SMALL, steps=steps, how=HOUR, **WHEN).steps
    assert found.n.tolist() == [4, 4, 4]
    assert found.optional.tolist() == [False, True, False]


def test_values_are_compared_with_all_others():
    rows, channel = [], {}
    for name, n, bought in (("p", 200, 100), ("q", 200, 20), ("r", 10, 5)):
        for i in range(n):
            unit = f"{name}{i}"
            channel[unit] = name
            rows.append((unit, 0, "view"))
            if i < bought:
                rows.append((unit, 1, "buy"))
    how = Matching(window=dt.timedelta(hours=1), breakdown="channel")
    found = funnel(events(*rows, channel=channel), steps=["view", "buy"], how=how, **WHEN)
    values = found.values.set_index("value")
    assert values.rate[["p", "q", "r"]].tolist() == [0.5, 0.1, 0.5]
    assert values.rest["p"] == pytest.approx(25 / 210)
    assert values.p[["p", "q"]].max() < 1e-9
    assert values.weak.to_dict() == {"p": False, "q": False, "r": True}
    words = " ".join(f.words for f in found.findings())
    assert "q: 10.0% finish" in words
    assert " r:" not in words


def leaking(*cells: tuple[str, int, int, int]) -> ibis.Table:
    """Values with how many viewed, put in the cart, bought."""
    rows, known = [], {}
    for name, *counts in cells:
        for step, count in zip(STEPS, counts, strict=True):
            rows += [(f"{name}{i}", STEPS.index(step), step) for i in range(count)]
        known |= {f"{name}{i}": name for i in range(counts[0])}
    return events(*rows, channel=known)


def test_the_step_at_which_a_value_loses_more_is_named():
    how = Matching(window=HOUR.window, breakdown="channel")
    made = leaking(("p", 400, 200, 40), ("q", 400, 200, 160), ("r", 20, 20, 1))
    found = funnel(made, steps=STEPS, how=how, **WHEN)
    leaks = found.leaks.set_index(["value", "step"])
    assert leaks.n[("p", 3)] == 200
    assert leaks.rate[("p", 3)] == 40 / 200
    assert leaks.rest[("p", 3)] == 161 / 220
    assert leaks.p[("p", 3)] < 1e-9
    assert leaks.p[("p", 2)] > 0.5
    assert leaks.weak[("r", 2)]
    actions = [f.action for f in found.findings()]
    assert "Mend buy for p first: 20.0% go on there, of the others 73.2%." in actions
    assert found.tables()["leaks"].frame.iloc[0][["value", "name"]].tolist() == ["p", "buy"]


def test_the_chart_of_values_tells_which_way_and_keeps_those_that_differ():
    how = Matching(window=HOUR.window, breakdown="channel")
    worse = leaking(("bad", 300, 60, 30), *((f"v{i:02d}", 100, 60, 50) for i in range(20)))
    figure = funnel(worse, steps=STEPS, how=how, **WHEN).plot("values")
    assert figure.title == "bad finishes less often: 10.0% against 50.0% elsewhere."
    assert "bad 10.0%" in figure.alt
    assert figure.alt.count("%") // 3 <= 15
    assert "15 of 21" in figure.subtitle


def test_the_last_value_is_not_one_after_the_finish():
    rows = [("a", 0, "view"), ("a", 1, "cart"), ("a", 2, "buy"), ("a", 9, "view")]
    made = events(*rows).mutate(channel=ibis._.event_id.cases(("00003", "late"), else_="early"))
    how = Matching(window=HOUR.window, breakdown="channel", credit="last_touch")
    assert funnel(made, steps=STEPS, how=how, **WHEN).values["value"].tolist() == ["early"]


def test_values_that_may_overlap_are_said():
    for credit, said in (("first_touch", False), ("step", True), ("all_events", True)):
        how = Matching(window=HOUR.window, breakdown="channel", credit=credit)
        card = funnel(SMALL, steps=STEPS, how=how, **WHEN).definition
        assert any("under two values; the tests" in words for _, words in card.items) == said


def test_a_period_that_began_earlier_is_marked():
    found = funnel(SMALL, steps=STEPS, how=HOUR, as_of="2025-03-09", days=10).trend
    assert found.cut.tolist() == [False]  # nobody entered in the week that was cut
    found = funnel(SMALL, steps=STEPS, how=HOUR, as_of="2025-03-09", days=7, period="month").trend
    assert found.cut.tolist() == [True]


def test_nobody_goes_on_and_the_loss_is_drawn():
    found = funnel(events(("a", 0, "view"), ("b", 0, "view")), steps=STEPS, how=HOUR, **WHEN)
    assert found.steps.lost.tolist() == [0, 2, 0]
    svg = found.plot("steps").wide
    assert "2 left" in svg


def test_the_trend_counts_a_unit_once_a_period_and_says_what_is_open():
    week = 7 * 24 * 60
    rows = [("a", 0, "view"), ("a", 1, "buy"), ("a", 2, "view"), ("a", week, "view")]
    rows += [("b", week + 6 * 24 * 60 + 1400, "view")]
    found = funnel(events(*rows), steps=["view", "buy"], how=HOUR, as_of="2025-03-16", days=14)
    trend = found.trend
    assert trend.n.tolist() == [1, 2]
    assert trend.units.tolist() == [1, 0]
    assert trend.partial.tolist() == [False, True]
    assert (found.open, trend.open.tolist()) == (1, [0, 1])


def test_nobody_and_everybody():
    nobody = funnel(SMALL, steps=["sing", "dance"], how=HOUR, **WHEN)
    assert nobody.empty
    assert "Nobody made the first step, sing" in nobody.headline
    assert "Nobody" in str(nobody.plot())
    nobody.tables()
    everybody = funnel(SMALL, steps=["view", "view"], how=HOUR, **WHEN)
    assert everybody.steps.units.tolist() == [4, 1]
    one = funnel(SMALL, steps=["buy"], how=HOUR, **WHEN)
    assert one.steps.total.tolist() == [1.0]
    assert one.findings() == ()
    for kind in small_kinds():
        one.plot(kind)


def small_kinds() -> tuple[str, ...]:
    return ("steps", "trend", "times")


def test_rows_of_nobody_and_without_a_time_are_counted():
    frame = SMALL.execute()
    frame.loc[0, "customer_id"] = None
    frame.loc[3, "occurred_at"] = pd.NaT
    found = funnel(ibis.memtable(frame), steps=STEPS, how=HOUR, **WHEN)
    assert found.unplaced == (1, 1)
    assert found.steps.units.tolist() == [2, 1, 1]


def test_ten_thousand_names_and_one_unit_with_many_events():
    many = pd.DataFrame(
        {
            "event_id": [f"{i:07d}" for i in range(200_000)],
            "customer_id": "one",
            "occurred_at": DAY + pd.to_timedelta([i % 500_000 for i in range(200_000)], unit="s"),
            "event": [f"e{i % 10_000}" for i in range(200_000)],
        }
    )
    table = ibis.memtable(many)
    found = funnel(table, steps=["e1", "e2", "e9999"], how=HOUR, **WHEN)
    assert found.steps.units.tolist() == [1, 1, 0]


def test_dropoff_says_where_they_went():
    found = dropoff(SMALL, steps=STEPS, how=HOUR, **WHEN)
    rows = {(r.name, r.target): (r.units, r.n) for r in found.rows.itertuples(index=False)}
    assert rows == {("view", ""): (1, 1), ("cart", "help"): (1, 1)}
    assert dropoff(SMALL, steps=STEPS, how=HOUR, ignore=["help"], **WHEN).rows.target.eq("").all()
    assert dropoff(SMALL, steps=["buy"], how=HOUR, **WHEN).headline == "Nobody left the funnel."
    found.plot()


def test_the_sensitivity_table_changes_one_decision_at_a_time():
    rows = funnel_sensitivity(SMALL, steps=STEPS, how=HOUR, **WHEN).rows.set_index("definition")
    assert set(rows.index) == {
        "given", "strict", "unordered", "first", "half", "double", "session"
    }  # fmt: skip
    assert rows.units["given"] == 2
    assert rows.n["unordered"] == 5
    for name, how in (
        ("strict", Matching(window=HOUR.window, order="strict")),
        ("half", Matching(window=HOUR.window / 2)),
    ):
        alone = funnel(SMALL, steps=STEPS, how=how, **WHEN).steps
        assert rows.units[name] == alone.units.iloc[-1]


def test_half_of_an_odd_window_is_whole_seconds():
    for window, half in ((61, 30), (1, 1)):
        how = Matching(window=dt.timedelta(seconds=window))
        rows = funnel_sensitivity(SMALL, steps=STEPS, how=how, **WHEN).rows.set_index("definition")
        alone = Matching(window=dt.timedelta(seconds=half))
        assert rows.units["half"] == funnel(SMALL, steps=STEPS, how=alone, **WHEN).steps.units[2]


def test_drivers_have_the_odds_ratio_of_their_four_cells():
    rows = []
    for i in range(400):
        helped, bought = i < 200, (i % 200) < (120 if i < 200 else 60)
        rows.append((f"u{i}", 0, "view"))
        rows += [(f"u{i}", 1, "help")] if helped else []
        rows += [(f"u{i}", 2, "buy"), (f"u{i}", 3, "later")] if bought else []
    found = funnel_drivers(
        events(*rows), steps=["view", "buy"], how=HOUR, properties=["channel"], **WHEN
    )
    row = found.rows.set_index("value").loc["help"]
    odds = 120.5 * 140.5 / (80.5 * 60.5)
    assert row.odds == pytest.approx(odds)
    error = 1.959964 * math.sqrt(1 / 120.5 + 1 / 80.5 + 1 / 60.5 + 1 / 140.5)
    assert row.odds_low == pytest.approx(odds * math.exp(-error), rel=1e-6)
    assert "later" not in found.rows["value"].tolist()  # it came after the finish
    assert "help goes with finishing most" in found.headline
    with pytest.raises(ParameterError, match="channel"):
        funnel_drivers(SMALL, steps=STEPS, properties=["chanel"], **WHEN)


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firm")
    simulate(preset="small", out=folder)
    return folder


def test_planted_leaks_are_found(firm):
    """The planted share of every step, channel and device lies in its interval, nearly always."""
    book = connect(firm / "crmkit.toml")
    truth = json.loads((firm / "truth.json").read_text())["funnel"]
    cells = book.events.mutate(cell=book.events.channel + "|" + book.events.device)
    how = Matching(unit="session", window=dt.timedelta(days=1), breakdown="cell")
    found = funnel(
        cells,
        steps=truth[0]["steps"],
        how=how,
        as_of=book.last_day(),
        timezone=book.timezone,
        days=200,
        period=None,
    ).values.set_index("value")
    inside = []
    for planted in truth:
        seen = planted["visits_seen"]
        if not seen[0]:
            continue
        row = found.loc[f"{planted['channel']}|{planted['device']}"]
        assert [row[f"step_{j}"] for j in range(1, len(seen) + 1)] == seen
        for j, share in enumerate(planted["planted"][1:], 1):
            if seen[j - 1] >= 30:
                low, high = wilson(seen[j], seen[j - 1])
                inside.append(low <= share <= high)
    assert len(inside) > 50
    assert sum(inside) / len(inside) > 0.9
