"""The words of a funnel: its units, its definition card, what it is reconciled with."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Table
from crmkit.records import records
from crmkit.result import Finding
from crmkit.steps import Matching
from crmkit.text import message, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.funnel.result import Funnel

__all__ = [
    "bridge_table",
    "column",
    "decisions",
    "definition",
    "differences",
    "leak_table",
    "units",
]

_ORDERS = {
    "ordered": message("The steps in this order; other events may lie between."),
    "strict": message("The steps in this order; any event between ends the attempt."),
    "unordered": message("The steps in any order inside one window."),
}
_REENTRIES = {
    "latest": message(
        "A newer first step replaces the older; matching stops at the first full conversion."
    ),
    "first": message("Only the first entry counts."),
}
_MODES = {
    "reset": message("{event} ends the attempt, which keeps its steps"),
    "drop_attempt": message("{event} drops the attempt"),
    "drop_user": message("{event} drops the unit"),
}
_CREDITS = {
    "first_touch": message("{column}: the first value among the steps made"),
    "last_touch": message("{column}: the last value among the steps, up to the finish"),
    "step": message("{column}: the value at step {step}; a unit may count under two"),
    "all_events": message("{column}: each value is a stream of its own"),
}
_COLUMNS = {
    "channel": message("Channel"),
    "device": message("Device"),
    "campaign": message("Campaign"),
    "landing_page": message("Landing page"),
    "page": message("Page"),
}
_LINES = {
    "first": message("Units with the first step in these days"),
    "entered": message("Units that entered the funnel"),
    "first_only": message("had the first step, but an exclusion or a first time leaves them out"),
    "entered_only": message("entered without the first step in these days"),
    "last": message("Units with the last step in these days"),
    "finished": message("Units that finished the funnel"),
    "last_only": message("had the last step, but not after the others in time"),
    "buyers": message("Customers with an order in these days"),
    "buyers_only": message(
        "ordered without finishing: by telephone, elsewhere, outside the window"
    ),
    "finished_no_order": message("finished, but no order is known"),
    "leads": message("Customers with a new lead in these days"),
    "leads_only": message("became a lead without finishing: by telephone, from a list"),
    "finished_no_lead": message("finished, but no new lead is known"),
    "visits": message("Visits with the first step, where paths from it begin"),
    "visits_more": message("further visits of the same people"),
}

_TOTALS = {"visits", "first", "entered", "last", "finished", "buyers", "leads"}


def units(unit: str, *, capital: bool = False) -> str:
    """What is counted."""
    if unit == "person":
        return say("People") if capital else say("people")
    if unit == "session":
        return say("Visits") if capital else say("visits")
    return unit


def column(name: str) -> str:
    """The name of a column for readers."""
    return say(_COLUMNS[name]) if name in _COLUMNS else name


def decisions(how: Matching) -> list[tuple[str, str]]:
    """The rows of the card that say how steps are matched."""
    hours = how.window.total_seconds() / 3600
    window = (
        say("{n} days", n=number(hours / 24))
        if hours % 24 == 0
        else say("{n} hours", n=number(hours, 1))
    )
    rows = [
        (say("Order"), say(_ORDERS[how.order])),
        (
            say("Window"),
            say("{window} from the first step, elapsed time, the edge included", window=window),
        ),
    ]
    if how.order != "unordered":
        rows.append((say("Entering again"), say(_REENTRIES[how.reentry])))
    for out in how.exclusions:
        rows.append((say("Excluded"), say(_MODES[out.mode], event=out.event or "*")))
    if how.breakdown:
        words = say(_CREDITS[how.credit], column=column(how.breakdown), step=how.at_step)
        rows.append((say("Broken down by"), words))
        if how.credit in ("step", "all_events"):
            rows.append(
                (
                    say("Caution"),
                    say("A unit may count under two values; the tests take these for two units."),
                )
            )
    rows.append((say("Counted"), units(how.unit, capital=True)))
    rows.append(
        (
            say("One instant"),
            say("Events of one instant are taken in the order of the steps, each once."),
        )
    )
    return rows


def definition(result: "Funnel") -> Definition:
    """The whole card."""
    no_time, nobody = result.unplaced
    optional = [str(row.name) for row in records(result.steps) if row.optional]
    rows = [
        (say("Steps"), " → ".join(result.names)),
        (
            say("Entered"),
            say(
                "From {start} to {end}, time zone {zone}.",
                start=text.day(result.start),
                end=text.day(result.as_of),
                zone=result.timezone,
            ),
        ),
        *decisions(result.how),
        (
            say("Not over yet"),
            say("{n} may still go on: their window is open.", n=number(result.open)),
        ),
        (
            say("Left out"),
            say(
                "{time} rows without a time, {unit} rows of nobody known.",
                time=number(no_time),
                unit=number(nobody),
            ),
        ),
        (
            say("Interval"),
            say("Wilson, 95%; differences by two-proportion tests, corrected after Holm."),
        ),
    ]
    if optional:
        rows.insert(1, (say("Optional"), ", ".join(optional)))
    return Definition(tuple(rows))


def bridge_table(bridge: pd.DataFrame) -> Table:
    """What should agree, and what lies between; the sums are asserted."""
    n = dict(zip(bridge["value"], bridge.units.astype("int64"), strict=True))
    assert n["first"] - n["first_only"] + n["entered_only"] == n["entered"]
    assert n["last"] - n["last_only"] == n["finished"]
    signs = [("first", 1), ("first_only", -1), ("entered_only", 1), ("entered", 1)]
    signs += [("last", 1), ("last_only", -1), ("finished", 1)]
    if "visits" in n:
        n["visits_more"] = n["visits"] - n["first"]
        signs = [("visits", 1), ("visits_more", -1), *signs]
    for kind, without in (("buyers", "finished_no_order"), ("leads", "finished_no_lead")):
        if kind in n:
            assert n[kind] - n[f"{kind}_only"] + n[without] == n["finished"]
            signs += [(kind, 1), (f"{kind}_only", -1), (without, 1), ("finished", 1)]
    frame = pd.DataFrame(
        [(say(_LINES[name]), sign * n[name]) for name, sign in signs if n[name] or name in _TOTALS],
        columns=["line", "units"],
    )
    columns = (Column("line", say("What is counted")), Column("units", say("Number"), "count"))
    return Table("funnel-bridge", say("What the funnel should agree with"), frame, columns)


def leak_table(leaks: pd.DataFrame, breakdown: str) -> Table:
    """Who goes on at each step, value by value; the step that loses most of all first."""
    named = leaks["value"].where(leaks["value"] != "", say("Unknown"))
    more = ((leaks.rest - leaks.rate) * leaks.n).where(~leaks.weak)
    frame = leaks.assign(label=named, more=more)
    frame = frame.sort_values("more", ascending=False, kind="stable")
    columns = (
        Column("label", column(breakdown)),
        Column("name", say("Step")),
        Column("n", say("Made the step before"), "count"),
        Column("rate", say("Go on"), "rate", low="rate_low", high="rate_high", n="n"),
        Column("rest", say("Of the others"), "rate"),
        Column("more", say("Lost beyond the others' rate"), "count"),
        Column("p", say("p after Holm"), "number", 3),
    )
    caption = say("Where each value loses more than the others")
    return Table("funnel-leaks", caption, frame, columns, limit=20)


def differences(values: pd.DataFrame, leaks: pd.DataFrame, breakdown: str) -> list[Finding]:
    """Values that finish less or more often than all others, beyond chance; and at which step."""
    sure = values[(values.p < 0.05) & ~values.weak & (values["value"] != "")]
    found = []
    for row in records(sure.sort_values("n", ascending=False).head(3)):
        words = {
            "column": column(breakdown),
            "value": row.value,
            "rate": percent(row.rate),
            "rest": percent(row.rest),
        }
        if row.rate < row.rest:
            finding = Finding(
                words=say("{column} {value}: {rate} finish, of the others {rest}.", **words),
                action=_mend(leaks[leaks["value"] == row.value], row.value),
                weight=float((row.rest - row.rate) * row.n / values.n.sum()),
            )
        else:
            finding = Finding(
                words=say("{column} {value}: {rate} finish, of the others {rest}.", **words),
                action=say(
                    "See what {value} does better, and send more of these visitors.",
                    value=row.value,
                ),
                weight=float((row.rate - row.rest) * row.n / values.n.sum()),
            )
        found.append(finding)
    return found


def _mend(leaks: pd.DataFrame, value: str) -> str:
    """What to do about a value that loses more: where, if one step stands out."""
    sure = leaks[(leaks.p < 0.05) & ~leaks.weak & (leaks.rest > leaks.rate)]
    if sure.empty:
        return say("No single step explains it: compare {value} over all of them.", value=value)
    worst = sure.iloc[int(((sure.rest - sure.rate) * sure.n).argmax())]
    return say(
        "Mend {step} for {value} first: {rate} go on there, of the others {rest}.",
        step=worst["name"],
        value=value,
        rate=percent(worst.rate),
        rest=percent(worst.rest),
    )
