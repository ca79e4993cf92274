"""Service levels, abandonment, waits, handle times, occupancy: exact small logs."""

import datetime as dt
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from crmkit.analyses.calls import service
from crmkit.errors import ParameterError
from crmkit.stats import mean_interval, wilson

_spec = importlib.util.spec_from_file_location(
    "call_rows", Path(__file__).with_name("call_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
call, log, states, MONDAY = rows.call, rows.log, rows.states, rows.MONDAY
DAY = dt.timedelta(days=1)


def served(wait, talk=60, wrap=10, at=MONDAY, **given):
    times = {"queued": 0, "agent": wait, "ended": wait + talk, "wrap_end": wait + talk + wrap}
    return call(at, direction="inbound", result="human", **{**times, **given})


def left(wait, by="customer", at=MONDAY, **given):
    return call(at, direction="inbound", queued=0, ended=wait, hangup_by=by, **given)


def asked(*given, agents=None, **options):
    return service(log(*given), agents, **{"as_of": "2025-03-03", **options})


TEN = (
    served(0, campaign_id="a"),
    served(20, campaign_id="a"),  # at the threshold: in time
    served(20.5, talk=120, wrap=20, campaign_id="a"),
    served(60, talk=30, wrap=0, campaign_id="b"),
    left(3, campaign_id="a"),  # short
    left(5, campaign_id="a"),  # not short
    left(19.9, by=None, campaign_id="b"),
    left(20, campaign_id="b"),  # at the threshold: not before it
    left(90, by="system", campaign_id="b"),  # turned away
    call(direction="inbound", result="blocked", ended=0, campaign_id="b"),
    call(direction="inbound", queued=0, campaign_id="b"),  # unfinished
    call(direction="inbound", ended=30),  # never asked for an agent
)


def test_every_variant_by_hand():
    total = asked(*TEN).total
    assert (total.offered, total.handled, total.abandoned) == (11, 4, 4)
    assert (total.turned_away, total.blocked, total.unfinished, total.unqueued) == (1, 1, 1, 1)
    assert total.within == 2
    assert total.level_offered == pytest.approx(2 / 11)
    assert total.level_answered == pytest.approx(2 / 8)
    assert total.level_patient == pytest.approx(2 / (11 - 3))
    assert total.abandon_queued == pytest.approx(4 / 9)
    assert total.abandon_late == pytest.approx(3 / 7)
    assert total.blocked_share == pytest.approx(1 / 11)
    assert (total.level_offered_low, total.level_offered_high) == tuple(wilson(2, 11))


def test_waits_are_of_those_answered_only():
    total = asked(*TEN).total
    waits = np.array([0, 20, 20.5, 60])
    assert total.asa == pytest.approx(waits.mean())
    low, high = mean_interval(waits.sum(), (waits**2).sum(), 4)
    assert (total.asa_low, total.asa_high) == (pytest.approx(max(low, 0)), pytest.approx(high))


def test_the_threshold_is_a_parameter():
    total = asked(*TEN, threshold=60, short=20).total
    assert total.level_offered == pytest.approx(4 / 11)
    assert total.level_patient == pytest.approx(4 / 7)
    assert total.abandon_late == pytest.approx(1 / 5)


def test_handle_time_is_of_callers_and_dials():
    dial = call(result="human", answered=5, queued=5, agent=6, ended=106, wrap_end=126)
    found = asked(*TEN, dial)
    times = found.handle_times.set_index("outbound")
    assert times.loc[False, "aht"] == pytest.approx((70 + 70 + 140 + 30) / 4)
    assert times.loc[False, ["talk_mean", "wrap_mean"]].tolist() == [67.5, 10]
    assert times.loc[True, "aht"] == 120
    assert np.isnan(times.loc[True, "aht_low"])  # of one call no interval
    assert found.total.aht == pytest.approx((310 + 120) / 5)
    assert found.total.level_offered == pytest.approx(2 / 11)  # dials are no callers


def test_without_wrap_the_handle_time_is_not_computable():
    found = asked(served(5) | {"wrap_end_at": None})
    assert np.isnan(found.total.aht) and found.total.talk_mean == 60
    assert "notes were finished" in str(found.definition)
    assert "aht" not in {figure.name for figure in found.key_figures()}


def test_queues_are_told_apart():
    queues = asked(*TEN).queues.set_index("campaign_id")
    assert queues.loc["a", ["offered", "handled", "abandoned", "within"]].tolist() == [5, 3, 2, 2]
    assert queues.loc["b", ["offered", "handled", "turned_away"]].tolist() == [6, 1, 1]


def test_occupancy_and_utilisation_by_hand():
    """An hour: 20 minutes talk, 4 hold, 6 wrap, 12 ready, 2 preview, 1 ringing, 15 pause."""
    agents = states(
        ("a", "talk", 0, 20), ("a", "hold", 20, 24), ("a", "wrap", 24, 30),
        ("a", "ready", 30, 42), ("a", "preview", 42, 44), ("a", "ringing", 44, 45),
        ("a", "pause", 45, 60), ("a", "offline", 60, 90), ("a", "ready", 90, None),
    )  # fmt: skip
    found = asked(served(5), agents=agents)
    total = found.total
    assert total.occupancy == pytest.approx(30 / 45)
    assert total.utilisation == pytest.approx(30 / 60)
    assert (total.handle_hours, total.logged_hours) == (pytest.approx(0.5), pytest.approx(1))
    assert np.isnan(total.occupancy_low)  # one day tells nothing of differences between days
    assert found.states.set_index("state").seconds.to_dict()["pause"] == 900
    assert found.hours.query("hour == 10").occupancy.tolist() == [pytest.approx(2 / 3)]


def test_states_are_cut_at_hours_days_and_the_window():
    """A talk from 23:30 to 00:30 local is half of either day; before the window nothing counts."""
    minutes = (13 * 60 + 30, 14 * 60 + 30)  # ten o'clock UTC and these: 23:30 to 00:30 UTC
    agents = states(("a", "talk", *minutes), ("b", "ready", minutes[0], minutes[1]))
    one = asked(served(1), agents=agents, days=1, as_of="2025-03-03")
    assert one.total.handle_hours == pytest.approx(0.5)
    assert one.hours.query("logged_hours > 0").hour.tolist() == [23]
    both = asked(served(1), agents=agents, days=2, as_of="2025-03-04")
    assert both.total.handle_hours == pytest.approx(1)
    assert both.total.occupancy == pytest.approx(0.5)
    assert both.total.occupancy_low == pytest.approx(0.5)  # both days are alike
    before = asked(served(1, at=MONDAY + DAY), agents=agents, days=1, as_of="2025-03-04")
    assert before.total.handle_hours == pytest.approx(0.5)


def test_a_day_of_twenty_three_hours():
    """London, 30 March 2025: talk from midnight to midnight is 23 hours."""
    begin = dt.datetime(2025, 3, 30)
    made = [
        dict.fromkeys(rows.TABLES["agent_states"].names)
        | {"agent_id": "a", "state": "talk", "started_at": begin}
        | {"ended_at": begin + dt.timedelta(days=3)}
    ]
    agents = rows.table("agent_states", made)
    found = asked(agents=agents, as_of="2025-03-30", days=1, timezone="Europe/London")
    assert found.total.handle_hours == pytest.approx(23)
    assert 1 not in found.hours.hour.tolist()  # the hour that does not exist
    assert len(found.hours) == 23


def test_without_states_occupancy_is_not_computable():
    found = asked(*TEN)
    assert np.isnan(found.total.occupancy)
    assert "occupancy is not computable" in found.headline
    assert "no agents' states" in str(found.definition)
    assert "occupancy" not in found.plots()


def test_without_waits_service_is_not_computable():
    found = asked(call(direction="inbound", answered=3, ended=60, result="human"))
    assert found.empty
    assert np.isnan(found.total.level_offered)
    mixed = asked(
        call(direction="inbound", answered=3, ended=60, result="human"),
        call(result="human", answered=5, queued=5, agent=6, ended=106, wrap_end=126),
    )
    # there agents' times are known: the caller reached nobody
    assert mixed.total.offered == 0 or np.isnan(mixed.total.offered)


def test_nobody_called_in():
    dial = call(result="human", answered=5, queued=5, agent=6, ended=106, wrap_end=126)
    found = asked(dial)
    assert not found.empty and "nobody called in" in found.headline
    assert found.total.offered == 0 and np.isnan(found.total.level_offered)
    assert [figure.name for figure in found.key_figures()] == ["aht"]
    assert "<svg" in found.plot().wide
    nothing = asked()
    assert nothing.empty and nothing.headline.startswith("No calls were taken")
    assert all(table.json() for table in nothing.tables().values())


def test_days_and_the_trend():
    found = asked(
        served(5, at=MONDAY - DAY),
        *(left(30, at=MONDAY) for _ in range(3)),
        served(5, at=MONDAY),
        days=1,
        period="day",
    )
    assert found.totals.level_offered.tolist() == [0.25, 1.0]
    assert found.trend.offered.tolist() == [1, 4]
    assert found.key_figures()[0].previous == 1.0


def test_the_target_missed_names_hours():
    late = [left(60, at=MONDAY + dt.timedelta(hours=k // 40)) for k in range(80)]
    good = [served(5, at=MONDAY + dt.timedelta(hours=1)) for _ in range(400)]
    found = asked(*late, *good, target=0.9)
    words = found.findings()[0]
    assert "below the target of 90%" in words.words
    assert "at 10:00–11:00." in words.action
    assert "1 of 2 hours" in found.plot("hours").title


def test_parameters_that_cannot_be():
    for wrong in ({"threshold": -1}, {"short": 1e6}, {"target": 80}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            asked(**wrong)
