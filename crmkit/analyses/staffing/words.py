"""The definition card of a staffing plan, and the words that its parts share."""

from typing import TYPE_CHECKING

from crmkit.analyses.staffing.grid import clock
from crmkit.analyses.staffing.pick import each
from crmkit.analyses.staffing.shrinkage import STEPS
from crmkit.blocks import Definition
from crmkit.text import day, message, number, percent, period, reader, say, span

if TYPE_CHECKING:
    from crmkit.analyses.staffing.result import Staffing

MODELS = {
    "profile": message("profile of the week times a smoothed level"),
    "regression": message("Poisson regression on weekday and interval times a smoothed level"),
    "trend": message("Poisson regression on weekday and interval with a weekly trend"),
    "naive": message("the same interval of last week"),
}
SOURCES = {
    "measured": message("measured"),
    "given": message("given"),
    "assumed": message("assumed"),
    "shifts": message("in the shifts"),
}
PROMISES = {
    "service_level": message("service level"),
    "abandonment": message("abandonment"),
    "occupancy": message("occupancy"),
}
_WEEKDAYS = (
    message("Mon"),
    message("Tue"),
    message("Wed"),
    message("Thu"),
    message("Fri"),
    message("Sat"),
    message("Sun"),
)
_WHY = {
    "no_calls": message("No inbound calls from {first} to {last}, so no inbound agents to plan."),
    "no_week": message(
        "No complete week of inbound calls from {first} to {last}: a forecast needs at least one."
    ),
    "no_handle": message(
        "Inbound calls from {first} to {last} have no known length: give `handle`, in seconds."
    ),
    "": message("No calls are expected in {week}: the floor is closed."),
}


def chinese() -> bool:
    """Whether sentences follow each other without a space."""
    return reader().language == "zh"


def weekday(number_: float) -> str:
    """The short name of a weekday; 0 is Monday."""
    return say(_WEEKDAYS[int(number_)])


def interval(weekday_: float, slot: float, minutes: int) -> str:
    """The name of an interval, such as "Mon 09:30"."""
    return f"{weekday(weekday_)} {clock(int(slot), minutes)}"


def promises(names: str) -> str:
    """The promises that bind, from their names joined by plus signs."""
    return say(", ").join(say(PROMISES[name]) for name in names.split("+") if name)


def step(name: str) -> str:
    """The name of a step of the waterfall; a name of the firm's own as it is."""
    return say(STEPS[name]) if name in STEPS else name


def why_not(result: "Staffing") -> str:
    """Why inbound calls are not planned."""
    return say(
        _WHY[result.gap],
        first=day(result.asked.start),
        last=day(result.asked.as_of),
        week=period(result.monday, "week"),
    )


def definition(result: "Staffing") -> Definition:
    """Every decision behind the plan."""
    items = [
        (
            say("Clock"),
            say(
                "Local time of {zone}, intervals of {n} minutes",
                zone=result.asked.timezone,
                n=number(result.asked.interval),
            ),
        )
    ]
    if result.planned_in:
        items += [*_inbound(result), (say("Shrinkage"), _shrinkage(result)), _shifts(result)]
    if result.outbound.known:
        items += _outbound(result)
    return Definition(tuple(items))


def _inbound(result: "Staffing") -> list[tuple[str, str]]:
    past, asked = result.past_weeks, result.asked
    weeks = say(
        "{n} complete weeks, {first} to {last}; a week that is not over is left out",
        n=number(len(past)),
        first=period(_monday(past.weeks[0]), "week"),
        last=period(_monday(past.weeks[-1]), "week"),
    )
    return [
        (say("Learned from"), weeks + _left_out(result)),
        (say("Calls"), say("inbound calls, those without a free line too, transfers not again")),
        (say("Forecast"), _model(result)),
        (
            say("Band"),
            say(
                "80%; callers scatter {phi} times as much as chance alone gives, and whole days "
                "and weeks by another {kappa}",
                phi=number(result.said.band.phi, 2),
                kappa=percent(result.said.band.kappa**0.5),
            ),
        ),
        (say("Length of calls"), _handle(result)),
        (say("Patience"), _patience(result)),
        (say("Requirement"), _promise(result)),
        (
            say("Lines"),
            say("Erlang B, at most {share} of calls lost", share=percent(asked.blocking)),
        ),
    ]


def _monday(week: int) -> str:
    from crmkit import periods  # noqa: PLC0415

    return str(periods.period_start(week, "week"))


def _left_out(result: "Staffing") -> str:
    past = result.past_weeks
    told = ""
    if past.closed:
        days = say(", ").join(day(each) for each in past.closed)
        told += say("; days without any call taken as closed: {days}", days=days)
    if result.asked.opening.holidays:
        told += say("; holidays given: {n}", n=number(len(result.asked.opening.holidays)))
    if past.outside:
        told += say("; calls outside the opening hours: {n}", n=number(past.outside))
    return told


def _model(result: "Staffing") -> str:
    said = result.said
    model = say(MODELS[said.model])
    chosen = said.accuracy[said.accuracy.chosen].iloc[0]
    naive = said.accuracy[said.accuracy.model == "naive"].iloc[0]
    if not chosen.weeks:
        return say("{model}; too few weeks to measure its error", model=model)
    return say(
        "{model}, chosen on {n} weeks it had not seen: errors are {error} of calls by interval, "
        "against {naive} for last week again and {chance} from chance alone",
        model=model,
        n=number(chosen.weeks),
        error=percent(chosen.wape),
        naive=percent(naive.wape),
        chance=percent(chosen.chance),
    )


def _handle(result: "Staffing") -> str:
    m = result.measured
    if m.handle_source == "given":
        return say("{n} s, given", n=number(m.handle))
    return say(
        "talk and wrap, {n} s ({span}, 95%), measured on {calls} calls",
        n=number(m.handle),
        span=span(m.handle_low, m.handle_high, digits=0, rate=False),
        calls=number(m.handle_n),
    )


def _patience(result: "Staffing") -> str:
    m = result.measured
    if m.patience_source != "measured":
        return say(
            "exponential, mean {n} s, {source}",
            n=number(m.patience),
            source=say(SOURCES[m.patience_source]),
        )
    return say(
        "exponential, mean {n} s ({span}, 95%): all waiting over {left} callers who gave up",
        n=number(m.patience),
        span=span(m.patience_low, m.patience_high, digits=0, rate=False),
        left=number(m.patience_n),
    )


def _promise(result: "Staffing") -> str:
    asked = result.asked.promise
    told = say(
        "fewest agents by Erlang A with {level} of all callers answered within {within} s",
        level=percent(asked.service_level, 0),
        within=number(asked.within),
    )
    if asked.abandonment is not None:
        told += say(", at most {share} giving up", share=percent(asked.abandonment))
    if asked.occupancy is not None:
        told += say(", occupancy up to {share}", share=percent(asked.occupancy, 0))
    return told


def _shrinkage(result: "Staffing") -> str:
    steps = say(", ").join(
        say(
            "{step} {share} ({source})",
            step=step(row.step),
            share=percent(row.share),
            source=say(SOURCES[row.source]),
        )
        for row in each(result.shrinkage)
    )
    return say(
        "{steps}; each of what the steps before it left; agents planned are rounded up, "
        "interval by interval",
        steps=steps,
    )


def _shifts(result: "Staffing") -> tuple[str, str]:
    proven = (
        say("the optimum, to a ten-thousandth")
        if result.proven
        else say("the best found in the steps allowed")
    )
    told = say(
        "of {n} patterns, the least paid hours that cover the plan ({proven})",
        n=number(result.patterns),
        proven=proven,
    )
    return say("Shifts"), told


def _outbound(result: "Staffing") -> list[tuple[str, str]]:
    out = result.outbound
    return [
        (
            say("Outbound"),
            say(
                "queue M/M/n+D: at most {drop} of answers dropped after {grace} s; {answer} of "
                "dials put through ({span}, 95%), {handle} s of talk and wrap, {seek} s to an "
                "answer or to giving up",
                drop=percent(out.target),
                grace=number(out.grace, 1),
                answer=percent(out.answer),
                span=span(out.answer_low, out.answer_high),
                handle=number(out.handle),
                seek=number(out.seek),
            ),
        ),
        (
            say("Dial level"),
            say("lines that dial or ring for each agent who is free, in the mean"),
        ),
    ]
