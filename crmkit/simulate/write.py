"""Write a simulated firm: canonical tables, raw exports, and the truth beside them."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from crmkit.errors import ParameterError
from crmkit.simulate.firm import Firm, firm
from crmkit.simulate.raw import ORDER_FILES, raw_exports
from crmkit.simulate.truth import customers_truth, truth
from crmkit.simulate.world import World

__all__ = ["Progress", "simulate"]

Progress = Callable[[str, int, int], None]
"""Told what was just written, how many steps are done, and how many there are."""

_STALE_AFTER_DAYS = 7


def simulate(
    world: World | None = None,
    *,
    preset: str = "demo",
    seed: int | None = None,
    out: Path | str,
    progress: Progress | None = None,
) -> Path:
    """Simulate a firm and write its book into a folder.

    Customers buy by the BG/NBD process and spend by the Gamma-Gamma model (Fader, Hardie and Lee
    2005; Fader and Hardie 2013), with the calendar, channels and events of the world. The same
    world gives the same bytes, with the same versions of numpy and pyarrow.
    Parameters: `world`, the configuration, or `preset`, the name of one; `seed`, in place of the
    world's own; `out`, the folder, made where it is not there; files of the same names are
    replaced; `progress`, called after each step.
    Returns: the folder. It holds customers.parquet, orders.parquet and crmkit.toml, which make a
    book; truth.json and truth_customers.parquet, what was planted; raw/, the firm's own exports
    with their crmkit.toml.
    Raises: ParameterError for an unknown preset or a folder that is a file.

    >>> import tempfile
    >>> folder = simulate(World(customers=5), out=tempfile.mkdtemp())
    >>> sorted(path.name for path in folder.glob("*.parquet"))
    ['customers.parquet', 'orders.parquet', 'truth_customers.parquet']
    """
    chosen = World.preset(preset) if world is None else world
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"{folder} is a file. Give a folder, or a name that is free.")
    made = firm(chosen)
    for done, (what, write) in enumerate(_STEPS.items(), start=1):
        write(made, folder)
        if progress is not None:
            progress(what, done, len(_STEPS))
    return folder


def _tables(made: Firm, folder: Path) -> None:
    for name, table in made.tables.items():
        _put(folder / f"{name}.parquet", _parquet(table))
    _put(folder / "crmkit.toml", _settings(made.world).encode())


def _raw(made: Firm, folder: Path) -> None:
    """The exports, and the counts an import must find; years of an older run are taken away."""
    exports = raw_exports(made)
    for old in (folder / "raw").glob(ORDER_FILES):
        if old.name not in exports.files:
            old.unlink()
    for name, content in exports.files.items():
        _put(folder / "raw" / name, content)
    _put(folder / "truth.json", truth(made, exports.expected).encode())


def _hidden(made: Firm, folder: Path) -> None:
    _put(folder / "truth_customers.parquet", _parquet(customers_truth(made)))


_STEPS: dict[str, Callable[[Firm, Path], None]] = {
    "tables": _tables,
    "raw exports and truth": _raw,
    "hidden traits": _hidden,
}


def _parquet(table: pa.Table) -> bytes:
    """A table as Parquet, written by one thread with every choice stated."""
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=3,
        version="2.6",
        row_group_size=122_880,
    )
    return buffer.getvalue()


def _put(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)


def _settings(world: World) -> str:
    name, timezone, currency, country = (
        json.dumps(words, ensure_ascii=False)
        for words in (world.name, world.timezone, world.currency, world.country)
    )
    return f"""\
# The book of a simulated firm: its canonical tables lie beside this file.
[book]
name = {name}
timezone = {timezone}
currency = {currency}
country = {country}
language = "en"
store = "."
stale_after_days = {_STALE_AFTER_DAYS}
"""
