"""Write a simulated firm: canonical tables, raw exports, and the truth beside them."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crmkit.errors import ParameterError
from crmkit.simulate.arrivals import Arrivals, draw_arrivals
from crmkit.simulate.contacts import (
    campaigns_table,
    interventions_table,
    merged_spend,
    spend_table,
    touches_table,
)
from crmkit.simulate.events import events_table
from crmkit.simulate.firm import Firm, canonical, firm
from crmkit.simulate.identities import Identities, draw_identities
from crmkit.simulate.journeys import Journeys, draw_journeys
from crmkit.simulate.journeys_truth import journeys_truth, truth_tables
from crmkit.simulate.met import Met
from crmkit.simulate.prospects import agents_table, lead_events_table, leads_table
from crmkit.simulate.raw import ORDER_FILES, raw_exports
from crmkit.simulate.raw_dialler import DIALLER, dialler_exports
from crmkit.simulate.telephone.calls import calls_table
from crmkit.simulate.telephone.campaigns import dispositions_table
from crmkit.simulate.telephone.leads import floor_lead_events_table, floor_leads_table
from crmkit.simulate.telephone.states import agent_states_table
from crmkit.simulate.telephone.truth import floor_truth, phone_truth_tables
from crmkit.simulate.telephone.work import PhoneWork, draw_floor, draw_phone_work
from crmkit.simulate.truth import customers_truth, truth, world_truth
from crmkit.simulate.world import World

__all__ = ["Progress", "simulate"]

Progress = Callable[[str, int, int], None]
"""Told what was just written, how many steps are done, and how many there are."""

_SHARED = ("campaigns", "dispositions", "spend")
"""Tables that all parts of a firm have in common."""

_LINKS = "identity_links.csv"
_LOGGED = ("calls", "agent_states", "dispositions")

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
    2005; Fader and Hardie 2013), with the calendar, channels and events of the world. Visits,
    touches, campaigns, leads and calls of the last days are drawn around these orders, with
    planted effects. The same world gives the same bytes, with the same versions of numpy and
    pyarrow.
    Parameters: `world`, the configuration, or `preset`, the name of one; `seed`, in place of the
    world's own; `out`, the folder, made where it is not there; files of the same names are
    replaced; `progress`, called after each step.
    Returns: the folder. It holds a Parquet file for each canonical table (a folder of them where
    the firm is made in parts) and crmkit.toml, which make a book; truth.json and truth_*.parquet,
    what was planted; raw/, the firm's own exports with their crmkit.toml, and in it dialler/, the
    logs of its dialler.
    Raises: ParameterError for an unknown preset or a folder that is a file.

    >>> import tempfile
    >>> folder = simulate(World(customers=5), out=tempfile.mkdtemp())
    >>> (folder / "events.parquet").exists()
    True
    """
    chosen = World.preset(preset) if world is None else world
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"{folder} is a file. Give a folder, or a name that is free.")
    if chosen.parts > 1:
        _in_parts(chosen, folder, progress)
    else:
        _whole(chosen, folder, progress)
    return folder


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A firm with everything that happened around it."""

    firm: Firm
    journeys: Journeys
    identities: Identities
    phone: PhoneWork
    arrivals: Arrivals


def _made(world: World) -> _Made:
    """Orders, then the floor and what it sold, then everything else around the orders."""
    shop = firm(world)
    met = Met(world, shop.people, shop.purchases)
    with_phone = pc.is_valid(shop.tables["customers"]["phone"])
    floor = draw_floor(met, with_phone.to_numpy(zero_copy_only=False))
    journeys = draw_journeys(met, floor.sales.first_orders(met))
    identities = draw_identities(journeys, shop.tables["customers"], floor)
    return _Made(
        firm=shop,
        journeys=journeys,
        identities=identities,
        phone=draw_phone_work(floor, journeys.leads),
        arrivals=draw_arrivals(met, journeys.leads, identities.truth),
    )


def _tables(made: _Made) -> Iterator[tuple[str, pa.Table]]:
    """The canonical tables, one after the other, so that only one is in memory."""
    journeys, met, phone = made.journeys, made.journeys.met, made.phone
    yield from made.firm.tables.items()
    yield "identities", made.identities.table
    yield "events", events_table(journeys)
    yield "touches", touches_table(journeys, phone.floor)
    yield "spend", spend_table(journeys)
    yield "leads", _both("leads", leads_table(met, journeys.leads), floor_leads_table(phone.floor))
    steps = lead_events_table(met, journeys.leads, phone.steps, phone.desk.by_message)
    yield "lead_events", _both("lead_events", steps, floor_lead_events_table(phone))
    yield "agents", agents_table(met)
    yield "campaigns", campaigns_table(met, phone.floor)
    yield "calls", calls_table(phone)
    yield "agent_states", agent_states_table(phone)
    yield "dispositions", dispositions_table()
    yield "interventions", interventions_table(journeys)


def _both(name: str, desk: pa.Table, floor: pa.Table) -> pa.Table:
    """The rows of the desk and of the floor as one canonical table."""
    whole = pa.concat_tables([desk, floor])
    return canonical(name, dict(zip(whole.column_names, whole.columns, strict=True)))


def _hidden(made: _Made) -> Mapping[str, pa.Table]:
    hidden = {"truth_customers": customers_truth(made.firm)}
    hidden |= truth_tables(made.journeys, made.identities)
    hidden["truth_arrivals"] = made.arrivals.truth
    return hidden | phone_truth_tables(made.phone)


def _whole(world: World, folder: Path, progress: Progress | None) -> None:
    """A firm in one piece: a file for each table, raw exports, and all of the truth."""
    made = _made(world)
    for what, done in (
        ("tables", _write_tables),
        ("raw exports and truth", _write_raw),
        ("hidden traits", _write_hidden),
    ):
        done(made, folder)
        if progress is not None:
            progress(what, _STEPS.index(what) + 1, len(_STEPS))


_STEPS = ("tables", "raw exports and truth", "hidden traits")


def _write_tables(made: _Made, folder: Path) -> None:
    for name, table in _tables(made):
        for old in (folder / name).glob("part-*.parquet"):
            old.unlink()
        _put(folder / f"{name}.parquet", _parquet(table))
    _put(folder / "crmkit.toml", _settings(made.firm.world).encode())


def _write_raw(made: _Made, folder: Path) -> None:
    """The exports, and the counts an import must find; years of an older run are taken away."""
    exports = raw_exports(made.firm)
    for old in (folder / "raw").glob(ORDER_FILES):
        if old.name not in exports.files:
            old.unlink()
    for name, content in exports.files.items():
        _put(folder / "raw" / name, content)
    _put(folder / "raw" / _LINKS, made.identities.links)
    for name, content in made.arrivals.files.items():
        _put(folder / "raw" / name, content)
    logged = {name: pq.read_table(folder / f"{name}.parquet") for name in _LOGGED}
    for name, content in dialler_exports(made.firm.world, logged).items():
        _put(folder / "raw" / DIALLER / name, content)
    planted: dict[str, Any] = journeys_truth(made.journeys, made.identities)
    planted["floor"] = floor_truth(made.phone)
    _put(folder / "truth.json", truth(made.firm, exports.expected, planted).encode())


def _write_hidden(made: _Made, folder: Path) -> None:
    for name, table in _hidden(made).items():
        _put(folder / f"{name}.parquet", _parquet(table))


def _in_parts(world: World, folder: Path, progress: Progress | None) -> None:
    """A firm too large for memory: piece by piece, a file of each table for each piece.

    There are no raw exports, and truth.json says what is planted, not what it came to.
    """
    pieces = world.split()
    spend: pa.Table | None = None
    for number, piece in enumerate(pieces, start=1):
        made = _made(piece)
        for name, table in [*_tables(made), *_hidden(made).items()]:
            if name == "spend":
                spend = table if spend is None else merged_spend([spend, table])
            elif name not in _SHARED:
                _put(folder / name / f"part-{number:04d}.parquet", _parquet(table))
            elif number == 1:
                _put(folder / f"{name}.parquet", _parquet(table))
        if progress is not None:
            progress(f"part {number}", number, len(pieces))
    _put(folder / "spend.parquet", _parquet(spend))
    _put(folder / "crmkit.toml", _settings(world).encode())
    _put(folder / "truth.json", world_truth(world).encode())
    _clear_older(folder, len(pieces))


def _clear_older(folder: Path, pieces: int) -> None:
    """Files of an older run that this one did not replace."""
    for part in folder.glob("*/part-*.parquet"):
        if int(part.stem.removeprefix("part-")) > pieces:
            part.unlink()
    for table in folder.glob("*.parquet"):
        if (folder / table.stem).is_dir():
            table.unlink()


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

[calendar]
hours = "Mon-Sat {world.desk.opens:02d}:00-{world.desk.closes:02d}:00"
"""
