"""Workload: exact cuts, midnight, daylight saving, faults of the log, and an independent sum."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.workload import workload
from crmkit.errors import InputError, ParameterError
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Inbound

SCHEMA = {
    "agent_id": "string",
    "state": "string",
    "reason": "string",
    "started_at": "timestamp",
    "ended_at": "timestamp",
}
DAY = "2025-03-03"


def at(clock, day=DAY):
    return dt.datetime.fromisoformat(f"{day} {clock}")


def states(*rows):
    """(agent, state, begin, end or None, reason)."""
    filled = [(*row[:2], row[4] if len(row) > 4 else None, *row[2:4]) for row in rows]
    frame = pd.DataFrame(filled, columns=list(SCHEMA)).astype(object)
    return ibis.memtable(frame, schema=SCHEMA)


def read(*rows, **options):
    return workload(states(*rows), **{"as_of": DAY, "start": DAY} | options)


def cells(found, state):
    part = found.intervals[found.intervals[state] > 0]
    return {
        (str(day.date()), clock): seconds
        for day, clock, seconds in zip(part.day, part["at"], part[state], strict=True)
    }


def test_states_are_cut_at_the_edges():
    found = read(
        ("a", "ready", at("08:50:00"), at("09:00:00")),
        ("a", "talk", at("09:00:00"), at("10:10:00.250000")),
        ("a", "wrap", at("10:10:00.250000"), at("10:10:30.250000")),
        ("a", "pause", at("10:10:30.250000"), at("10:30:00"), "lunch"),
        ("a", "offline", at("10:30:00"), at("11:00:00")),
    )
    assert cells(found, "ready") == {(DAY, "08:30"): 600}
    assert cells(found, "talk") == {
        (DAY, "09:00"): 1800,
        (DAY, "09:30"): 1800,
        (DAY, "10:00"): 600.25,
    }
    assert cells(found, "pause") == {(DAY, "10:00"): pytest.approx(1169.75)}
    agent = found.agents.iloc[0]
    assert agent.login == 6000
    assert agent.offline == 1800
    assert agent.handle == 4230.25
    assert agent.occupancy == pytest.approx(4230.25 / 4830.25)
    assert agent.utilisation == pytest.approx(4230.25 / 6000)
    assert found.pauses.values.tolist() == [
        ["lunch", 1, pytest.approx(1169.75), 1.0, pytest.approx(1169.75 / 6000)]
    ]


def test_occupancy_variants():
    found = read(
        ("a", "preview", at("09:00"), at("09:10")),
        ("a", "ringing", at("09:10"), at("09:20")),
        ("a", "talk", at("09:20"), at("09:50")),
        ("a", "ready", at("09:50"), at("10:00")),
    ).total
    assert found.occupancy == pytest.approx(30 / 40)
    assert found.occupancy_waiting == pytest.approx(30 / 60)
    assert found.utilisation == pytest.approx(30 / 60)


def test_over_midnight_in_the_books_zone():
    """From 23:50 to 00:20 in Shanghai."""
    found = read(
        ("a", "talk", at("15:50"), at("16:20")),
        as_of="2025-03-04",
        timezone="Asia/Shanghai",
    )
    assert cells(found, "talk") == {(DAY, "23:30"): 600, ("2025-03-04", "00:00"): 1200}
    assert found.days.login.tolist() == [600, 1200]
    assert found.agents.days.tolist() == [2]


def test_days_outside_are_cut_away():
    found = read(
        ("a", "talk", at("23:00", "2025-03-02"), at("00:10")),
        ("a", "ready", at("23:30"), at("00:30", "2025-03-04")),
        ("a", "talk", at("01:00", "2025-03-04"), at("02:00", "2025-03-04")),
    )
    assert cells(found, "talk") == {(DAY, "00:00"): 600}
    assert cells(found, "ready") == {(DAY, "23:30"): 1800}


@pytest.mark.parametrize(
    ("day", "begin", "hours", "places"),
    [
        ("2025-03-30", "00:30", 2.0, {"00:30": 1800, "02:00": 1800, "02:30": 1800, "03:00": 1800}),
        ("2025-10-26", "00:00", 2.0, {"01:00": 3600, "01:30": 3600}),
    ],
)
def test_daylight_saving_in_london(day, begin, hours, places):
    """In March the hour from one does not exist; in October it comes twice."""
    first = at(begin, day)
    found = read(
        ("a", "talk", first, first + dt.timedelta(hours=hours)),
        as_of=day,
        start=day,
        timezone="Europe/London",
    )
    assert {clock: seconds for (_, clock), seconds in cells(found, "talk").items()} == places


@pytest.mark.parametrize(
    ("zone", "interval", "clock"),
    [
        ("Asia/Kolkata", 60, "14:00"),
        ("Asia/Kathmandu", 30, "14:30"),
        ("Asia/Kathmandu", 60, "14:00"),
    ],
)
def test_zones_whose_hours_are_not_those_of_utc(zone, interval, clock):
    found = read(("a", "talk", at("09:10"), at("09:14")), timezone=zone, interval=interval)
    assert cells(found, "talk") == {(DAY, clock): 240}


def test_open_states_end_with_the_next_or_with_the_last_day():
    found = read(
        ("a", "talk", at("09:00"), None),
        ("a", "ready", at("09:10"), at("09:20")),
        ("b", "ready", at("23:00"), None),
        ("c", "ready", at("22:00", "2025-03-02"), None),
        ("c", "talk", at("01:00"), at("01:10")),
    )
    assert cells(found, "talk") == {(DAY, "09:00"): 600, (DAY, "01:00"): 600}
    by_agent = found.agents.set_index("agent_id")
    assert by_agent.ready.to_dict() == {"a": 600, "b": 3600, "c": 3600}
    assert found.faults["open"] == 3
    assert found.faults["open_micros"] == (600 + 3600 + 3600) * 1_000_000
    assert "3 states have no end" in str(found.definition)


def test_overlapping_states_are_not_counted_twice():
    found = read(
        ("a", "talk", at("09:00"), at("09:20")),
        ("a", "wrap", at("09:15"), at("09:25")),
        ("a", "ready", at("09:16"), at("09:18")),
        ("a", "talk", at("09:00"), at("09:20")),
    )
    agent = found.agents.iloc[0]
    assert (agent.talk, agent.wrap, agent.ready, agent.login) == (1200, 300, 0, 1500)
    assert found.faults["overlapping"] == 3
    assert found.faults["overlap_micros"] == (300 + 120 + 1200) * 1_000_000
    assert "3 states begin before" in str(found.definition)


def test_rows_that_cannot_be_are_counted():
    found = read(
        (None, "talk", at("09:00"), at("09:20")),
        ("a", "talk", at("09:20"), at("09:10")),
        ("a", "ready", at("09:00"), at("09:00")),
        ("a", "coffee", at("09:30"), at("09:40")),
        ("b", "talk", at("00:00"), at("13:00")),
    )
    assert found.faults == {
        "nameless": 1, "backwards": 1, "open": 0, "open_micros": 0,
        "overlapping": 0, "overlap_micros": 0, "long": 1,
    }  # fmt: skip
    assert found.agents.set_index("agent_id").other.to_dict() == {"a": 600, "b": 0}
    assert any("12 hours" in finding.words for finding in found.findings())


def test_nobody_and_only_offline():
    for rows in ((), (("a", "offline", at("09:00"), at("10:00")),)):
        found = read(*rows)
        assert found.empty
        assert found.headline == "No agent was logged in from 3 Mar 2025 to 3 Mar 2025."
        assert found.findings() == ()
        assert found.key_figures() == ()
        for block in (*found.tables().values(), found.actions(), found.plot(), found.definition):
            assert block.json()


def test_no_ready_and_no_talk_leaves_occupancy_unknown():
    found = read(("a", "pause", at("09:00"), at("10:00")))
    assert np.isnan(found.total.occupancy)
    assert "occupancy cannot be told" in found.headline
    assert found.key_figures()[0].value is None


def working(agent, days, hours, paused):
    """Days from nine o'clock, hours long with a part of them paused at the end."""
    rows = []
    for n in range(days):
        first = at("09:00") + dt.timedelta(days=n)
        length = hours + 0.1 * (n % 3)
        turn = first + dt.timedelta(hours=length * (1 - paused))
        rows.append((agent, "ready", first, turn))
        rows.append((agent, "pause", turn, first + dt.timedelta(hours=length), "tea"))
    return rows


def test_short_login_and_long_pauses():
    rows = [row for k in range(8) for row in working(f"n{k}", 10, 8.0, 0.1)]
    rows += working("short", 10, 4.0, 0.1) + working("tea", 10, 8.0, 0.3)
    rows += working("once", 1, 2.0, 0.5)
    found = read(*rows, as_of="2025-03-14")
    agents = found.agents.set_index("agent_id")
    assert agents.index[agents.short_login].tolist() == ["short"]
    assert agents.index[agents.long_pauses].tolist() == ["tea"]
    assert agents.loc["tea", "pause_a_day"] == pytest.approx(0.3)
    listed = found.actions().frame
    assert listed.agent_id.tolist() == ["short", "tea"]
    assert any("part-time" in finding.action for finding in found.findings())
    strict = read(*rows, as_of="2025-03-14", login_hours=9.0, pause_share=0.05)
    assert strict.agents.short_login.sum() == 10
    assert strict.agents.long_pauses.sum() == 10


def test_teams_and_the_day_of_an_agent():
    agents = ibis.memtable(
        {"agent_id": ["a", "b"], "team": ["north", None], "name": ["王芳秘密", "x"]}
    )
    found = read(
        ("a", "talk", at("15:30"), at("16:10")),
        ("a", "pause", at("16:10"), at("16:20"), "tea"),
        ("b", "ready", at("02:00"), at("03:00")),
        as_of="2025-03-04",
        agents=agents,
        timezone="Asia/Shanghai",
    )
    assert found.teams.set_index("team").login.to_dict() == {"": 3600, "north": 3000}
    assert found.team_intervals[found.team_intervals.team == "north"]["at"].tolist() == [
        "00:00",
        "23:30",
    ]
    first, second = found.day("a", DAY), found.day("a", "2025-03-04")
    assert first.spans[["state", "since", "until", "seconds"]].values.tolist() == [
        ["talk", "23:30:00", "00:00:00", 1800.0]
    ]
    assert second.spans.seconds.tolist() == [600, 600]
    assert second.totals.set_index("state").share.to_dict() == {"talk": 0.5, "pause": 0.5}
    assert "logged in 0.3 hours between 00:00 and 00:20" in second.headline
    assert found.day("b", "2025-03-04").empty
    with pytest.raises(ParameterError, match="no state of agent 'c'"):
        found.day("c", DAY)
    with pytest.raises(ParameterError, match="outside the days"):
        found.day("a", "2025-03-05")
    assert "王芳" not in found._repr_html_() + second._repr_html_()


def brute(rows, start, as_of, zone, interval):
    """Seconds by local day, interval and state, walking second by second of whole-second rows."""
    place = ZoneInfo(zone)
    seen = {}
    for agent in sorted({row[0] for row in rows}):
        taken = None
        own = sorted((r for r in rows if r[0] == agent), key=lambda r: (r[2], r[3], r[1]))
        for _, state, begin, end, *_ in own:
            now = max(begin, taken) if taken else begin
            taken = max(end, taken) if taken else end
            while now < end:
                local = now.replace(tzinfo=dt.UTC).astimezone(place)
                if start <= str(local.date()) <= as_of:
                    minutes = (local.hour * 60 + local.minute) // interval * interval
                    key = (str(local.date()), f"{minutes // 60:02d}:{minutes % 60:02d}", state)
                    seen[key] = seen.get(key, 0) + 1
                now += dt.timedelta(seconds=1)
    return seen


@pytest.mark.parametrize(
    ("zone", "day", "interval"),
    [("Europe/London", "2025-03-30", 30), ("Australia/Lord_Howe", "2025-04-06", 60),
     ("Asia/Kathmandu", "2025-03-30", 15)],
)  # fmt: skip
def test_cuts_agree_with_walking_second_by_second(zone, day, interval):
    rng = random.Random(interval)
    rows = []
    for agent in "ab":
        now = at("00:00", day) - dt.timedelta(hours=20)
        while now < at("00:00", day) + dt.timedelta(hours=26):
            end = now + dt.timedelta(seconds=rng.choice([5, 61, 1800, 3599, 5000]))
            rows.append((agent, rng.choice(["talk", "ready", "pause", "wrap"]), now, end))
            now = end + dt.timedelta(seconds=rng.choice([0, 0, 7, -60]))
    start = str(dt.date.fromisoformat(day) - dt.timedelta(days=1))
    found = read(*rows, start=start, as_of=day, timezone=zone, interval=interval)
    truth = brute(rows, start, day, zone, interval)
    ours = {
        (*key, state): seconds
        for state in ("talk", "ready", "pause", "wrap")
        for key, seconds in cells(found, state).items()
    }
    assert ours == truth


def test_a_simulated_floor_agrees_with_its_own_summary():
    floor = Floor(
        agents=12, trunks=30, days=5, mode="predictive", inbound=Inbound(30), seed=4, absence=0.2
    )
    log = dial(floor, LeadBatch.draw(floor, 4000))
    tables = {name: ibis.memtable(rows) for name, rows in log.tables().items()}
    found = workload(
        tables["agent_states"], agents=tables["agents"], start=floor.start, as_of=floor.last,
        timezone=floor.timezone,
    )  # fmt: skip
    summary = log.summary()
    total = found.total
    assert total.login / 3600 == pytest.approx(summary.hours, rel=1e-9)
    assert total.occupancy_waiting == pytest.approx(summary.occupancy, rel=1e-9)
    assert total.utilisation == pytest.approx(summary.utilisation, rel=1e-9)
    assert found.faults == dict.fromkeys(found.faults, 0)
    assert found.teams.login.sum() == pytest.approx(total.login)
    assert found.intervals.login.sum() == pytest.approx(total.login)
    assert found.team_intervals.login.sum() == pytest.approx(total.login)
    lunch = found.profile.set_index("at")["pause"]
    assert lunch["12:00"] > 10 * lunch["10:00"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_block_is_shown_in_both_languages(language):
    rows = [row for k in range(4) for row in working(f"n{k}", 6, 8.0, 0.1)]
    rows += working("tea", 6, 8.0, 0.4)
    rows += [("n0", "talk", at("17:30"), None), ("n1", "talk", at("17:00"), at("17:40"))]
    with text.reading(language=language, currency="CNY"):
        found = read(*rows, as_of="2025-03-10")
        one = found.day("n0", DAY)
        for result in (found, one):
            blocks = [*result.tables().values(), result.definition]
            for block in (*blocks, *(result.plot(kind) for kind in result.plots())):
                assert block.json()
            assert "{" not in result.headline + str(result.definition)
        assert found.actions().json()
        assert len(found.findings()) >= 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": "2025-03-04"}, "after as_of"),
        ({"interval": 7}, "divides the day"),
        ({"interval": 0}, "divides the day"),
        ({"login_hours": 0.0}, "hours of 0 to 24"),
        ({"pause_share": 1.5}, "a share such as"),
        ({"timezone": "Mars"}, "not a time zone"),
    ],
)
def test_what_cannot_be_is_refused(options, words):
    with pytest.raises(ParameterError, match=words):
        read(**options)


def test_states_need_their_columns():
    with pytest.raises(InputError, match="no column state"):
        workload(ibis.memtable({"agent_id": ["a"]}), as_of=DAY, start=DAY)
