"""Staffing: counts, requirement, shrinkage, shifts and the plan as a whole."""

import datetime as dt
import itertools
import math

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.staffing import ShiftPattern, read_patterns, staffing
from crmkit.analyses.staffing.calls_in import inbound
from crmkit.analyses.staffing.cover import cover
from crmkit.analyses.staffing.grid import grid
from crmkit.analyses.staffing.need import Need, Promise, queue_of
from crmkit.analyses.staffing.shifts import patterns_for
from crmkit.analyses.staffing.shrinkage import measured, planned, shrinkage_steps, total
from crmkit.blocks import Notice
from crmkit.errors import InputError, ParameterError
from crmkit.queues import Patient, erlang_b, fewest, largest_load
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Duration, Inbound, Shift
from crmkit.simulate.rehearsal import rehearse

MONDAY = dt.datetime(2025, 3, 3)
DAILY = [ShiftPattern("all day", "00:00", 24, tuple(range(7)))]
TEXTS = ("call_id", "parent_call_id", "direction", "result", "agent_id")
TIMES = ("started_at", "queued_at", "answered_at", "agent_at", "ended_at", "wrap_end_at")
STATES = {
    "agent_id": "string",
    "state": "string",
    "reason": "string",
    "started_at": "timestamp",
    "ended_at": "timestamp",
}


def seconds(n):
    return dt.timedelta(seconds=n)


def incoming(at, *, wait=0, talk=150, wrap=30, **more):
    """A caller who waits, talks, and leaves notes to write."""
    taken = at + seconds(wait)
    ended = taken + seconds(talk)
    row = {"direction": "inbound", "result": "human", "agent_id": "a", "started_at": at}
    row |= {"queued_at": at, "agent_at": taken, "ended_at": ended}
    return row | {"wrap_end_at": ended + seconds(wrap)} | more


def given_up(at, *, wait):
    row = {"direction": "inbound", "result": "dropped", "started_at": at, "queued_at": at}
    return row | {"ended_at": at + seconds(wait)}


def outgoing(at, *, result="human", ring=10, talk=60, wrap=20, agent="a"):
    answered = at + seconds(ring) if result in ("human", "dropped") else None
    row = {"direction": "outbound", "result": result, "started_at": at, "answered_at": answered}
    if result != "human":
        return row | {"ended_at": at + seconds(ring + 2)}
    ended = answered + seconds(talk)
    row |= {"queued_at": answered, "agent_at": answered, "ended_at": ended, "agent_id": agent}
    return row | {"wrap_end_at": ended + seconds(wrap)}


def table(rows):
    frame = pd.DataFrame(rows, columns=[*TEXTS, *TIMES])
    frame["call_id"] = [str(n) for n in range(len(frame))]
    types = dict.fromkeys(TEXTS, "string") | dict.fromkeys(TIMES, "timestamp")
    return ibis.memtable(frame.astype(dict.fromkeys(TIMES, "datetime64[us]")), schema=types)


def states(*rows):
    frame = pd.DataFrame(rows, columns=list(STATES))
    return ibis.memtable(frame, schema=STATES)


def steady(days=14, *, start=MONDAY, each=20, hour=9, closed=()):
    """So many callers between 9 and 10 of every day, evenly, each taking 180 seconds."""
    return [
        incoming(
            start + dt.timedelta(days=day, hours=hour, seconds=3600 * n / each),
            agent_id="ab"[n % 2],
        )
        for day in range(days)
        if day not in closed
        for n in range(each)
    ]


def plan(rows, *others, as_of="2025-03-16", **options):
    return staffing(table(rows), *others, as_of=as_of, **{"patience": 120.0} | options)


def test_steady_calls_are_planned_exactly():
    found = plan(steady(), shrinkage={"breaks": 0.1, "absence": 0, "training": 0})
    frame = found.intervals
    assert len(frame) == 14
    assert frame.time.tolist() == ["09:00", "09:30"] * 7
    assert frame.forecast.tolist() == pytest.approx([10.0] * 14)
    assert frame.day.iloc[0] == pd.Timestamp(2025, 3, 17)
    need = fewest(
        lambda n: n > 0 and all(Promise().kept(queue_of(n, 10 / 1800, 180, 120)).values())
    )
    assert set(frame.needed) == {need}
    assert set(frame.planned) == {math.ceil(need / 0.9)}
    assert found.measured.handle == 180 and found.measured.held == 150
    assert found.calls[0] == pytest.approx(140)
    assert (frame.over >= 0).all() and found.short_hours == 0
    assert found.last_level == (1.0, 1.0)
    for name in ("needed_hours", "planned_hours", "rostered_hours"):
        source = {
            "needed_hours": "needed",
            "planned_hours": "planned",
            "rostered_hours": "rostered",
        }
        assert found.days[name].sum() == pytest.approx(frame[source[name]].sum() / 2)


def test_what_counts_as_a_call():
    rows = [*steady(7), incoming(MONDAY + dt.timedelta(hours=9, minutes=5), parent_call_id="7")]
    rows += [given_up(MONDAY + dt.timedelta(hours=9, minutes=1), wait=40)] * 12
    rows += [{"direction": "inbound", "result": "blocked", "started_at": MONDAY + seconds(34_000)}]
    found = plan(rows, as_of="2025-03-09", patience=None)
    assert found.offered == 140 + 12 + 1  # a transfer is no new call, a blocked one is
    assert found.measured.handle == pytest.approx(141 / 140 * 180)  # but its talk is work
    assert found.measured.patience == pytest.approx(12 * 40 / 12)
    assert found.measured.patience_low < 40 < found.measured.patience_high
    first = found.past.iloc[0]
    assert (first.offered, first.quick, first.abandoned) == (23, 10, 12)
    assert first.level == pytest.approx(10 / 23)


def test_answered_in_time_is_of_all_callers():
    rows = [
        incoming(MONDAY + dt.timedelta(hours=9, seconds=n), wait=wait)
        for n, wait in enumerate((0, 20, 20.5, 60))
    ]
    rows += steady(7, hour=12)
    past = plan(rows, as_of="2025-03-09").past
    assert past[past.time == "09:00"].quick.tolist() == [2]


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.4, 3.0])
@pytest.mark.parametrize(
    "promise",
    [
        Promise(),
        Promise(service_level=0.95, within=5, abandonment=None, occupancy=None),
        Promise(service_level=0.5, abandonment=0.01, occupancy=None),
        Promise(service_level=0.2, abandonment=None, occupancy=0.7),
    ],
)
def test_the_requirement_is_minimal_and_names_what_binds(rate, promise):
    need = Need.of(rate, 180.0, 120.0, promise)
    assert all(promise.kept(queue_of(need.agents, rate, 180.0, 120.0)).values())
    if need.agents > 1:
        fewer = promise.kept(queue_of(need.agents - 1, rate, 180.0, 120.0))
        assert need.binding == tuple(name for name, fine in fewer.items() if not fine)
    assert need.binding


def test_nobody_is_needed_where_nobody_calls():
    assert Need.of(0.0, 180.0, 120.0, Promise()) == Need(0, ())


def test_shrinkage_rounds_up_and_never_beyond_what_is_whole():
    assert [planned(n, 0.3) for n in (42, 43, 7, 0)] == [60, 62, 10, 0]
    for agents, share in itertools.product(range(60), (0.0, 0.05, 0.1, 0.25, 0.3)):
        found = planned(agents, share)
        assert found * (1 - share) > agents - 1e-6
        assert found == 0 or (found - 1) * (1 - share) < agents - 1e-6


def test_the_waterfall_takes_given_then_measured_then_assumed():
    frame = shrinkage_steps(
        {"training": 0.2, "网络故障": 0.5}, {"breaks": 0.1}, breaks_in_shifts=False
    )
    assert frame.step.tolist() == ["breaks", "absence", "training", "网络故障"]
    assert frame.source.tolist() == ["measured", "assumed", "given", "given"]
    assert total(frame) == pytest.approx(1 - 0.9 * 0.94 * 0.8 * 0.5)
    inside = shrinkage_steps(None, {"breaks": 0.1}, breaks_in_shifts=True)
    assert inside.share.iloc[0] == 0 and inside.source.iloc[0] == "shifts"
    with pytest.raises(ParameterError, match="absence"):
        shrinkage_steps({"absence": 1.0}, {}, breaks_in_shifts=False)


def day_of(agent, day, *, pause=3600):
    at = MONDAY + dt.timedelta(days=day, hours=9)
    rest = at + dt.timedelta(hours=4)
    back, end = rest + seconds(pause), at + dt.timedelta(hours=9)
    return [
        (agent, "ready", None, at, rest),
        (agent, "pause", "lunch", rest, back),
        (agent, "ready", None, back, end),
        (agent, "offline", None, end, end + dt.timedelta(hours=5)),
    ]


def test_shrinkage_and_presence_are_measured_from_states():
    """Two agents, Monday to Friday, two weeks; one of them is away for a day."""
    rows = [row for day in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11) for row in day_of("a", day)]
    rows += [row for day in (0, 1, 2, 3, 4, 7, 8, 9, 11) for row in day_of("b", day)]
    found = plan(steady(), states(*rows))
    steps = found.shrinkage.set_index("step")
    assert steps.source[["breaks", "absence", "training"]].tolist() == ["measured"] * 2 + [
        "assumed"
    ]
    assert steps.share["breaks"] == pytest.approx(1 / 9)
    assert steps.share["absence"] == pytest.approx(1 / 20)
    past = found.past.set_index(["weekday", "time"])
    assert past.at_work[0, "09:00"] == pytest.approx(2.0)
    assert past.at_work[3, "09:00"] == pytest.approx(1.5)
    assert past.at_work[5, "09:00"] == pytest.approx(0.0)


def test_presence_within_an_interval_is_by_the_second():
    at = MONDAY + dt.timedelta(hours=9)
    rows = [("a", "ready", None, at + seconds(600), at + seconds(1200))]
    rows += [("b", "talk", None, at - seconds(900), at + seconds(2700))]
    found = plan(steady(7), states(*rows), as_of="2025-03-09").past
    assert found.at_work.tolist()[:2] == pytest.approx([1 + 600 / 1800, 0.5])


def test_agents_who_take_no_calls_in_are_not_planned_with():
    """A desk that dials by hand logs its other work as a pause."""
    rows = [row for day in (0, 1, 2, 3, 4) for row in day_of("a", day)]
    desk = [row for day in (0, 1, 2, 3, 4) for row in day_of("desk", day, pause=4 * 3600)]
    found = plan(steady(7), states(*rows, *desk), as_of="2025-03-09")
    assert found.shrinkage.set_index("step").share["breaks"] == pytest.approx(1 / 9)
    dialled = [outgoing(MONDAY + dt.timedelta(hours=10), agent="desk")]
    alone = plan(dialled, states(*desk), as_of="2025-03-09")
    assert alone.shrinkage.set_index("step").share["breaks"] == pytest.approx(4 / 9)


def test_without_states_shrinkage_is_assumed_and_said():
    found = plan(steady())
    assert set(found.shrinkage.source) == {"assumed"}
    assert "assumed" in str(found.definition)


def test_holidays_are_neither_learned_from_nor_staffed():
    rows = steady(21, each=40, closed=(9,))
    found = plan(rows, as_of="2025-03-23", holidays=["2025-03-12", "2025-03-26"])
    assert found.intervals.groupby("weekday").forecast.sum().to_dict() == pytest.approx(
        dict.fromkeys((0, 1, 3, 4, 5, 6), 40)
    )
    unsaid = plan(rows, as_of="2025-03-23")
    assert unsaid.past_weeks.closed == (dt.date(2025, 3, 12),)
    assert unsaid.intervals.forecast.sum() == pytest.approx(280)
    assert "12 Mar 2025" in str(unsaid.definition)


def test_a_week_that_is_not_over_is_left_out():
    rows = [*steady(14), *steady(3, start=MONDAY + dt.timedelta(days=14), each=60)]
    found = plan(rows, as_of="2025-03-19")
    assert found.monday == dt.date(2025, 3, 24)
    assert found.asked.weeks_ahead == 2
    assert found.intervals.forecast.tolist() == pytest.approx([10.0] * 14)
    later = plan(rows, as_of="2025-03-16", ahead=2)
    assert (later.monday, later.asked.weeks_ahead) == (dt.date(2025, 3, 24), 2)


def test_days_before_the_first_call_are_unknown_and_not_zero():
    found = plan(steady(12, start=MONDAY + dt.timedelta(days=2)), weeks=4)
    assert len(found.past_weeks) == 1
    assert found.intervals.forecast.tolist() == pytest.approx([10.0] * 14)


def test_opening_hours_leave_out_what_lies_outside():
    rows = [*steady(7), incoming(MONDAY + dt.timedelta(hours=3))]
    assert plan(rows, as_of="2025-03-09").intervals.time.iloc[0] == "03:00"
    found = plan(rows, as_of="2025-03-09", hours=("09:00", "10:00"))
    assert found.intervals.time.iloc[0] == "09:00"
    assert found.past_weeks.outside == 1
    assert "opening hours: 1" in str(found.definition)


@pytest.mark.parametrize(
    ("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)]
)
def test_days_of_23_and_25_hours(day, hours):
    at = dt.date.fromisoformat(day)
    assert len(grid(at, at, "Europe/London", 15)) / 4 == hours


def test_a_repeated_hour_is_staffed_twice():
    """A call a minute around the clock: the hour that comes twice has 120, at the same rate."""
    start = dt.datetime(2025, 10, 5, 23)  # midnight in London
    rows = [incoming(start + dt.timedelta(minutes=n)) for n in range(14 * 24 * 60)]
    found = plan(rows, as_of="2025-10-19", timezone="Europe/London", interval=60, shifts=DAILY)
    sunday = found.intervals[found.intervals.weekday == 6].set_index("time")
    assert found.monday == dt.date(2025, 10, 20)
    assert sunday.forecast["01:00"] == pytest.approx(120) and sunday.length["01:00"] == 2
    assert sunday.forecast["02:00"] == pytest.approx(60)
    assert (sunday.needed == sunday.needed.iloc[0]).all()
    assert found.days.needed_hours.iloc[-1] == pytest.approx(25 * sunday.needed.iloc[0])
    assert found.roster.arrivals.tolist() == pytest.approx([60] * 168)


def test_a_skipped_hour_is_not_staffed():
    start = dt.datetime(2025, 3, 10)
    rows = [incoming(start + dt.timedelta(minutes=n)) for n in range(14 * 24 * 60)]
    found = plan(rows, as_of="2025-03-23", timezone="Europe/London", interval=60, shifts=DAILY)
    sunday = found.intervals[found.intervals.weekday == 6]
    assert len(sunday) == 23 and "01:00" not in set(sunday.time)


def test_an_empty_table_says_so():
    found = plan([])
    assert found.empty
    assert "No inbound calls" in found.headline
    assert found.key_figures() == found.findings() == ()
    for kind in found.plots():
        assert isinstance(found.plot(kind), Notice)
    for name in found.tables():
        assert len(found.table(name).frame) == len(found.tables()[name].frame)
        str(found.table(name))
        found.table(name).json()
    assert len(found.actions()) == 0


def test_one_day_is_too_little_and_says_so():
    found = plan(steady(1), as_of="2025-03-03")
    assert found.empty and found.gap == "no_week"
    assert "complete week" in found.headline


def test_calls_without_a_length_ask_for_one():
    rows = [{**row, "agent_at": None, "queued_at": None} for row in steady()]
    assert plan(rows).gap == "no_handle"
    assert plan(rows, handle=180.0).intervals.needed.max() > 1


def test_a_closed_week_is_no_error():
    days = [f"2025-03-{day}" for day in range(17, 24)]
    found = plan(steady(), holidays=days)
    assert found.empty and "closed" in found.headline


def test_outbound_alone_is_still_planned():
    at = MONDAY + dt.timedelta(hours=9)
    rows = [outgoing(at + seconds(30 * n), agent=f"a{n % 5}") for n in range(40)]
    rows += [outgoing(at + seconds(30 * n), result="no_answer", ring=28) for n in range(158)]
    rows += [outgoing(at + seconds(30 * n), result="dropped") for n in range(2)]
    found = plan(rows, as_of="2025-03-03", grace=2.0, drop_target=0.03)
    out = found.outbound
    assert not found.empty and not found.planned_in
    assert found.headline.startswith("No inbound calls")
    assert (out.dials, out.answers, out.drops, out.agents) == (200, 42, 2, 5)
    assert out.answer == pytest.approx(0.21)
    assert out.handle == pytest.approx(80)
    assert out.seek == pytest.approx((42 * 10 + 158 * 30) / 200)
    assert out.talk == pytest.approx((40 * 60 + 2 * 2) / 42)
    load = largest_load(5, target=0.03, grace=2.0, handle=80)
    assert out.own.dials_hour == pytest.approx(load / 80 / 0.21 * 3600)
    free = 5 - load * 0.97
    assert out.own.level == pytest.approx(load / 80 / 0.21 * out.seek / free)
    assert erlang_b(out.own.lines, int(out.own.trunks)) <= 0.01
    assert erlang_b(out.own.lines, int(out.own.trunks) - 1) > 0.01
    assert isinstance(found.plot("cover"), Notice)
    assert "5 outbound agents" in found.headline
    assert [figure.name for figure in found.key_figures()] == ["dial_level", "trunks"]


def test_outbound_workload_is_the_mean_of_complete_weeks():
    rows = steady() + [outgoing(MONDAY + dt.timedelta(days=d, hours=10)) for d in (0, 0, 7)]
    load = plan(rows).outbound.workload
    assert load[["weekday", "time", "weeks"]].values.tolist() == [[0, "10:00", 2]]
    assert load.hours.iloc[0] == pytest.approx(1.5 * 80 / 3600)


def test_overload_is_planned_for_and_a_small_team_is_said_to_be_short():
    rows = steady(14, each=600)
    found = plan(rows, headcount=5)
    assert found.people == 5
    assert found.short_hours > 0
    assert any("uncovered" in finding.words for finding in found.findings())
    assert found.expected_level < 0.2
    whole = plan(rows)
    assert whole.intervals.load.iloc[0] == pytest.approx(30.0)
    assert whole.expected_level >= 0.8 and whole.short_hours == 0


def test_three_models_of_the_busiest_interval():
    found = plan(steady(14, each=200))
    frame = found.models.set_index("model")
    agents, rate = int(found.busiest.needed), 100 / 1800
    assert frame.lost["B"] == pytest.approx(erlang_b(10, agents))
    waits = Patient(arrivals=rate, handle=180, agents=agents)
    leaves = queue_of(agents, rate, 180, 120)
    assert frame.level[["C", "A"]].tolist() == pytest.approx([waits.within(20), leaves.within(20)])
    assert frame.asa[["C", "A"]].tolist() == pytest.approx([waits.asa, leaves.asa])
    steps = found.steps.set_index("agents")
    assert steps.index.tolist() == list(range(agents - 3, agents + 4))
    assert steps.service_level[agents] == pytest.approx(leaves.within(20))
    assert steps.service_level.is_monotonic_increasing and steps.abandonment.is_monotonic_decreasing


def test_sensitivity_goes_the_right_way():
    at = MONDAY + dt.timedelta(hours=14)
    rows = steady(14, each=200) + [outgoing(at + seconds(20 * n)) for n in range(30)]
    rows += [outgoing(at + seconds(20 * n), result="busy") for n in range(30)]
    frame = plan(rows).sensitivity.set_index("scenario")
    assert frame.hours["handle_up"] > frame.hours["plan"] > frame.hours["handle_down"]
    assert frame.hours["calls_up"] > frame.hours["plan"] > frame.hours["calls_down"]
    assert frame.level["handle_up"] < frame.level["plan"] < frame.level["calls_down"]
    assert frame.hours["answer_up"] == frame.hours["plan"]
    ratio = frame.dials_hour / frame.dials_hour["plan"]
    assert ratio["answer_down"] == pytest.approx(1 / 0.8)
    assert ratio["answer_up"] == pytest.approx(1 / 1.2)
    assert frame.hours_change["plan"] == 0


def cheapest(wanted, patterns, interval, most):
    """The least paid hours of every roster of up to `most` agents a pattern, by trying them all."""
    covers = [pattern.coverage(interval) for pattern in patterns]
    best = math.inf
    for agents in itertools.product(range(most + 1), repeat=len(patterns)):
        there = sum(n * c for n, c in zip(agents, covers, strict=True))
        if (there >= wanted - 1e-9).all():
            best = min(best, sum(n * p.paid_hours for n, p in zip(agents, patterns, strict=True)))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_cover_is_the_optimum(seed):
    rng = np.random.default_rng(seed)
    wanted = np.zeros((7, 24), dtype=np.int64)
    wanted[:2, 8:16] = rng.integers(0, 4, (2, 8))
    patterns = [
        ShiftPattern("a", "08:00", 8, (0, 1), breaks=(("12:00", 60),)),
        ShiftPattern("b", "08:00", 4, (0, 1)),
        ShiftPattern("c", "12:00", 4, (0, 1)),
        ShiftPattern("d", "10:00", 5, (0,)),
        ShiftPattern("e", "11:00", 5, (1,)),
    ]
    found = cover(wanted, patterns, 60)
    assert found.proven
    assert (found.present >= wanted - 1e-9).all()
    assert found.paid_hours == pytest.approx(cheapest(wanted, patterns, 60, 4))


def test_where_nothing_reaches_as_little_as_possible_is_short():
    wanted = np.zeros((7, 24), dtype=np.int64)
    wanted[0, 8:12] = 3
    day = [ShiftPattern("late", "09:00", 3, (0,))]
    found = cover(wanted, day, 60)
    assert found.agents.tolist() == [3]
    assert np.maximum(wanted - found.present, 0).sum() == 3
    assert cover(wanted, day, 60, headcount=2).agents.tolist() == [2]
    assert cover(wanted, day, 60, seats=1).present.max() == 1
    assert cover(np.zeros_like(wanted), day, 60).paid_hours == 0


def test_a_night_goes_on_into_the_next_day():
    night = ShiftPattern("night", "22:00", 8, (6,), breaks=(("02:00", 30),))
    covered = night.coverage(30)
    assert covered[6, 44:].sum() == 4 and covered[0, :12].sum() == 11
    assert covered[0, 4] == 0 and covered.sum() * 0.5 == night.paid_hours == 7.5


def test_patterns_fit_the_opening_hours():
    needed = np.zeros((7, 48), dtype=bool)
    needed[:, 18:40] = True
    made = patterns_for(needed, 30)
    assert {pattern.hours for pattern in made} == {8, 6, 4}
    assert all(len(pattern.weekdays) == 5 for pattern in made)
    for pattern in made:
        assert not pattern.coverage(30)[:, :18].any() and not pattern.coverage(30)[:, 40:].any()
    needed[:, 20:] = False
    assert {pattern.hours for pattern in patterns_for(needed, 30)} == {1}
    assert patterns_for(np.zeros((7, 48), dtype=bool), 30) == ()


def test_shifts_from_a_file(tmp_path):
    path = tmp_path / "shifts.csv"
    path.write_text(
        "name,start,hours,weekdays,breaks\n早班,09:00,9,12345,12:00+60 15:30+15\n", "utf-8-sig"
    )
    (early,) = read_patterns(path)
    assert early == ShiftPattern(
        "早班", "09:00", 9, (0, 1, 2, 3, 4), (("12:00", 60), ("15:30", 15))
    )
    found = plan(steady(), shifts=path, wage=20.0)
    assert found.shrinkage.source.iloc[0] == "shifts"
    assert found.shifts["shift"].tolist() == ["早班"]
    assert found.shifts.cost.sum() == pytest.approx(20 * found.paid_hours)
    assert found.short_hours > 0  # nobody works on weekends
    path.write_text("name,start,hours,weekdays,breaks\nearly,9 o'clock,9,12345,\n")
    with pytest.raises(InputError, match="line 2"):
        read_patterns(path)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"interval": 7}, "interval"),
        ({"weeks": 0}, "weeks"),
        ({"service_level": 80}, "service_level"),
        ({"occupancy": 1.5}, "occupancy"),
        ({"within": -1}, "within"),
        ({"patience": 0}, "patience"),
        ({"shrinkage": {"absence": 2}}, "absence"),
        ({"shifts": [("early", "09:00")]}, "shifts"),
        ({"hours": "09:00"}, "hours"),
        ({"hours": ("10:00", "09:00")}, "hours"),
        ({"drop_target": 3}, "drop_target"),
        ({"timezone": "Asia/Shangai"}, "Asia/Shanghai"),
        ({"as_of": "soon"}, "soon"),
    ],
)
def test_what_cannot_be_says_what_to_give(options, what):
    with pytest.raises(ParameterError, match=what):
        plan([], **options)


def test_too_few_agents_are_found_where_calls_are_missed():
    """Saturdays from 9:30 answer nobody in time; everything else everybody."""
    rows = [
        {**row, "agent_at": row["queued_at"] + seconds(60)}
        if row["started_at"].weekday() == 5 and row["started_at"].minute >= 30
        else row
        for row in steady(28, each=40)
    ]
    found = plan(rows, as_of="2025-03-30")
    assert len(found.actions()) == 1
    assert found.actions().frame.time.tolist() == ["Sat 09:30–10:00"]
    assert found.actions().frame.missed.iloc[0] == pytest.approx(0.8 * 20)
    assert "Sat 09:30–10:00 (0.0%)" in found.findings()[0].words
    assert plan(steady(28, each=40), as_of="2025-03-30").actions().frame.empty


@pytest.fixture(scope="module")
def floor():
    """Four simulated weeks of callers with a planted patience and absence."""
    hourly = tuple(80.0 if 9 <= hour < 17 else 0.0 for hour in range(24))
    made = Floor(
        agents=12,
        trunks=400,
        mode="progressive",
        shifts=(Shift("09:00", "17:30", breaks=(), weekdays=tuple(range(7))),),
        absence=0.08,
        speed_sd=0.0,
        inbound=Inbound(
            hourly,
            patience=Duration.exponential(90.0),
            talk=Duration.exponential(300.0),
            wrap=Duration.constant(30.0),
        ),
        start=MONDAY.date(),
        days=28,
        timezone="Asia/Shanghai",
        seed=11,
    )
    log = dial(made, LeadBatch.draw(made, 0), engine="python").tables()
    return {name: ibis.memtable(log[name]) for name in ("calls", "agent_states", "dispositions")}


@pytest.fixture(scope="module")
def planted(floor):
    return staffing(*floor.values(), as_of="2025-03-30", timezone="Asia/Shanghai", interval=60)


def test_planted_quantities_are_recovered(planted):
    m = planted.measured
    assert m.handle_low < 330 < m.handle_high
    assert m.patience_low < 90 < m.patience_high
    assert planted.shrinkage.share[1] == pytest.approx(0.08, abs=4 * math.sqrt(0.08 / 336))
    assert planted.calls[0] == pytest.approx(7 * 8 * 80, rel=4 / math.sqrt(7 * 8 * 80))
    assert planted.said.accuracy.wape.min() < 1.25 * planted.said.accuracy.chance.iloc[0]


def test_measured_service_level_is_that_of_erlang_a(planted):
    """Agents at work as measured, put into Erlang A, give the service level that was kept."""
    inside = planted.past[(planted.past.slot >= 10) & (planted.past.slot < 17)]
    kept = inside.quick.sum() / inside.offered.sum()
    agents = round(float(inside.at_work.mean()))
    assert agents == 11
    around = [queue_of(n, 80 / 3600, 330, 90).within(20) for n in (10, 12)]
    assert around[0] < kept < around[1]


def test_the_roster_keeps_its_promise_when_simulated(planted):
    runs = rehearse(
        planted.roster,
        handle=planted.measured.handle,
        patience=planted.measured.patience,
        runs=30,
        engine="python",
    )
    found = planted.checked(runs)
    assert found.runs == 30
    assert found.level == pytest.approx(found.formula, abs=0.02)
    assert (found.days.worst < found.days.level).all()
    assert found.formula == pytest.approx(planted.expected_level, abs=0.005)
    assert found.times.formula.between(0, 1).all()
    assert "Simulated 30 times" in found.headline
    with pytest.raises(InputError, match="quick"):
        planted.checked(runs.drop(columns="quick"))
    assert planted.checked(runs.head(0)).empty


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_is_shown_in_both_languages(planted, language):
    with text.reading(language=language, currency="CNY"):
        for kind in planted.plots():
            figure = planted.plot(kind)
            if kind != "pace":
                assert figure.wide.startswith("<svg") and figure.narrow.startswith("<svg")
                assert "{" not in figure.title + figure.subtitle
        for name in planted.tables():
            assert planted.table(name).json()["rows"] or name in ("pace", "workload")
        words = str(planted) + " ".join(f.words + f.action for f in planted.findings())
        assert "{" not in words
        assert ("公式" in words or "坐席" in words) == (language == "zh")
        assert planted._repr_html_()


def test_totals_add_up(planted):
    frame = planted.intervals
    assert planted.days.forecast.sum() == pytest.approx(frame.forecast.sum())
    assert planted.shifts.paid_hours.sum() == pytest.approx(frame.rostered.sum())
    assert (frame.needed_low <= frame.needed).all() and (frame.needed <= frame.needed_high).all()
    assert (frame.at_work >= frame.needed).all()
    assert (frame.roster_level >= 0.8 - 1e-9).all()


def test_handle_time_has_students_interval():
    lasting = np.array([100.0, 200.0, 300.0])
    units = pd.DataFrame(
        {
            "offered": [3.0],
            "abandoned": [0.0],
            "waited": [0.0],
            "held_in": [600.0],
            "first_in": [3.0],
            "talks_in": [3.0],
            "seconds_in": [lasting.sum()],
            "squares_in": [(lasting**2).sum()],
        }
    )
    found = inbound(units, handle=None, patience=None)
    assert (found.handle, found.patience_source) == (200.0, "assumed")
    half = 4.302652729911275 * 100 / math.sqrt(3)
    assert (found.handle_low, found.handle_high) == pytest.approx((200 - half, 200 + half))


def test_nothing_is_measured_without_states():
    assert measured(pd.DataFrame({"kind": [], "name": [], "count": [], "amount": []})) == {}
