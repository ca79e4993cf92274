"""Publishes a site in one step: whatever kills it, the last published one stays whole.

`<out>/site` is a symbolic link to a build in `<out>/.builds`. A new build starts as a copy of the
last one made of hard links, so files are replaced and never written into; when it is complete and
on disk, the link is exchanged.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crmkit.disk import alone, writing
from crmkit.errors import ReportError

__all__ = ["Build", "publishing"]

_KEPT = 2


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build in the making: `work` is for what is not yet ready, `last` the site now published."""

    out: Path
    number: int
    last: Path | None

    @property
    def work(self) -> Path:
        """Where runs leave what they make."""
        return self.out / ".builds" / f"{self.number}.work"

    @property
    def folder(self) -> Path:
        """The new site, from `begin` on."""
        return self.out / ".builds" / str(self.number)

    @property
    def site(self) -> Path:
        """Where readers find the site."""
        return self.out / "site"

    def begin(self) -> None:
        """Start the new site with everything the last one has."""
        if self.last is None:
            self.folder.mkdir(parents=True)
        else:
            shutil.copytree(self.last, self.folder, copy_function=_linked, symlinks=True)

    def put(self, made: Path, place: Path) -> None:
        """Put a folder from `work` into the new site, in place of what is there."""
        target = self.folder / place
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)

    def write(self, name: str, words: str) -> None:
        """Write a page of the new site; never into a file shared with the last one."""
        target = self.folder / name
        target.unlink(missing_ok=True)
        target.write_text(words, encoding="utf-8")

    def publish(self) -> None:
        """Make the new site the published one, in one step."""
        _sync_tree(self.folder)
        new = self.out / f".site.{self.number}"
        new.unlink(missing_ok=True)
        new.symlink_to(Path(".builds", str(self.number)), target_is_directory=True)
        _sync(self.out / ".builds")
        new.replace(self.site)
        _sync(self.out)


@contextmanager
def publishing(out: Path) -> Iterator[Build]:
    """Alone in an output folder: clear what killed runs left, then make and publish a build.

    Parameters: `out`, the folder that has, or will have, `site`.
    Raises: ReportError where another run is publishing there, `site` is not ours, the disk is full
    or may not be written to.
    """
    site = out / "site"
    if site.exists() and not site.is_symlink():
        raise ReportError(
            f"{site.name!r} in {out.name!r} is a folder that crmkit did not make. "
            "Move it away, or give another --out."
        )
    busy = ReportError(
        f"Another run is publishing in {out.name!r}. Wait for it to end, or give another --out."
    )
    with writing(out, ReportError), alone(out / ".lock", busy):
        published = _published(site)
        _clear(out, published)
        number = (published or 0) + 1
        last = out / ".builds" / str(published) if published else None
        build = Build(out=out, number=number, last=last)
        build.work.mkdir(parents=True)
        try:
            yield build
        finally:
            _clear(out, _published(site))


def _published(site: Path) -> int | None:
    if not site.is_symlink():
        return None
    name = site.readlink().name
    return int(name) if name.isdigit() and site.exists() else None


def _clear(out: Path, published: int | None) -> None:
    """Remove what killed runs left, and sites older than the one before the last."""
    now = published or 0
    for left in out.glob(".site.*"):
        left.unlink()
    for folder in (out / ".builds").glob("*"):
        kept = folder.name.isdigit() and now - _KEPT < int(folder.name) <= now
        if not kept:
            shutil.rmtree(folder)


def _linked(source: str, target: str) -> None:
    """A hard link, or a copy where the disk has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir() or path.stat().st_nlink == 1:  # shared files are on disk already
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
