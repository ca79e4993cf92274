"""Runs what is due, each period once, and tells who should know."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crmkit.disk import alone, writing
from crmkit.errors import CrmkitError, ReportError
from crmkit.reports.guard import Limits
from crmkit.reports.manifest import Manifest
from crmkit.reports.report import Published, make_report
from crmkit.reports.schedule.alarm import Telling
from crmkit.reports.schedule.ledger import Entry, Ledger
from crmkit.reports.schedule.plan import Decision, decisions, key_of
from crmkit.reports.shelf import read_shelf
from crmkit.settings import Settings, read_settings

__all__ = ["BusyError", "Outcome", "due", "last_day_of", "ledger_of", "run_due"]

Make = Callable[..., Published]
Clock = Callable[[], dt.datetime]


class BusyError(ReportError):
    """Another process runs what is due."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a decision that was carried out."""

    decision: Decision
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether it is published."""
        return not self.error


def ledger_of(settings: Settings, out: Path | None = None) -> Ledger:
    """The ledger of a book's reports."""
    return Ledger((out or settings.folder / "reports") / "schedule.sqlite")


def due(
    settings: Settings, *, now: dt.datetime, out: Path | None = None, last_day: dt.date | None
) -> tuple[Decision, ...]:
    """What is due and why, without running anything."""
    return decisions(
        settings.schedule,
        ledger_of(settings, out).entries(),
        now=now,
        last_day=last_day,
        timezone=settings.book.timezone,
    )


def run_due(
    settings_path: Path | str,
    *,
    clock: Clock,
    out: Path | None = None,
    last_day: Callable[[], dt.date | None] | None = None,
    make: Make = make_report,
    telling: Telling | None = None,
) -> tuple[Outcome, ...]:
    """Run what is due, oldest first, each period of each report once.

    What a killed run left is settled first: a report that it published counts, any other is tried
    again. Then periods are made one by one; one that fails does not keep the others from running.

    Parameters: `settings_path`; `clock`, gives UTC without a zone; `out`, the folder of the site;
    `last_day`, of the data (the book's); `make`, runs and publishes; `telling`, mail and alert
    (those of the settings).
    Returns: an Outcome for each period that was run.
    Raises: BusyError where another process is at it; SettingsError.
    """
    settings = read_settings(settings_path)
    target = (out or settings.folder / "reports").resolve()
    ledger = ledger_of(settings, target)
    tell = telling or Telling.of(settings)
    busy = BusyError(
        f"Another process runs what is due in {target.name!r}. It will do; nothing was run."
    )
    with writing(target, ReportError), alone(target / ".schedule.lock", busy):
        _settle(ledger, target / "site", settings, clock())
        day = (last_day or last_day_of(settings))()
        found = []
        for decision in due(settings, now=clock(), out=target, last_day=day):
            if decision.state == "run":
                outcome = _run(decision, settings, ledger, target, clock, make)
                found.append(outcome)
                tell.outcome(outcome.decision, outcome.error, target / "site")
        return tuple(found)


def _run(
    decision: Decision,
    settings: Settings,
    ledger: Ledger,
    out: Path,
    clock: Clock,
    make: Make,
) -> Outcome:
    report, period = decision.report, decision.period
    number = ledger.begin(
        report=report.name, key=decision.key, period=period.label, as_of=period.as_of, now=clock()
    )
    error, data = "", ""
    try:
        with writing(out, ReportError):
            published = make(
                settings.file,
                notebooks=report.notebooks,
                period=period.label,
                languages=report.languages or None,
                formats=report.formats,
                limits=Limits(
                    seconds=settings.schedule.time_limit, megabytes=settings.schedule.memory_limit
                ),
                parameters=report.parameters,
                out=out,
            )
        error = "; ".join(_fault(each) for each in published.failed)
        data = next((m.digest.fingerprint for m in published.reports if m.done), "")
    except CrmkitError as fault:
        error = str(fault)
    except BaseException:
        ledger.end(number, status="killed", now=clock(), error="Interrupted.")
        raise
    status = "failed" if error else "done"
    ledger.end(number, status=status, now=clock(), error=error, data=data)
    return Outcome(decision=decision, error=error)


def _fault(manifest: Manifest) -> str:
    why = ": ".join(filter(None, (manifest.error_name, manifest.error)))
    return f"{manifest.slug} ({manifest.language}) {manifest.status}: {why}"


def _settle(ledger: Ledger, site: Path, settings: Settings, now: dt.datetime) -> None:
    """Tell of runs that never ended whether their reports are there: the site is the truth."""
    open_ = [entry for entry in ledger.entries() if entry.status == "running"]
    if not open_:
        return
    shelf = read_shelf(site) if site.exists() else None
    there = {(m.slug, m.period, m.language): m for m in (shelf.reports if shelf else ()) if m.done}
    reports = {key_of(report): report for report in settings.schedule.reports}
    for entry in open_:
        report = reports.get(entry.key)
        languages = (report.languages if report else ()) or (settings.book.language,)
        wanted = [
            there.get((_slug(name), entry.period, language))
            for name in (report.notebooks if report else ())
            for language in languages
        ]
        published = bool(wanted) and all(_is_of(manifest, entry) for manifest in wanted)
        status = "done" if published else "killed"
        error = "" if published else "The run was killed before it had published."
        ledger.end(entry.id, status=status, now=now, error=error)


def _is_of(manifest: Manifest | None, entry: Entry) -> bool:
    """Whether a report was made by a run: it ran after the run began."""
    if manifest is None:
        return False
    ran = dt.datetime.fromisoformat(manifest.ran_at).replace(tzinfo=None)
    return ran >= entry.started_at.replace(microsecond=0)


def _slug(name: str) -> str:
    from crmkit.reports.notebooks import find_notebooks, slug  # noqa: PLC0415

    found: Sequence[Path] = find_notebooks([name])
    return slug(found[0])


def last_day_of(settings: Settings) -> Callable[[], dt.date | None]:
    """A function that gives the last day of the book's data, None where there are none."""

    def day() -> dt.date | None:
        from crmkit.book import connect  # noqa: PLC0415

        try:
            return connect(settings.file).last_day()
        except CrmkitError:
            return None

    return day
