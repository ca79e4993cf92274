"""The whole way from a settings file to a published site."""

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from crmkit import periods, places, text
from crmkit.errors import ParameterError
from crmkit.reports.digest import digest
from crmkit.reports.guard import USUAL, Limits
from crmkit.reports.handouts import Receivers, hand_out, receivers, sealed
from crmkit.reports.ipynb import read_notebook
from crmkit.reports.links import links
from crmkit.reports.manifest import Link, Manifest, code_hash, file_hash
from crmkit.reports.notebooks import find_notebooks, slug
from crmkit.reports.pages import (
    Renderer,
    checked_formats,
    default_renderer,
    pages,
)
from crmkit.reports.parameters import Value, checked, read_parameters, unknown
from crmkit.reports.publish import Build, publishing
from crmkit.reports.retention import expired, forget
from crmkit.reports.run import Job, Progress, Run, run_notebooks
from crmkit.reports.shelf import Shelf, read_shelf
from crmkit.reports.site import index_pages
from crmkit.reports.stillness import Stillness
from crmkit.reports.term import Term, report_term
from crmkit.settings import Settings, read_settings

__all__ = ["Plan", "Published", "make_report"]

_OWN = {"source": "SETTINGS", "as_of": "--as-of or --period", "language": "--language"}


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a run published: `site` is its folder, `reports` one manifest for each report tried."""

    site: Path
    reports: tuple[Manifest, ...]

    @property
    def index(self) -> Path:
        """The first page."""
        return self.site / "index.html"

    @property
    def failed(self) -> tuple[Manifest, ...]:
        """Those that are neither done nor skipped."""
        return tuple(each for each in self.reports if each.status not in ("done", "skipped"))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One report to make: its job, and its manifest as far as it is known before the run."""

    job: Job
    manifest: Manifest


def make_report(
    settings_path: Path | str,
    *,
    notebooks: Iterable[str] | None = None,
    period: str | None = None,
    as_of: periods.Day | None = None,
    languages: Iterable[str] | None = None,
    formats: Iterable[str] = ("html", "pdf"),
    workers: int | None = None,
    limits: Limits = USUAL,
    out: Path | str | None = None,
    parameters: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    folder: Path | None = None,
    renderer: Renderer | None = None,
    last_day: Callable[[], dt.date] | None = None,
) -> Published:
    """Run notebooks, make their reports, and publish them with an index, all in one step.

    A report that fails or is skipped leaves the one published earlier for its period in place.

    Parameters: `settings_path`, a crmkit.toml; `notebooks`, names or paths (all); `period` such as
    2011-11, and `as_of`, a day (by default the last day that has data); `languages` (the book's);
    `formats`, html and pdf; `workers` at once; `limits` of each notebook; `out`, the
    folder that gets `site` (`reports` beside the settings); `parameters`, by name, for the
    notebooks that have them; `progress`, called after each cell; `folder`, where notebooks are
    looked for; `renderer` and `last_day` replace our own templates and the book.
    Returns: Published.
    Raises: SettingsError, ParameterError before anything runs; ReportError where another run is
    publishing, the store was written meanwhile, or the disk does not take the site.
    """
    settings = read_settings(settings_path)
    chosen = find_notebooks(notebooks, folder=folder)
    spoken = _languages(languages, settings)
    term = report_term(period, as_of) or _latest(settings, last_day)
    target = Path(out) if out is not None else settings.folder / "reports"
    asked = _asked(chosen, parameters or {})
    roles = receivers(settings, folder)
    with publishing(target.resolve()) as build:
        plans = [
            _plan(
                path,
                settings=settings,
                term=term,
                language=language,
                formats=checked_formats(tuple(formats)),
                given=asked[path],
                build=build,
            )
            for path in chosen
            for language in spoken
        ]
        still = Stillness(settings.book.store)
        runs = run_notebooks(
            [plan.job for plan in plans],
            workers=workers,
            limits=limits,
            progress=progress,
        )
        still.check()
        told = [_told(plan, run) for plan, run in zip(plans, runs, strict=True)]
        made = _rendered(plans, told, build, settings, renderer or default_renderer())
        _publish(build, plans, made, settings, roles)
    return Published(site=build.site, reports=tuple(made))


def _languages(languages: Iterable[str] | None, settings: Settings) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(languages or (settings.book.language,)))
    for language in chosen:
        if language not in text.LANGUAGES:
            there = ", ".join(text.LANGUAGES)
            raise ParameterError(f"There is no language {language!r}. Give one of: {there}.")
    return chosen


def _latest(settings: Settings, last_day: Callable[[], dt.date] | None) -> Term:
    if last_day is None:
        from crmkit.book import connect  # noqa: PLC0415 (only where no day is given)

        last_day = connect(settings.file).last_day
    day = last_day()
    return Term(label=day.isoformat(), as_of=day)


def _asked(chosen: tuple[Path, ...], given: Mapping[str, object]) -> dict[Path, dict[str, Value]]:
    """The given parameters for each notebook that has them; each must be known to one at least."""
    known = {path: read_parameters(path) for path in chosen}
    names = {parameter.name for each in known.values() for parameter in each} - set(_OWN)
    for name in given:
        if name in _OWN:
            raise ParameterError(f"The parameter {name!r} is set by {_OWN[name]}.")
        if name not in names:
            raise ParameterError(unknown(name, names))
    return {
        path: checked(each, {p.name: given[p.name] for p in each if p.name in given})
        for path, each in known.items()
    }


def _plan(
    path: Path,
    *,
    settings: Settings,
    term: Term,
    language: str,
    formats: tuple[str, ...],
    given: Mapping[str, Value],
    build: Build,
) -> Plan:
    ours = {
        "source": settings.file.name,
        "as_of": term.as_of.isoformat(),
        "timezone": settings.book.timezone,
        "language": language,
    }
    has = {parameter.name for parameter in read_parameters(path)}
    manifest = Manifest(
        slug=slug(path),
        period=term.label,
        as_of=term.as_of.isoformat(),
        language=language,
        formats=formats,
        settings=os.path.relpath(settings.file, build.out),
        notebook=_named(path, build.out),
        notebook_hash=file_hash(path),
        code_hash=code_hash(),
        parameters={name: value for name, value in ours.items() if name in has} | dict(given),
        status="waiting",
        seconds=0.0,
        ran_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )
    job = Job(
        name=f"{manifest.slug} {language}",
        notebook=path,
        language=language,
        parameters=manifest.parameters,
        output=build.work / manifest.place,
        folder=settings.folder,
    )
    return Plan(job=job, manifest=manifest)


def _named(path: Path, out: Path) -> str:
    if path.parent == places.notebooks():
        return path.name
    return os.path.relpath(path, out)


def _told(plan: Plan, run: Run) -> Manifest:
    """The manifest with what became of the run and what the notebook says of itself."""
    manifest = plan.manifest.with_outcome(run)
    if not run.executed.exists():
        return manifest
    return replace(manifest, digest=digest(read_notebook(run.executed)))


def _rendered(
    plans: list[Plan],
    told: list[Manifest],
    build: Build,
    settings: Settings,
    renderer: Renderer,
) -> list[Manifest]:
    shelf = read_shelf(build.last) if build.last else Shelf()
    return [
        _render(plan, manifest, links(manifest, plan.job.output, told, shelf), settings, renderer)
        if manifest.done
        else manifest
        for plan, manifest in zip(plans, told, strict=True)
    ]


def _render(
    plan: Plan,
    manifest: Manifest,
    to: tuple[Link, ...],
    settings: Settings,
    renderer: Renderer,
) -> Manifest:
    """Write the pages beside the executed notebook; a page that fails fails only its report."""
    try:
        made = pages(
            plan.job.output / "notebook.ipynb",
            formats=manifest.formats,
            links=to,
            language=manifest.language,
            currency=settings.book.currency,
            renderer=renderer,
        )
    except Exception as error:
        return replace(manifest, status="failed", error_name=type(error).__name__, error=str(error))
    for name, content in made.items():
        (plan.job.output / f"report.{name}").write_bytes(content)
    kept = tuple(link for link in to if link.kind != "pdf" or "pdf" in made)
    return replace(manifest, formats=tuple(made), links=kept)


def _publish(
    build: Build,
    plans: list[Plan],
    made: list[Manifest],
    settings: Settings,
    roles: Receivers,
) -> None:
    build.begin()
    before = read_shelf(build.folder)
    for plan, manifest in zip(plans, made, strict=True):
        if manifest.done:
            to = roles.get(manifest.slug, ())
            hand_out(manifest, plan.job.output, settings, build.out / "lists", to)
            sealed(plan.job.output)
            manifest.write(plan.job.output)
            build.put(plan.job.output, manifest.place)
        else:
            _strip(plan.job.output)
            earlier = before.attempt(manifest.place)
            since = (earlier.since or earlier.ran_at) if earlier else manifest.ran_at
            replace(manifest, since=since).write(plan.job.output)
            build.put(plan.job.output, manifest.place / "attempt")
    for old in expired(read_shelf(build.folder), settings.site.keep):
        forget(old, build.folder)
    for name, words in index_pages(read_shelf(build.folder), settings.book).items():
        build.write(name, words)
    build.publish()


def _strip(output: Path) -> None:
    """Leave only the notebook: nobody should work on the lists of a run that failed."""
    for path in output.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "notebook.ipynb":
            path.unlink()
