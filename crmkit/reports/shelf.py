"""What a site has: its reports, and the attempts since that gave none."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crmkit.errors import ReportError
from crmkit.reports.manifest import NAME, Manifest, read_manifest

__all__ = ["Shelf", "read_shelf", "recency"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shelf:
    """What a site has: its reports, and the attempts since that gave none."""

    reports: tuple[Manifest, ...] = ()
    attempts: tuple[Manifest, ...] = ()

    def before(self, manifest: Manifest) -> Manifest | None:
        """The report of the same notebook and language for the latest earlier day."""
        earlier = [
            each
            for each in self.reports
            if (each.slug, each.language) == (manifest.slug, manifest.language)
            and each.as_of < manifest.as_of
        ]
        return max(earlier, key=recency) if earlier else None

    def attempt(self, place: Path) -> Manifest | None:
        """The attempt at a report's place that gave none, if there is one."""
        return next((each for each in self.attempts if each.place == place), None)


def recency(manifest: Manifest) -> tuple[str, str]:
    """By which reports are the latest: the day they reach, then their period."""
    return manifest.as_of, manifest.period


def read_shelf(site: Path) -> Shelf:
    """What a site, published or in the making, has.

    A manifest that cannot be read is passed over with a warning: one odd folder must not keep new
    reports from being published.
    """
    found = sorted(site.glob(f"*/*/*/{NAME}"))
    tried = sorted(site.glob(f"*/*/*/attempt/{NAME}"))
    return Shelf(tuple(_readable(found)), tuple(_readable(tried)))


def _readable(paths: Iterable[Path]) -> Iterator[Manifest]:
    for path in paths:
        try:
            yield read_manifest(path.parent)
        except ReportError as error:
            _LOG.warning("%s", error)
