"""Writers of the formats that diallers export, from the canonical tables."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from crmkit.errors import ParameterError, nearest
from crmkit.simulate.exports.asterisk import cdr, queue_log
from crmkit.simulate.exports.freeswitch import freeswitch_cdr
from crmkit.simulate.exports.vicidial import agent_log, closer_log, dial_log, lead_list, statuses

__all__ = ["FORMATS", "write_exports"]

Tables = Mapping[str, pa.Table]

FORMATS: dict[str, dict[str, Callable[[Tables, str], str]]] = {
    "asterisk": {"Master.csv": cdr, "queue_log": queue_log},
    "vicidial": {
        "vicidial_log.csv": dial_log,
        "vicidial_closer_log.csv": closer_log,
        "vicidial_agent_log.csv": agent_log,
        "vicidial_list.csv": lead_list,
        "vicidial_statuses.csv": statuses,
    },
    "freeswitch": {"cdr.csv": freeswitch_cdr},
}
"""The files of each format, and what writes them."""


def write_exports(
    tables: Tables, out: Path | str, *, timezone: str, formats: tuple[str, ...] = tuple(FORMATS)
) -> list[Path]:
    """Write the canonical tables of a floor as the exports of diallers.

    Local times are of `timezone`, as the systems write them; whole seconds, as they do.
    Parameters: `tables`, of `FloorLog.tables()`; `out`, a folder; `formats`, some of FORMATS.
    Returns: the files, each in a folder of its format's name.
    Raises: ParameterError for an unknown format.

    >>> sorted(FORMATS)
    ['asterisk', 'freeswitch', 'vicidial']
    """
    written = []
    for name in formats:
        if name not in FORMATS:
            guess = nearest(name, FORMATS)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(
                f"There is no export format {name!r}.{hint} There are: {', '.join(FORMATS)}."
            )
        folder = Path(out) / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, write in FORMATS[name].items():
            path = folder / file
            path.write_text(write(tables, timezone), encoding="utf-8", newline="")
            written.append(path)
    return written
