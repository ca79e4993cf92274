"""The notebooks that can become reports, by name."""

import re
from collections.abc import Iterable
from pathlib import Path

from crmkit import places
from crmkit.errors import ParameterError, nearest

__all__ = ["find_notebooks", "slug"]


def slug(notebook: Path) -> str:
    """The name of a notebook without its number; it names the report's folder.

    >>> slug(Path("notebooks/03_cohort_retention.ipynb"))
    'cohort_retention'
    """
    bare = re.sub(r"^\d+[_-]", "", notebook.stem)
    return re.sub(r"[^\w-]+", "_", bare)


def find_notebooks(
    names: Iterable[str] | None = None, *, folder: Path | None = None
) -> tuple[Path, ...]:
    """The notebooks of these names, or all of them.

    Parameters: `names`, each a slug (rfm), a file's name (04_rfm) or the path of an .ipynb;
    `folder`, where they are looked for (by default those that come with crmkit).
    Raises: ParameterError for a name that is not there, naming the nearest and all.
    """
    there = sorted((folder or places.notebooks()).glob("[!.]*.ipynb"))
    if names is None:
        return tuple(there)
    by_name = {slug(path): path for path in there} | {path.stem: path for path in there}
    chosen = dict.fromkeys(_chosen(name, by_name, there) for name in names)
    return tuple(chosen)


def _chosen(name: str, by_name: dict[str, Path], there: list[Path]) -> Path:
    if name in by_name:
        return by_name[name]
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    if path.stem in by_name and path.suffix == ".ipynb" and len(path.parts) == 1:
        return by_name[path.stem]
    guess = nearest(name, by_name)
    hint = f" Did you mean {guess!r}?" if guess else ""
    have = ", ".join(slug(each) for each in there) or "none"
    raise ParameterError(
        f"There is no notebook {name!r}.{hint} There are: {have}; or give the path of an .ipynb."
    )
