"""Lines in use: exact small logs, the integral, brute force, and Erlang B."""

import datetime as dt
import importlib.util
import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from crmkit.analyses.calls import trunks
from crmkit.errors import ParameterError
from crmkit.queues import erlang_b, fewest_lines
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Duration, Inbound, Shift, Window

_spec = importlib.util.spec_from_file_location(
    "call_rows", Path(__file__).with_name("call_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
call, log, MONDAY = rows.call, rows.log, rows.MONDAY
MINUTE = dt.timedelta(minutes=1)


def line(start, end, **given):
    """A call from one minute to another after Monday at ten."""
    return call(MONDAY + start * MINUTE, ended=(end - start) * 60, **given)


def asked(*given, **options):
    return trunks(log(*given), **{"as_of": "2025-03-03", "days": 1, **options})


def used(found):
    return found.slots[found.slots.used > 0].set_index("clock")


def test_means_and_peaks_by_hand():
    found = asked(line(0, 15), line(0, 30), line(20, 40), line(95, 96), lines=2)
    frame = used(found)
    assert frame.index.tolist() == [10.0, 10.5, 11.5]
    assert frame["mean"].tolist() == pytest.approx([55 / 30, 10 / 30, 1 / 30])
    assert frame.peak.tolist() == [2, 1, 1]
    assert frame.attempts.tolist() == [3, 0, 1]
    assert frame.full.tolist() == pytest.approx([25 / 30, 0, 0])
    assert found.total.line_hours == pytest.approx((15 + 30 + 20 + 1) / 60)
    assert found.levels.hours.tolist() == pytest.approx([41 / 60, 25 / 60])
    assert len(found.slots) == 48


def test_a_line_given_back_is_free_at_once():
    """Two calls one after the other use one line, at a boundary of the slots as well."""
    found = asked(line(0, 10), line(10, 30), line(30, 60))
    assert used(found).peak.tolist() == [1, 1]
    assert used(found)["mean"].tolist() == [1, 1]


def test_calls_that_hold_no_line():
    found = asked(
        line(0, 10),
        line(5, 5),
        call(MONDAY, result="blocked", ended=600),
        call(MONDAY),  # without an end
        call(MONDAY, ended=-5),
    )
    assert found.total.peak == 1
    assert found.unfinished == 1
    assert (found.total.attempts, found.total.blocked) == (5, 1)
    assert found.total.blocked_share == pytest.approx(1 / 5)


def test_calls_over_midnight_are_cut_at_the_window():
    """The day in Shanghai ends at four in the afternoon UTC."""
    at = dt.datetime(2025, 3, 3, 15, 50)
    given = call(at, ended=20 * 60), call(at - dt.timedelta(days=1), ended=20 * 60)
    found = asked(*given, timezone="Asia/Shanghai", history=0)
    assert found.slots["at"].min() == np.datetime64("2025-03-03T00:00")
    frame = found.slots.set_index("clock")
    assert frame.loc[23.5, "mean"] == pytest.approx(10 / 30)
    assert frame.loc[0.0, "mean"] == pytest.approx(10 / 30)  # begun the day before
    assert frame.loc[0.0, "attempts"] == 0
    assert found.total.line_hours == pytest.approx(20 / 60)


def test_a_day_of_twenty_five_hours():
    """London, 26 October 2025: one o'clock comes twice."""
    begin = dt.datetime(2025, 10, 25, 23)
    found = asked(
        call(begin, ended=25 * 3600), as_of="2025-10-26", timezone="Europe/London", history=0
    )
    assert len(found.slots) == 50
    assert (found.slots["mean"] == 1).all()
    assert (found.slots.clock == 1.0).sum() == 2


def test_against_a_count_by_brute_force():
    """Five hundred calls of random lengths, with ties; every slot by a sweep in Python."""
    rng = random.Random(4)
    spans = []
    for _ in range(500):
        begin = rng.randrange(0, 6 * 60) if rng.random() < 0.5 else rng.uniform(0, 360)
        spans.append((begin, begin + rng.choice([0, 0.5, 1, 30, rng.expovariate(0.2)])))
    found = asked(*(line(*span) for span in spans), lines=12, interval=15)
    whole = [(round(a * 6e7), round(a * 6e7) + round((b - a) * 60 * 1e6)) for a, b in spans]
    edges = sorted({t for span in whole for t in span} | {k * 900_000_000 for k in range(60)})
    for slot in found.slots[found.slots.used > 0].itertuples():
        first = round((slot.clock - 10) * 3.6e9)
        last = first + 900_000_000
        cuts = [t for t in edges if first <= t <= last]
        levels = [
            (sum(a <= t and b > t for a, b in whole), s - t) for t, s in itertools.pairwise(cuts)
        ]
        assert slot.used == pytest.approx(sum(n * d for n, d in levels), abs=500)
        assert slot.peak == max(n for n, _ in levels)
        assert slot.full == pytest.approx(sum(d for n, d in levels if n >= 12) / 9e8, abs=1e-6)
    assert found.levels.hours.sum() * 3.6e9 == pytest.approx(found.slots.used.sum())


def test_lines_seen_and_lines_given():
    given = line(0, 10, trunk_id="t1"), line(0, 30, trunk_id="t2"), line(40, 50, trunk_id="t1")
    assert asked(*given).lines == 2
    assert asked(*given, lines=5).lines == 5
    untold = asked(line(0, 10))
    assert untold.lines is None and np.isnan(untold.total.full)
    assert "How many lines" in untold.findings()[0].words
    assert "lines_full" not in {figure.name for figure in untold.key_figures()}
    beyond = asked(*given, lines=1)
    assert any("more than the 1 given" in finding.words for finding in beyond.findings())


def test_lines_needed_are_those_of_the_busiest_interval():
    found = asked(*(line(0, 30) for _ in range(20)), lines=30)
    assert found.total.busiest == 20
    assert found.needed == fewest_lines(20, blocked=0.01) == 30
    assert found.profile.expected.iloc[0] == pytest.approx(erlang_b(20, 30))
    assert found.total.expected == pytest.approx(0.00845749834019)
    spare = asked(*(line(0, 30) for _ in range(20)), lines=60).findings()
    assert "30" in spare[0].words and "Give back up to 30" in spare[0].action


def test_the_load_offered_counts_the_blocked():
    blocked = [call(MONDAY, result="blocked") for _ in range(5)]
    found = asked(*(line(0, 30) for _ in range(20)), *blocked, lines=20)
    assert used(found).load.tolist() == [25]
    assert found.total.full == 1.0
    (finding,) = found.findings()
    assert "All 20 lines" in finding.words and f"Rent {found.needed - 20} more" in finding.action


def test_nothing_at_all():
    found = asked()
    assert found.empty and found.headline == "No line was used from 3 Mar 2025."
    assert found.needed == 0 and found.findings() == () and found.key_figures() == ()
    assert all(table.json() for table in found.tables().values())


def test_parameters_that_cannot_be():
    for wrong in ({"lines": 0}, {"blocked": 1}, {"interval": 45}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            asked(**wrong)


@pytest.mark.parametrize("lines", [10, 18])
def test_a_floor_with_too_few_lines_is_blocked_as_erlang_b_says(lines):
    """Callers at random, an agent for every line: a loss system. Load 10, as in the reference."""
    floor = Floor(
        agents=lines,
        trunks=lines,
        days=3,
        shifts=(Shift("00:00", "24:00", breaks=(), weekdays=(0, 1, 2, 3, 4, 5, 6)),),
        window=Window("00:00", "24:00"),
        absence=0.0,
        speed_sd=0.0,
        novices=0.0,
        timezone="UTC",
        inbound=Inbound(
            300.0, patience=None, talk=Duration.exponential(120.0), wrap=Duration.constant(0.0)
        ),
        seed=lines,
    )
    tables = dial(floor, LeadBatch.draw(floor, 0)).tables()
    import ibis

    found = trunks(ibis.memtable(tables["calls"]), as_of=floor.last, days=3, lines=lines)
    total = found.total
    oracle = erlang_b(10, lines)
    error = (
        np.sqrt(oracle * (1 - oracle) / total.attempts) * 3
    )  # calls that are lost come in bursts
    assert total.attempts > 20_000
    assert total.blocked_share == pytest.approx(oracle, abs=4 * error)
    assert total.full == pytest.approx(oracle, abs=4 * error)  # arrivals see time averages
    # the load of three days still varies by chance, and Erlang B bends upwards in it
    assert total.expected == pytest.approx(oracle, rel=0.3)
    assert total.peak == lines
