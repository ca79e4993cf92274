"""How far a unit gets through steps, written plainly from the definitions: one event after another.

It keeps, for every level (the number of the last step made), the attempt that got there last, and
works through the stream of one unit in Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Event", "Out", "Rules", "reached"]


@dataclass(frozen=True)
class Event:
    """One event: its instant, its id, what it is."""

    at: float
    id: str
    name: str


@dataclass(frozen=True)
class Out:
    """An excluded event, the steps it lies between, and what it does."""

    name: str
    after: int
    before: int
    mode: str


@dataclass
class Rules:
    """The decisions; a step is a set of event names."""

    steps: Sequence[frozenset[str]]
    window: float
    order: str = "ordered"
    reentry: str = "latest"
    optional: Sequence[bool] = ()
    outs: Sequence[Out] = ()
    start: float = float("-inf")
    end: float = float("inf")


@dataclass
class _Attempt:
    start: float
    at: dict[int, float] = field(default_factory=dict)
    cancelled: bool = False

    @property
    def since(self) -> float:
        return max(self.at.values())


def reached(stream: Sequence[Event], rules: Rules) -> tuple[int, list[float | None]] | None:
    """The level and the instants of the steps; None for a unit that counts for nothing."""
    stream = sorted(stream, key=lambda e: (e.at, e.id))
    inside = [e for e in stream if rules.start <= e.at < rules.end + rules.window]
    if rules.order == "unordered":
        groups = [[e for e in inside if e.at == at] for at in sorted({e.at for e in inside})]
        return _gathered([e for group in groups for e in _in_step_order(group, rules)], rules)
    return _walked(inside, rules)


def _in_step_order(group: list[Event], rules: Rules) -> list[Event]:
    """Events of one instant: those that fit the same steps stand for these in turn."""
    placed, used = [], {}
    for event in group:
        fits = [j for j, names in enumerate(rules.steps) if event.name in names]
        if rules.order != "unordered" and event.at >= rules.end:
            fits = [j for j in fits if j]  # nobody enters any more
        turn = used.get(tuple(fits), 0)
        used[tuple(fits)] = turn + 1
        placed.append((fits[turn % len(fits)] if fits else len(rules.steps), event.id, event))
    return [event for *_, event in sorted(placed, key=lambda p: p[:2])]


def _walked(  # noqa: PLR0912 (a state machine, told plainly)
    stream: list[Event], rules: Rules
) -> tuple[int, list[float | None]] | None:
    last = len(rules.steps)
    optional = list(rules.optional) or [False] * last
    newest: dict[int, _Attempt] = {}
    made: list[tuple[int, int, _Attempt, dict[int, float]]] = []
    done, entered, number = None, None, 0
    instants = sorted({e.at for e in stream})
    for place, at in enumerate(instants):
        before = instants[place - 1] if place else float("-inf")
        group = [e for e in stream if e.at == at]
        past = [e for e in stream if e.at < at]
        for event in _in_step_order(group, rules):
            number += 1
            for level in range(last, 0, -1):
                if event.name not in rules.steps[level - 1]:
                    continue
                if level == 1:
                    if at >= rules.end or (rules.reentry == "first" and entered not in (None, at)):
                        continue
                    entered = at
                    attempt = _Attempt(at, {1: at})
                else:
                    froms = [level - 1]
                    while optional[froms[-1] - 1]:
                        froms.append(froms[-1] - 1)
                    able = [p for p in froms if p in newest]
                    if not able:
                        continue
                    came = max(able, key=lambda p: (newest[p].start, p))
                    old = newest[came]
                    if at - old.start > rules.window:
                        continue
                    if rules.order == "strict" and before > old.since:
                        continue
                    if any(
                        e.name == out.name and old.since < e.at
                        for out in rules.outs
                        if out.after <= came < out.before
                        for e in past
                    ):
                        continue
                    attempt = _Attempt(old.start, {**old.at, level: at})
                if level in newest and newest[level].start >= attempt.start:
                    continue
                newest[level] = attempt
                made.append((level, number, attempt, attempt.at))
                if level == last and done is None:
                    done = at
        for event in group:
            for out in rules.outs:
                if (
                    event.name != out.name
                    or out.mode != "drop_user"
                    or (done is not None and done < at)
                ):
                    continue
                for level in range(out.after, out.before):
                    attempt = newest.get(level)
                    if attempt is None or attempt.since >= at or at - attempt.start > rules.window:
                        continue
                    if any(
                        q in newest and newest[q].start >= attempt.start
                        for q in range(level + 1, last + 1)
                    ):
                        continue
                    if done is None or done >= at:
                        return None
    return _best(made, stream, rules)


def _best(made, stream, rules) -> tuple[int, list[float | None]] | None:
    last = len(rules.steps)
    kept = []
    for level, number, attempt, at in made:
        spoiled = any(
            e.name == out.name and attempt.since < e.at <= attempt.start + rules.window
            for out in rules.outs
            if out.mode == "drop_attempt" and out.after <= level < out.before
            for e in stream
        )
        if not spoiled:
            kept.append((level, number, at))
    if not kept:
        return None
    level = max(k[0] for k in kept)
    chosen = [k for k in kept if k[0] == level]
    at = (min if level == last else max)(chosen, key=lambda k: k[1])[2]
    return level, [at.get(i) for i in range(1, last + 1)]


def _gathered(stream: list[Event], rules: Rules) -> tuple[int, list[float | None]] | None:
    steps = list(rules.steps)
    outs = {out.name for out in rules.outs}
    users = {out.name for out in rules.outs if out.mode == "drop_user"}

    def step_of(event):
        return next((names for names in steps if event.name in names), None)

    best = None
    for place, event in enumerate(stream):
        here = stream[: place + 1]
        gone = [e.at for e in here if e.name in outs and e.at < event.at]
        floor = max([event.at - rules.window, *gone])
        inside: list[float] = []
        for names in dict.fromkeys(steps):
            times = sorted((e.at for e in here if step_of(e) == names), reverse=True)
            inside += [t for t in times[: steps.count(names)] if t >= floor]
        inside.sort()
        full = best is not None and best[0] == len(steps)
        if not inside or full or inside[0] >= rules.end:
            continue
        if event.name in users and any(t < event.at for t in inside):
            return None
        if step_of(event) is None:
            continue
        if best is None or len(inside) >= best[0]:
            best = len(inside), inside + [None] * (len(steps) - len(inside))
    return best
