"""The logs of the firm's dialler, as it exports them: VICIdial's tables, compressed."""

import gzip
import json
from collections.abc import Mapping

import pyarrow as pa

from crmkit.simulate.exports import FORMATS
from crmkit.simulate.world import World

__all__ = ["DIALLER", "dialler_exports"]

DIALLER = "dialler"
"""The folder that the logs lie in."""

_LEVEL = 1  # quick, and the logs are large


def dialler_exports(world: World, tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Every log by the name of its file, and the crmkit.toml that imports them.

    Parameters: `tables`, the canonical calls, agent_states and dispositions.
    """
    files = {
        f"{name}.gz": gzip.compress(write(tables, world.timezone).encode(), _LEVEL, mtime=0)
        for name, write in FORMATS["vicidial"].items()
    }
    return files | {"crmkit.toml": _settings(world).encode()}


def _settings(world: World) -> str:
    name, timezone, currency, country = (
        json.dumps(words, ensure_ascii=False)
        for words in (world.name, world.timezone, world.currency, world.country)
    )
    return f"""\
# The dialler's own logs, as an example: `crmkit import` beside this file reads them. They do not
# tell of holds, of calls handed on, of queues or of what detection heard; the book's tables do.
[book]
name = {name}
timezone = {timezone}
currency = {currency}
country = {country}
store = "store"

[[dialers]]
format = "vicidial"
folder = "."
"""
