"""What is due: a function of the settings, the ledger, the data, and the clock given."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from crmkit import periods
from crmkit.reports.schedule.ledger import Entry
from crmkit.setting_schedule import PERIODS, ReportSchedule, ScheduleSettings

__all__ = ["Decision", "Period", "decisions", "key_of", "periods_of"]

State = Literal["run", "done", "waits", "too old", "given up"]


@dataclass(frozen=True, kw_only=True)
class Period:
    """A period of a report: its label, its last day, and the UTC instant from which it may run."""

    label: str
    as_of: dt.date
    ready_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do about a report's period, and why."""

    report: ReportSchedule
    period: Period
    state: State
    why: str

    @property
    def key(self) -> str:
        """What makes the report another one: its notebooks, languages, formats, parameters."""
        return key_of(self.report)


def key_of(report: ReportSchedule) -> str:
    """The fingerprint of what a report is; a change of it makes its periods due again."""
    what = report.model_dump(
        mode="json", include={"name", "notebooks", "languages", "formats", "parameters"}
    )
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def decisions(
    schedule: ScheduleSettings,
    entries: Sequence[Entry],
    *,
    now: dt.datetime,
    last_day: dt.date | None,
    timezone: str,
) -> tuple[Decision, ...]:
    """What is due, what waits, and why; oldest periods first, and the next period of each report.

    Parameters: `entries`, of the ledger; `now`, UTC without a zone; `last_day`, the last day of the
    data, or None where there are none; `timezone`, of the book.
    Returns: a Decision for each period that became ready in the last `catch_up_days` days (a report
    that never ran begins with the newest of them), and for the one that comes next.
    """
    found = []
    for report in schedule.reports:
        key = key_of(report)
        mine = [entry for entry in entries if entry.key == key]
        since = now - dt.timedelta(days=schedule.catch_up_days)
        ready = list(_ready(report, since, now, timezone))
        # What lay before its first run is not missed: the report did not exist.
        first = min((entry.as_of for entry in mine), default=None)
        ready = ready[-1:] if first is None else [p for p in ready if p.as_of >= first]
        for period in ready:
            own = [entry for entry in mine if entry.period == period.label]
            state, why = _state(schedule, report, period, own, now, last_day)
            found.append(Decision(report=report, period=period, state=state, why=why))
        coming = next(periods_of(report, now, timezone))
        why = f"from {coming.ready_at:%Y-%m-%d %H:%M} UTC on"
        found.append(Decision(report=report, period=coming, state="waits", why=why))
    return tuple(sorted(found, key=lambda d: (d.period.ready_at, d.report.name)))


def _state(
    schedule: ScheduleSettings,
    report: ReportSchedule,
    period: Period,
    entries: Sequence[Entry],
    now: dt.datetime,
    last_day: dt.date | None,
) -> tuple[State, str]:
    if any(entry.status == "done" for entry in entries):
        return "done", "published"
    needed = period.as_of - dt.timedelta(days=report.fresh_days)
    if last_day is None or last_day < needed:
        there = "there are none" if last_day is None else f"they end on {last_day}"
        return "waits", f"for data up to {needed}; {there}"
    failed = [entry for entry in entries if entry.status in ("failed", "killed")]
    last = (failed[-1].error or "no reason told") if failed else ""
    if len(failed) > schedule.retries:
        return "given up", f"after {len(failed)} tries; last: {last}"
    if failed:
        pause = dt.timedelta(minutes=schedule.backoff_minutes * 2 ** (len(failed) - 1))
        again = max(entry.ended_at or entry.started_at for entry in failed) + pause
        # A clock that was set back must not make it wait for longer than the pause.
        if now < again <= now + pause:
            return "waits", f"until {again:%Y-%m-%d %H:%M} UTC after {len(failed)} failed tries"
        return "run", f"again, after {len(failed)} failed tries"
    late = now - period.ready_at
    return "run", "missed" if late > dt.timedelta(days=1) else "ready"


def _ready(
    report: ReportSchedule, since: dt.datetime, now: dt.datetime, timezone: str
) -> Iterator[Period]:
    for period in periods_of(report, since, timezone):
        if period.ready_at > now:
            return
        yield period


def periods_of(report: ReportSchedule, after: dt.datetime, timezone: str) -> Iterator[Period]:
    """The periods that become ready after an instant, for ever.

    A day, week, month or quarter is ready on the day after its last, at the report's time of day in
    the book's timezone (where the clock jumps over that time, when it has jumped). A cron line
    gives instants; the report is about the day before.
    """
    if report.every in PERIODS:
        yield from _calendar(report, after, timezone)
    else:
        yield from _cron(report, after, timezone)


def _calendar(report: ReportSchedule, after: dt.datetime, timezone: str) -> Iterator[Period]:
    kind: periods.Period = report.every  # type: ignore[assignment]
    local = after.replace(tzinfo=dt.UTC).astimezone(periods.zone(timezone)).date()
    number = periods.number_of(local, kind) - 1
    while True:
        following = periods.period_start(number + 1, kind)
        last = following - dt.timedelta(days=1)
        ready = _instant(following, report.at, timezone)
        if ready > after:
            label = _label(periods.period_start(number, kind), kind)
            yield Period(label=label, as_of=last, ready_at=ready)
        number += 1


def _cron(report: ReportSchedule, after: dt.datetime, timezone: str) -> Iterator[Period]:
    from cronsim import CronSim  # noqa: PLC0415 (only where it is used)

    zone = periods.zone(timezone)
    for at in CronSim(report.every, after.replace(tzinfo=dt.UTC).astimezone(zone)):
        ready = at.astimezone(dt.UTC).replace(tzinfo=None)
        day = at.astimezone(zone).date() - dt.timedelta(days=1)
        yield Period(label=day.isoformat(), as_of=day, ready_at=ready)


def _instant(day: dt.date, at: dt.time, timezone: str) -> dt.datetime:
    local = dt.datetime.combine(day, at, tzinfo=periods.zone(timezone))
    return local.astimezone(dt.UTC).replace(tzinfo=None)


def _label(first: dt.date, kind: periods.Period) -> str:
    if kind == "week":
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02d}"
    if kind == "quarter":
        return f"{first.year}-Q{(first.month + 2) // 3}"
    return first.isoformat() if kind == "day" else f"{first:%Y-%m}"
