"""Dial: run a floor over its leads, day by day, call by call."""

import gc
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np

from crmkit.errors import ParameterError, nearest
from crmkit.simulate.dialer import compiled, kernel
from crmkit.simulate.dialer.blocks import ROWS, Block, Rows, count, put
from crmkit.simulate.dialer.build import Arrays, arrays
from crmkit.simulate.dialer.crew import Crew
from crmkit.simulate.dialer.desk import RECORDS, Desk
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.log import FloorLog
from crmkit.simulate.dialer.times import Times, roster
from crmkit.simulate.floor import Floor

__all__ = ["ENGINES", "dial"]

ENGINES = ("auto", "python", "numba")


def dial(
    floor: Floor,
    leads: LeadBatch,
    *,
    crew: Crew | None = None,
    seed: int | None = None,
    engine: str = "auto",
) -> FloorLog:
    """Simulate a call floor: every dial, every talk, every state of every agent.

    A discrete-event simulation in whole milliseconds. The same floor, leads and seed give the same
    log, whichever engine runs it. Agents are taken in the order in which they became ready, callers
    and answered people in the order in which they began to wait; callbacks and retries that are due
    go before fresh leads.
    Parameters: `floor`, the configuration; `leads`, whom to dial; `crew`, the agents, or None for
    agents drawn by the floor's spread; `seed`, in place of the floor's; `engine`, "python", "numba"
    (the extra `fast`), or "auto" for numba where it is installed.
    Returns: `FloorLog`, with tables() and summary().
    Raises: ParameterError for an unknown engine or one that is not installed.

    >>> floor = Floor(agents=3, trunks=6)
    >>> log = dial(floor, LeadBatch.draw(floor, 50), engine="python")
    >>> log.summary().leads_dialled
    50
    """
    if engine not in ENGINES:
        guess = nearest(engine, ENGINES)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"engine is {engine!r}.{hint} There are: {', '.join(ENGINES)}.")
    root = floor.seed if seed is None else seed
    times = Times(floor)
    people = Crew.draw(floor, root) if crew is None else crew.fits(floor)
    plan = roster(floor, times, people)
    made = arrays(floor, leads, times, plan, people, root)
    block = Block.of(floor, leads, len(made["callers"]), root)
    block.begin(made)
    fast = engine == "numba" or (engine == "auto" and compiled.available())
    run = compiled.engine() if fast else kernel.run
    rows = Rows()
    with _no_collection():
        desk: Any = compiled.desk(made) if fast else _lists(made)
        _first_events(desk, made, times, fast)
        _later_leads(desk, floor, leads, times, fast)
        while count(desk, "done") == 0:
            run(desk)
            rows.take(desk)
            block.refill(desk)
            _make_room(desk)
    return FloorLog.of(floor, leads, people, times, plan.reasons, rows, root)


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for cycles: a run makes none, and there are millions of records to look through."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _lists(made: Arrays) -> Desk:
    """The desk of the plain engine; its heaps begin empty, its rows are arrays to be read whole."""
    lists: dict[str, Any] = {
        f.name: made[f.name].tolist() for f in fields(Desk) if f.name not in ROWS
    }
    lists |= {name: array("q", made[name].tobytes()) for name in ROWS}
    for name, kind in RECORDS.items():
        lists[name] = [kind(*row) for row in lists[name]]
    lists |= {"heap": [], "due": [], "due_voice": []}
    return Desk(**lists)


def _make_room(f: Any) -> None:
    """Twice the room for events, where half of it is used."""
    plain = isinstance(f, Desk)
    events = len(f.heap) if plain else f.heap[-1]
    room = count(f, "heap_room")
    if events > room:
        put(f, "heap_room", 2 * room)
        if not plain:
            f.heap = np.concatenate([f.heap[:events], np.zeros_like(f.heap), f.heap])
            f.refer()


def _first_events(f: Any, made: Arrays, times: Times, fast: bool) -> None:
    """Everybody's first entry of the roster, the first opening, the first caller, and the end."""
    push = kernel.push_array if fast else kernel.push

    def event(at: int, kind: int, who: int) -> None:
        push(f.heap, (at << kernel.TIME) | (kind << kernel.KIND) | who)

    for agent, (first, end) in enumerate(made["agents"][["roster_next", "roster_end"]].tolist()):
        if first < end:
            event(int(made["roster_at"][first]), kernel.SCHEDULE, agent)
    event(times.windows[0], kernel.WINDOW_TURN, 0)
    if len(made["callers"]):
        event(int(made["callers"]["at"][0]), kernel.ARRIVAL, 0)
    event(times.end, kernel.THE_END, 0)
    event(kernel.NEVER, kernel.HALT, 0)
    for due in (f.due, f.due_voice):
        push(due, kernel.NEVER << kernel.KIND)


def _later_leads(f: Any, floor: Floor, leads: LeadBatch, times: Times, fast: bool) -> None:
    """Leads that are not there on the first day are due at the midnight their day begins with."""
    push = kernel.push_array if fast else kernel.push
    wanted = (leads.first_day > 0) & (leads.first_day < floor.days) & ~leads.do_not_call
    midnights = [times.of(day, 0) for day in floor.dates]
    by_voice = leads.voice & (floor.voice is not None)
    for lead in np.flatnonzero(wanted & (by_voice == leads.voice)).tolist():
        if floor.agents or by_voice[lead]:
            due = f.due_voice if by_voice[lead] else f.due
            push(due, (midnights[leads.first_day[lead]] << kernel.KIND) | lead)
