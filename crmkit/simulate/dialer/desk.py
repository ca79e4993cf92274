"""Everything the engine holds while it runs, as flat lists of numbers and of small records."""

from dataclasses import dataclass

__all__ = ["RECORDS", "Agent", "Call", "Caller", "Cause", "Counts", "Desk", "Lead", "Pool"]

Ints = list[int]
Reals = list[float]


@dataclass(slots=True)
class Counts:
    """Counters and settings: whole numbers first, then real ones."""

    done: int
    eager: int
    all_dials: int
    dial: int
    answered: int
    talks: int
    looks: int
    gaps: int
    rows: int
    notes: int
    turns: int
    room: int
    open: int
    free: int
    lines: int
    goal: int
    voices: int
    voice_lines: int
    ready: int
    talking: int
    waiting: int
    present: int
    seq: int
    next_in: int
    window: int
    ticks: int
    live: int
    drops: int
    minute_live: int
    minute_drops: int
    seen_live: int
    seen_drops: int
    all_live: int
    handled: int
    handle_ms: int
    trunks: int
    agents: int
    grace: int
    setup: int
    timeout: int
    amd_ms: int
    pitch: int
    machine_ms: int
    latest: int
    reserves: int
    looks_first: int
    pacing: int
    own: int
    in_group: int
    kinds: int
    days: int
    inbounds: int
    windows: int
    heap_room: int
    level: float
    max_level: float
    intensity: float
    target_diff: float
    drop_target: float
    sum_diff: float
    sum_agents: float
    plan_answer: float
    plan_handle: float
    prior: float
    callback: float
    interested: float
    wrong: float
    dnc: float
    amd_human: float
    amd_machine: float


@dataclass(slots=True)
class Pool:
    """Leads of agents, or of automatic voice: how far the fresh ones are, and when one is due."""

    fresh: int
    end: int
    wake: int


@dataclass(slots=True)
class Call:
    """The call on a trunk: times in milliseconds, `before` and `after` in its queue.

    The two records behind the trunks are the heads of the queues.
    """

    slot: int
    seq: int
    lead: int
    start: int
    agent: int
    kind: int
    code: int
    answer: int
    queued: int
    agent_at: int
    patience: int
    amd: int
    until: int
    waits: int
    wrap: int
    delay: int
    disposition: int
    before: int
    after: int


@dataclass(slots=True)
class Agent:
    """An agent: state, what the roster wants, `before` and `after` among those ready.

    The two records behind the agents are the heads of the lines of those ready.
    """

    state: int
    lead: int
    phase: int
    want: int
    group: int
    takes_in: int
    takes_out: int
    before: int
    after: int
    own_first: int
    roster_next: int
    roster_end: int
    speed: float


@dataclass(slots=True)
class Lead:
    """A lead: how it answers, how often it was tried, and the callback it waits for."""

    reach: float
    interest: float
    hour_kind: int
    alias_at: int
    by_voice: int
    tries: int
    owner: int
    own_next: int


@dataclass(slots=True)
class Caller:
    """Someone who comes in."""

    at: int
    patience: int
    talk: int
    wrap: int


@dataclass(slots=True)
class Cause:
    """A column of an alias table: below the cut a code, else the other, with their ring shares."""

    cut: float
    code: int
    other: int
    share: float
    other_share: float


@dataclass(slots=True)
class Desk:
    """The engine's memory: lists of numbers and records here, arrays where it is compiled.

    `counts`, one record; `heap`, events; `due`, leads by the time of their retry;
    `fresh`, leads in order; `free`, trunks; `hour` and `clock`, the local time of each quarter of
    an hour; `roster_`, what agents are asked to do when; `u` to `gap`, blocks of random numbers;
    `_rows`, what is written.
    """

    counts: list[Counts]
    pools: list[Pool]
    heap: Ints
    due: Ints
    due_voice: Ints
    fresh: Ints
    free: Ints
    calls: list[Call]
    agents: list[Agent]
    leads: list[Lead]
    callers: list[Caller]
    causes: list[Cause]
    hour_factor: Reals
    hour: Ints
    clock: Ints
    window_at: Ints
    retry_limit: Ints
    retry_after: Ints
    load: Reals
    skill: Reals
    roster_at: Ints
    roster_want: Ints
    u: Reals
    ring: Ints
    v: Reals
    patience: Ints
    message: Ints
    talk: Ints
    wrap: Ints
    delay: Ints
    w: Reals
    look: Ints
    gap: Reals
    call_rows: Ints
    note_rows: Ints
    turn_rows: Ints


RECORDS: dict[str, type] = {
    "counts": Counts,
    "pools": Pool,
    "calls": Call,
    "agents": Agent,
    "leads": Lead,
    "callers": Caller,
    "causes": Cause,
}
"""The fields of the desk that hold records."""
