"""Small hand-made funnels with exact answers: every option, and where options meet.

A stream is written as events with their minute: "A0 B5 X7". Its answer is the last step made and
the minutes of the steps, "-" where one was left out; "none" is a unit that counts for nothing.
"""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crmkit.errors import ParameterError
from crmkit.steps import Exclusion, Matching, Step, reach

DAY = dt.datetime(2025, 1, 1)


def hour(**options: object) -> Matching:
    return Matching(window=dt.timedelta(minutes=60), **options)


def out(mode: str, after: int = 1, before: int | None = None) -> list[Exclusion]:
    return [Exclusion("X", None, after, before, mode)]


PLAIN, TWICE = ["A", "B", "C"], ["A", "B", "A"]
MAYBE = ["A", Step("B", optional=True), "C"]
ANY = ["A", Step(None), "C"]
SAME = ["A", Step("A", optional=True), "B"]
SETS = {
    "ordered": (PLAIN, hour()),
    "first": (PLAIN, hour(reentry="first")),
    "twice": (TWICE, hour()),
    "again": (["A", "A"], hour()),
    "strict": (PLAIN, hour(order="strict")),
    "strict maybe": (MAYBE, hour(order="strict")),
    "maybe": (MAYBE, hour()),
    "same": (SAME, hour()),
    "any": (ANY, hour()),
    "unordered": (PLAIN, hour(order="unordered")),
    "unordered twice": (["A", "A", "B"], hour(order="unordered")),
    "unordered reset": (PLAIN, hour(order="unordered", exclusions=[Exclusion("X", mode="reset")])),
    "reset": (PLAIN, hour(exclusions=out("reset"))),
    "reset late": (PLAIN, hour(exclusions=out("reset", after=2, before=3))),
    "drop": (PLAIN, hour(exclusions=out("drop_attempt"))),
    "drop early": (PLAIN, hour(exclusions=out("drop_attempt", after=1, before=2))),
    "user": (PLAIN, hour(exclusions=out("drop_user"))),
    "ever": (["A", Step("B", first="ever"), "C"], hour()),
    "one": (["A"], hour()),
}
CASES = [
    # set, stream, last step made, minutes
    ("ordered", "A0 B5 C9", 3, "0 5 9"),
    ("ordered", "A0 X2 B5 X7 C9", 3, "0 5 9"),  # others may lie between
    ("ordered", "B0 A5 C9", 1, "5 - -"),  # out of order
    ("ordered", "C0 B1", None, ""),  # nobody enters
    ("ordered", "A0 B60", 2, "0 60 -"),  # the window's edge is in it
    ("ordered", "A0 B61", 1, "0 - -"),
    ("ordered", "A0 B5 C60", 3, "0 5 60"),
    ("ordered", "A0 B5 C61", 2, "0 5 -"),
    ("ordered", "A0 A50 B70 C110", 3, "50 70 110"),  # the newer entry replaces the older
    ("ordered", "A0 B5 A6 C9", 3, "0 5 9"),  # the older goes on where it had got further
    ("ordered", "A0 A1 B5 C9", 3, "1 5 9"),
    ("ordered", "A0 B5 C9 A20 B25 C29", 3, "0 5 9"),  # matching stops at the first conversion
    ("ordered", "A0 B5 A20 B25", 2, "20 25 -"),  # without one the newest attempt is told
    ("ordered", "A0 B5 B7 C9", 3, "0 5 9"),  # each step at its first time
    ("ordered", "A0 B0 C0", 3, "0 0 0"),  # one instant: in the order of the steps
    ("ordered", "C0 B0 A0", 3, "0 0 0"),
    ("ordered", "B0 A0", 2, "0 0 -"),
    ("first", "A0 A50 B70 C110", 1, "0 - -"),  # only the first entry counts
    ("first", "A0 B5 A20 B25 C61", 2, "0 5 -"),
    ("first", "A0 B5 C9", 3, "0 5 9"),
    ("twice", "A0 B5 A9", 3, "0 5 9"),
    ("twice", "A0 B5", 2, "0 5 -"),  # the same event twice needs two
    ("twice", "A0 B0 A0", 3, "0 0 0"),
    ("again", "A0", 1, "0 -"),
    ("again", "A0 A0", 2, "0 0"),
    ("again", "A0 A30 A70", 2, "0 30"),
    ("again", "A0 A61", 1, "61 -"),
    ("strict", "A0 B5 C9", 3, "0 5 9"),
    ("strict", "A0 X2 B5 C9", 1, "0 - -"),
    ("strict", "A0 B5 X7 C9", 2, "0 5 -"),
    ("strict", "A0 A2 B5", 2, "2 5 -"),  # the repeated entry is an entry of its own
    ("strict", "A0 B5 X5 C9", 3, "0 5 9"),  # not enforced within an instant
    ("strict maybe", "A0 C9", 3, "0 - 9"),
    ("strict maybe", "A0 X1 C9", 1, "0 - -"),
    ("maybe", "A0 C9", 3, "0 - 9"),
    ("maybe", "A0 B5 C9", 3, "0 5 9"),
    ("maybe", "A0 B5", 2, "0 5 -"),
    ("maybe", "A0 B5 A6 C9", 3, "6 - 9"),  # the newest entry left it out
    ("same", "A0 B9", 3, "0 - 9"),  # an optional step that equals its neighbour
    ("same", "A0 A5 B9", 3, "5 - 9"),  # the second A is a newer entry
    ("any", "A0 X5 C9", 3, "0 5 9"),
    ("any", "A0 C9", 2, "0 9 -"),  # the C was the second step
    ("unordered", "C0 A5 B9", 3, "0 5 9"),
    ("unordered", "B0 B5", 1, "5 - -"),
    ("unordered", "A0 B70", 1, "70 - -"),
    ("unordered", "A0 B60", 2, "0 60 -"),
    ("unordered twice", "A0 B5", 2, "0 5 -"),
    ("unordered twice", "A0 B5 A9", 3, "0 5 9"),
    ("unordered reset", "A0 X5 B9", 1, "9 - -"),
    ("unordered reset", "A0 X0 B9", 2, "0 9 -"),
    ("reset", "A0 B5 X7 C9", 2, "0 5 -"),  # keeps what it did before
    ("reset", "A0 X0 B5 C9", 3, "0 5 9"),  # not enforced within an instant
    ("reset", "A0 B5 X9 C9", 3, "0 5 9"),
    ("reset", "A0 X3 A5 B7 C9", 3, "5 7 9"),  # a new attempt is clean
    ("reset late", "A0 X3 B5 C9", 3, "0 5 9"),  # outside its range
    ("reset late", "A0 B5 X7 C9", 2, "0 5 -"),
    ("drop", "A0 B5 X7 C9", None, ""),  # nothing is left of the attempt
    ("drop", "A0 B5 X61", 2, "0 5 -"),  # after the window
    ("drop", "A0 B5 X60", None, ""),  # its edge is in it
    ("drop", "A0 B5 X7 A8", 1, "8 - -"),  # another attempt got less far, but is clean
    ("drop", "A0 B5 C9 X10", 3, "0 5 9"),  # after the conversion
    ("drop early", "A0 B5 X7", 2, "0 5 -"),  # outside its range
    ("drop early", "A0 X3 B5", None, ""),
    ("user", "A0 B5 X7 A70 B71 C72", None, ""),
    ("user", "A0 B5 C9 X10", 3, "0 5 9"),
    ("user", "X0 A5 B9", 2, "5 9 -"),
    ("ever", "B0 A5 B9 C10", 1, "5 - -"),  # its first B was before
    ("ever", "A0 B5 C9", 3, "0 5 9"),
    ("one", "A5 A9", 1, "5"),
    ("one", "B5", None, ""),
]  # fmt: skip


def _table(streams: list[str], first: dt.datetime = DAY) -> ibis.Table:
    rows = [
        (f"{unit}-{place}", str(unit), first + dt.timedelta(minutes=int(word[1:])), word[0])
        for unit, stream in enumerate(streams)
        for place, word in enumerate(stream.split())
    ]
    columns = ["event_id", "customer_id", "occurred_at", "event"]
    return ibis.memtable(pd.DataFrame(rows, columns=columns))


def _answers(streams: list[str], steps: list, how: Matching, first: dt.datetime = DAY) -> dict:
    end = first + dt.timedelta(days=1)
    found = reach(_table(streams, first), steps, how, start=first, end=end).execute()
    answers = {}
    for row in found.itertuples():
        times = [getattr(row, f"at_{i}") for i in range(1, len(steps) + 1)]
        minutes = ["-" if pd.isna(t) else str(int((t - first).total_seconds() / 60)) for t in times]
        answers[streams[int(row.unit.removeprefix("c:"))]] = (row.reached, " ".join(minutes))
    return answers


def test_there_are_enough_cases():
    assert len(CASES) >= 60
    assert {case[0] for case in CASES} == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_the_cases(name):
    steps, how = SETS[name]
    cases = [case[1:] for case in CASES if case[0] == name]
    found = _answers([stream for stream, *_ in cases], steps, how)
    wanted = {stream: (level, minutes) for stream, level, minutes in cases if level}
    assert found == wanted


def test_elapsed_time_knows_no_daylight_saving():
    # On 30 March 2025 the clocks of London went from 01:00 to 02:00 at 01:00 UTC.
    night = dt.datetime(2025, 3, 30, 0, 30)
    assert _answers(["A0 B60"], ["A", "B"], hour(), night) == {"A0 B60": (2, "0 60")}


def test_entries_end_with_the_range_and_attempts_with_their_window():
    streams = ["A10 B50 C70", "A5 B20", "A30 B31"]
    found = reach(
        _table(streams),
        PLAIN,
        hour(),
        start=DAY + dt.timedelta(minutes=10),
        end=DAY + dt.timedelta(minutes=30),
    ).execute()
    assert found[["unit", "reached"]].to_numpy().tolist() == [["c:0", 3]]


@pytest.fixture
def channels() -> ibis.Table:
    """One unit that comes by p, then by q, and buys by q; one whose first step has no channel."""
    rows = [
        ("1", "u", 0, "A", "p"), ("2", "u", 5, "A", "q"), ("3", "u", 9, "B", "q"),
        ("4", "v", 0, "A", None), ("5", "v", 3, "B", "p"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["event_id", "customer_id", "minute", "event", "channel"])
    at = [DAY + dt.timedelta(minutes=m) for m in frame.minute]
    return ibis.memtable(frame.assign(occurred_at=at).drop(columns="minute"))


@pytest.mark.parametrize(
    ("credit", "step", "wanted"),
    [
        ("first_touch", 1, [("c:u", "p", 2), ("c:v", "p", 2)]),
        ("last_touch", 1, [("c:u", "q", 2), ("c:v", "p", 2)]),
        ("step", 1, [("c:u", "p", 2), ("c:u", "q", 2), ("c:v", None, 2)]),
        ("step", 2, [("c:u", "q", 2), ("c:v", "p", 2)]),
        ("all_events", 1, [("c:u", "p", 1), ("c:u", "q", 2), ("c:v", None, 1)]),
    ],
)
def test_four_ways_to_credit_a_value_that_changes(channels, credit, step, wanted):
    how = hour(breakdown="channel", credit=credit, at_step=step)
    end = DAY + dt.timedelta(days=1)
    found = reach(channels, ["A", "B"], how, start=DAY, end=end).execute()
    rows = [
        (row.unit, None if pd.isna(row.value) else row.value, row.reached)
        for row in found.sort_values(["unit", "value"]).itertuples()
    ]
    assert rows == wanted


@pytest.mark.parametrize(
    ("steps", "options", "words"),
    [
        ([], {}, "list of event names"),
        ("view", {}, "list of event names"),
        (["A"] * 13, {}, "up to 12"),
        ([Step("A", optional=True)], {}, "first step cannot be optional"),
        (["A"], {"order": "orderd"}, "Did you mean 'ordered'"),
        (["A"], {"reentry": "newest"}, "latest"),
        (["A"], {"credit": "firsttouch"}, "first_touch"),
        (["A"], {"window": dt.timedelta(0)}, "more than none"),
        (["A", "B"], {"exclusions": [Exclusion("A")]}, "no attempt could pass"),
        (["A", "B"], {"exclusions": [Exclusion("X", after=2)]}, "there are 2 steps"),
        (MAYBE, {"order": "unordered"}, "cannot be optional"),
        (["A", "B"], {"order": "unordered", "exclusions": [Exclusion("X")]}, "reset"),
        (["A", "B"], {"order": "unordered", "reentry": "first"}, "no entry"),
        (["A", "B"], {"at_step": 3}, "there are 2 steps"),
        (["A"], {"unit": "acount"}, "no column"),
        (["A"], {"breakdown": "chanel"}, "no column"),
    ],
)
def test_what_means_nothing_is_refused(channels, steps, options, words):
    with pytest.raises(ParameterError, match=words):
        reach(channels, steps, Matching(**options), start=DAY, end=DAY)


def test_exclusions_and_steps_are_checked_when_they_are_made():
    with pytest.raises(ParameterError, match="drop_user"):
        Exclusion("X", mode="drop")
    with pytest.raises(ParameterError, match="event or a condition"):
        Exclusion()
    with pytest.raises(ParameterError, match="second larger"):
        Exclusion("X", after=2, before=2)
    with pytest.raises(ParameterError, match="needs an event"):
        Step(first="ever")


def test_no_events_give_no_units(channels):
    empty = channels.filter(ibis.literal(value=False))
    assert reach(empty, ["A"], hour(), start=DAY, end=DAY + dt.timedelta(1)).execute().empty
