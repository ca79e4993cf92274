"""The calls of the desk: by hand, by the owner of each lead, at the times of the lead's steps.

Steps come first. A step with a conversation is a call that is answered at that second, a first
contact that failed is a dial that nobody answered, a win is closed by a call right before the
order. An owner who is on another call just then, or whose desk is closed, sends a message instead.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.call_codes import RESULTS
from crmkit.simulate.candidates import WON
from crmkit.simulate.leads import Leads
from crmkit.simulate.met import Met, pick
from crmkit.simulate.prospects import Steps
from crmkit.simulate.telephone.crews import draw_agents
from crmkit.simulate.touches import NONE
from crmkit.simulate.worktime import WorkTime

__all__ = ["DeskCalls", "draw_desk_calls"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

CONTACT, FOLLOW_UP, INTENT, CLOSING, NO = range(5)
_ANSWERED = 0.55  # of follow-ups
_DEAD = 0.3  # of leads whom nobody ever reached, those whose number is out of use
_MISSED = (
    ("no_answer", 0.55),
    ("rejected", 0.17),
    ("powered_off", 0.14),
    ("busy", 0.10),
    ("unreachable", 0.04),
)
_REFUSES = 0.06  # of those who say no, those who ask never to be called again
_CLOSING_BEFORE = (120.0, 900.0)  # seconds from the closing call to the order
_SOON = 600  # seconds between a step and the order within which one call does both
_RING, _MOST_RING, _GIVES_UP = 11.0, 28.0, (20.0, 45.0)
_TALK = {CONTACT: 45.0, FOLLOW_UP: 70.0, INTENT: 150.0, CLOSING: 160.0, NO: 50.0}  # medians
_WRAP = 20.0


@dataclass(frozen=True)
class DeskCalls:
    """Calls of the desk by agent and time, in milliseconds since the start of the world.

    `lead` and `agent`, positions; `what` of the five kinds; `started`, `answered` (-1 where nobody
    did), `ended`, `wrap_end` (-1 likewise); `result`, a position in RESULTS; `disposition`, a code
    or None; `attempt`, by lead. `by_message`, for each of the steps whether it was no call.
    """

    lead: Wholes
    agent: Wholes
    what: Wholes
    started: Wholes
    answered: Wholes
    ended: Wholes
    wrap_end: Wholes
    result: Wholes
    disposition: npt.NDArray[np.object_]
    attempt: Wholes
    by_message: Flags

    def __len__(self) -> int:
        return len(self.lead)

    @property
    def until(self) -> Wholes:
        """When the agent is done with each."""
        return np.maximum(self.ended, self.wrap_end)


@dataclass(frozen=True)
class _Wanted:
    """Calls that the steps ask for: `at`, milliseconds of the answer (or of the dial that fails).

    `needs`, the least milliseconds of talk; `step`, the position of the step, or NONE.
    """

    lead: Wholes
    agent: Wholes
    what: Wholes
    at: Wholes
    answered: Flags
    needs: Wholes
    step: Wholes


def draw_desk_calls(met: Met, leads: Leads, steps: Steps) -> DeskCalls:
    """The calls of the desk on the days met."""
    rng = met.world.stream("calls of the desk")
    wanted = _wanted(met, leads, steps, rng)
    made = _timed(met, wanted, rng)
    kept, absorbed = _possible(met, wanted, made)
    by_message = np.zeros(len(steps.lead), dtype=bool)
    written = wanted.step[~kept & ~absorbed]
    by_message[written[written != NONE]] = True
    order = np.flatnonzero(kept)
    order = order[np.lexsort((made["started"][order], wanted.agent[order]))]
    lead = wanted.lead[order]
    return DeskCalls(
        lead=lead,
        agent=wanted.agent[order],
        what=wanted.what[order],
        **{name: values[order] for name, values in made.items()},
        result=_results(met, leads, wanted, order),
        disposition=_dispositions(met, wanted, order),
        attempt=_attempts(lead, made["started"][order]),
        by_message=by_message,
    )


def _wanted(met: Met, leads: Leads, steps: Steps, rng: np.random.Generator) -> _Wanted:
    parts = [
        _from_steps(steps, steps.of_kind("contacted"), CONTACT, _until_interest(steps)),
        _from_steps(steps, steps.failed, CONTACT),
        _from_steps(steps, steps.of_kind("follow_up") & ~steps.failed, FOLLOW_UP),
        _from_steps(steps, steps.of_kind("intent"), INTENT),
        _from_steps(steps, steps.of_kind("lost") & (steps.row != NONE), NO),
        _closing(met, leads, rng),
    ]
    names = ("lead", "agent", "what", "at", "needs", "step", "failed")
    made = {
        name: np.concatenate([part[number] for part in parts]) for number, name in enumerate(names)
    }
    missed = (made["what"] == FOLLOW_UP) & (rng.random(len(made["lead"])) >= _ANSWERED)
    answered = ~(made.pop("failed").astype(bool) | missed)
    return _Wanted(**made, answered=answered)


def _from_steps(
    steps: Steps, chosen: Flags, what: int, needs: Wholes | None = None
) -> tuple[Wholes, ...]:
    rows = np.flatnonzero(chosen)
    least = np.zeros(len(rows), dtype=np.int64) if needs is None else needs[rows]
    failed = steps.failed[rows].astype(np.int64)
    kinds = np.full(len(rows), what)
    return steps.lead[rows], steps.agent[rows], kinds, 1000 * steps.at[rows], least, rows, failed


def _until_interest(steps: Steps) -> Wholes:
    """Milliseconds from a first contact to the interest shown in it; 0 where there was none."""
    talked = steps.of_kind("interacted")
    at = np.zeros(int(steps.row.max(initial=0)) + 1, dtype=np.int64)
    at[steps.row[talked]] = steps.at[talked]
    return np.asarray(1000 * np.maximum(at[steps.row] - steps.at, 0))


def _closing(met: Met, leads: Leads, rng: np.random.Generator) -> tuple[Wholes, ...]:
    """The call that wins: in the desk's time, right before the order."""
    work = WorkTime(met)
    won = np.flatnonzero((leads.outcome == WON) & (leads.ended < met.span.seconds))
    before = rng.uniform(*_CLOSING_BEFORE, len(won)) / 3600
    at = np.floor(work.seconds(np.maximum(work.hours(leads.ended[won]) - before, 0.0)))
    at = np.minimum(at.astype(np.int64), leads.ended[won])
    own = at > leads.contacted[won] + _SOON
    won, at = won[own], at[own]
    none = np.full(len(won), NONE)
    kinds = np.full(len(won), CLOSING)
    return leads.lead[won], leads.agent[won], kinds, 1000 * at, 0 * at, none, 0 * at


def _timed(met: Met, wanted: _Wanted, rng: np.random.Generator) -> dict[str, Wholes]:
    """When each call begins and ends, by the agent's speed; a no comes at the end of its call."""
    n = len(wanted.lead)
    speed = draw_agents(met.world).speed[wanted.agent]
    ring = np.minimum(_RING * np.exp(0.5 * rng.normal(size=n)), _MOST_RING)
    ring = np.where(wanted.answered, ring, rng.uniform(*_GIVES_UP, n))
    median = np.array([_TALK[what] for what in range(5)])[wanted.what]
    talk = np.maximum(median * np.exp(0.7 * rng.normal(size=n)) * speed, 5.0)
    talk = np.rint(1000 * talk).astype(np.int64) + wanted.needs
    wrap = np.rint(1000 * _WRAP * np.exp(0.6 * rng.normal(size=n)) * speed).astype(np.int64) + 1
    rang = np.rint(1000 * ring).astype(np.int64)
    answer = np.where(wanted.what == NO, wanted.at - talk, wanted.at)
    return {
        "started": np.where(wanted.answered, answer - rang, wanted.at),
        "answered": np.where(wanted.answered, answer, NONE),
        "ended": np.where(wanted.answered, answer + talk, wanted.at + rang),
        "wrap_end": np.where(wanted.answered, answer + talk + wrap, NONE),
    }


def _possible(met: Met, wanted: _Wanted, made: dict[str, Wholes]) -> tuple[Flags, Flags]:
    """Which calls their agents can make, one at a time, and which are part of the one before."""
    open_ = WorkTime(met).open
    hour = np.clip(made["started"] // 3_600_000, 0, len(open_) - 1)
    end = np.maximum(made["ended"], made["wrap_end"])
    inside = open_[hour] & (made["started"] >= 1000 * met.start) & (end < 1000 * met.span.seconds)
    kept, absorbed = np.zeros(len(end), dtype=bool), np.zeros(len(end), dtype=bool)
    order = np.lexsort((wanted.what, made["started"], wanted.agent))
    order = order[inside[order]]
    rows = zip(
        order.tolist(),
        wanted.agent[order].tolist(),
        wanted.lead[order].tolist(),
        made["started"][order].tolist(),
        end[order].tolist(),
        wanted.answered[order].tolist(),
        strict=True,
    )
    last_agent, last_lead, free, spoke = -1, -1, 0, False
    for row, agent, lead, begins, ends, answered in rows:
        if agent != last_agent or begins > free:
            kept[row] = True
            last_agent, last_lead, free, spoke = agent, lead, ends, answered
        elif lead == last_lead and spoke:
            absorbed[row] = True
    return kept & ~_after_the_end(wanted, made["started"], kept), absorbed


def _after_the_end(wanted: _Wanted, started: Wholes, kept: Flags) -> Flags:
    """Calls that would come after the one that won or lost the lead."""
    last = np.full(int(wanted.lead.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    ends = kept & np.isin(wanted.what, (CLOSING, NO))
    np.minimum.at(last, wanted.lead[ends], started[ends])
    return np.asarray(started > last[wanted.lead])


def _results(met: Met, leads: Leads, wanted: _Wanted, order: Wholes) -> Wholes:
    """What came of each: of leads never reached, some have numbers that are out of use."""
    rng = met.world.stream("results of the desk")
    spoken = np.bincount(wanted.lead[wanted.answered], minlength=len(leads)) > 0
    dead = ~spoken & (rng.random(len(leads)) < _DEAD)
    gone = np.where(rng.random(len(leads)) < 0.7, "empty_number", "suspended")
    names = [name for name, _ in _MISSED]
    missed = pick(rng, [part for _, part in _MISSED], len(order))
    lead = wanted.lead[order]
    words = np.where(dead[lead], gone[lead], np.array(names)[missed])
    codes = {name: number for number, name in enumerate(RESULTS)}
    failed = np.array([codes[word] for word in words.tolist()], dtype=np.int64)
    return np.where(wanted.answered[order], codes["human"], failed)


def _dispositions(met: Met, wanted: _Wanted, order: Wholes) -> npt.NDArray[np.object_]:
    """The outcome chosen: talks that go on are callbacks, short first contacts hang-ups."""
    refuses = met.world.stream("refusals of the desk").random(len(order)) < _REFUSES
    what, interested = wanted.what[order], wanted.needs[order] > 0
    made = np.full(len(order), "CALLBK", dtype=object)
    made[(what == CONTACT) & ~interested] = "HUP"
    made[what == CLOSING] = "SALE"
    made[what == NO] = np.where(refuses, "DNC", "NI")[what == NO]
    made[~wanted.answered[order]] = None
    return made


def _attempts(lead: Wholes, started: Wholes) -> Wholes:
    """Which attempt for its lead each call is, from 1."""
    order = np.lexsort((started, lead))
    first = np.append(True, lead[order][1:] != lead[order][:-1])[: len(lead)]
    begins = np.maximum.accumulate(np.where(first, np.arange(len(lead)), 0))
    number = np.empty(len(lead), dtype=np.int64)
    number[order] = np.arange(len(lead)) - begins + 1
    return number
