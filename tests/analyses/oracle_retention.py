"""Retention counted in plain Python, one customer at a time, to hold the engines against."""

import datetime as dt
import itertools
from operator import itemgetter
from zoneinfo import ZoneInfo

import numpy as np

DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}


def local_day(at, timezone):
    return at.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).date()


def first_day(day, period):
    """The first day of the period that a day lies in."""
    if period == "day":
        return day
    if period == "week":
        return day - dt.timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)


def following(first, period, k=1):
    """The first day of the k-th period after."""
    surely_inside_the_next = {"day": 1, "week": 7, "month": 31, "quarter": 93, "year": 370}
    for _ in range(k):
        first = first_day(first + dt.timedelta(days=surely_inside_the_next[period]), period)
    return first


def midnight(day, timezone):
    at = dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(timezone))
    return at.astimezone(dt.UTC).replace(tzinfo=None)


def members(rows, *, cohort, starts, since, until, period, timezone):
    """(customer, first day of the cohort, instant of the start), per membership."""
    found = []
    key = itemgetter("customer_id")
    for customer, theirs in itertools.groupby(sorted(rows, key=key), key):
        own = [row for row in theirs if starts(row)]
        days = [(row["at"], local_day(row["at"], timezone)) for row in own]
        inside = [
            (at, day)
            for at, day in days
            if (since is None or day >= since) and (until is None or day <= until)
        ]
        if cohort == "first" and inside:
            chosen = [min(inside)]
        elif cohort == "first_ever" and days and min(days) in inside:
            chosen = [min(days)]
        elif cohort == "recurring":
            per = {}
            for at, day in sorted(inside):
                per.setdefault(first_day(day, period), (at, day))
            chosen = list(per.values())
        else:
            chosen = []
        found += [(customer, first_day(day, period), at) for at, day in chosen]
    return found


def retention(
    rows,
    *,
    as_of,
    timezone="UTC",
    period="month",
    criterion="on",
    brackets=None,
    cohort="first",
    start=None,
    back=None,
    clock="calendar",
    minimum=1,
    breakdown=None,
    since=None,
    until=None,
    same_period=False,
    earned=None,
):
    """{(cohort, group, period): [n, customers, partial]}; sums go into `earned`."""
    starts = (lambda row: True) if start is None else (lambda row: row["event"] == start)
    backs = (lambda row: True) if back is None else (lambda row: row["event"] == back)
    rows = [r for r in rows if r["customer_id"] is not None]
    rows = [r for r in rows if local_day(r["at"], timezone) <= as_of]
    end = midnight(as_of + dt.timedelta(days=1), timezone)
    now = first_day(as_of, period)

    def over(first):
        return following(first, period) <= as_of + dt.timedelta(days=1)

    def offset(row, at, cohort_day):
        if clock == "elapsed":
            return (row["at"] - at) // length
        k, first = 0, cohort_day
        while first < first_day(local_day(row["at"], timezone), period):
            k, first = k + 1, following(first, period)
        return k

    length = dt.timedelta(days=DAYS[period])
    windows = brackets or [(k, k) for k in range(200)]
    if brackets and not same_period:
        windows = [(0, 0), *brackets]
    cells = {}
    for customer, cohort_day, at in members(
        rows,
        cohort=cohort,
        starts=starts,
        since=since,
        until=until,
        period=period,
        timezone=timezone,
    ):
        own = [r for r in rows if r["customer_id"] == customer and r["at"] >= at]
        at_start = [r for r in own if r["at"] == at and starts(r)]
        names = [r[breakdown] for r in at_start if breakdown and r[breakdown] is not None]
        group = min(names) if names else None
        itself = 1 if all(backs(r) for r in at_start) else 0
        returns, paid = {}, {}
        for row in own:
            k = offset(row, at, cohort_day)
            returns[k] = returns.get(k, 0) + backs(row)
            paid[k] = paid.get(k, 0) + row["amount"] * (backs(row) or starts(row))
        returns[0] = returns.get(0, 0) - itself if same_period else 0
        for low, high in windows:
            if clock == "elapsed":
                if at + length * (high + 1) > end:
                    break
                partial = not over(cohort_day)
            else:
                if following(cohort_day, period, low) > now:
                    break
                last = low if criterion == "on_or_after" else high
                partial = not (over(cohort_day) and over(following(cohort_day, period, last)))
            top = max(returns, default=0) if criterion == "on_or_after" else high
            times = sum(returns.get(k, 0) for k in range(low, top + 1))
            cell = cells.setdefault((cohort_day, group, low), [0, 0, partial])
            cell[0] += 1
            cell[1] += (low == 0 and not same_period) or times >= minimum
            if earned is not None:
                key = (cohort_day, low)
                earned[key] = earned.get(key, 0) + paid.get(low, 0)
    return cells


def stream(seed, *, customers=12, rows=80, days=120):
    """A small random stream with ties, two events, Chinese labels, unknown customers and groups."""
    random = np.random.default_rng(seed)
    begin = dt.datetime(2011, 1, 20)
    minutes = random.integers(0, days * 24 * 60, rows)
    minutes[: rows // 4] = minutes[0] // 1440 * 1440 + random.integers(0, 3, rows // 4) * 1440
    names = [f"c{k}" for k in range(customers)]

    def pick(values):
        return [None if value == "" else str(value) for value in random.choice(values, rows)]

    ids, events, channels = pick([*names, ""]), pick(["visit", "order"]), pick(["电话", "web", ""])
    amounts = random.integers(1, 9000, rows)
    return [
        {
            "customer_id": ids[k],
            "at": begin + dt.timedelta(minutes=int(minutes[k])),
            "event": events[k],
            "channel": channels[k],
            "amount": float(amounts[k]) / 4,
        }
        for k in range(rows)
    ]


def options(seed):
    """A random but sensible choice of every option."""
    random = np.random.default_rng(seed + 10_000)

    def one(values):
        return values[int(random.integers(len(values)))]

    same = bool(random.integers(2))
    criterion = one(["on", "on_or_after", "brackets"])
    first = 0 if same and random.integers(2) else 1
    brackets = ((first, 1), (2, 3), (5, 6)) if criterion == "brackets" else None
    ranged = int(random.integers(3))
    return {
        "as_of": dt.date(2011, 4, int(random.integers(1, 31))),
        "timezone": one(["UTC", "Europe/London", "Asia/Shanghai", "America/New_York"]),
        "period": one(["day", "week", "month", "quarter"]),
        "criterion": criterion,
        "brackets": brackets,
        "cohort": one(["first", "first_ever", "recurring"]),
        "start": one([None, None, "visit", "order"]),
        "back": one([None, None, "visit", "order"]),
        "clock": one(["calendar", "elapsed"]),
        "minimum": one([1, 1, 2, 3]),
        "breakdown": one([None, "channel"]),
        "since": dt.date(2011, 2, 10) if ranged else None,
        "until": dt.date(2011, 3, 20) if ranged == 2 else None,
        "same_period": same,
    }
