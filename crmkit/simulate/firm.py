"""A simulated firm in memory: its people and purchases, and the canonical tables they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.schema import TABLES
from crmkit.simulate import china
from crmkit.simulate.clock import Span
from crmkit.simulate.people import NOBODY, People, Purchases, draw_people, draw_purchases
from crmkit.simulate.world import World

__all__ = [
    "Firm",
    "canonical",
    "completed",
    "customer_ids",
    "firm",
    "joined",
    "money",
    "named",
    "order_ids",
    "padded",
]

Wholes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Firm:
    """A simulated firm: the world it was drawn from, what is hidden, and what its books show.

    `people` and `purchases` hold the latent traits and their numbers; `tables` the canonical tables
    by name, each exactly of the schema's types and sorted in its order.
    """

    world: World
    people: People
    purchases: Purchases
    tables: Mapping[str, pa.Table]


def firm(world: World) -> Firm:
    """Draw a firm.

    The same world gives the same firm. Rows are drawn by `draw_people` and `draw_purchases`.
    Parameters: `world`, the configuration. Returns: `Firm`.

    >>> shop = firm(World(customers=10))
    >>> shop.tables["customers"].num_rows
    10
    """
    people = draw_people(world)
    purchases = draw_purchases(world, people)
    tables = {
        "customers": _customers(world, people, purchases),
        "orders": _orders(world, purchases),
    }
    return Firm(world=world, people=people, purchases=purchases, tables=tables)


def canonical(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Columns as a canonical table: the schema's types, sorted in its order, unknown keys last.

    Columns that are not given are unknown.
    """
    made = completed(name, columns)
    order = [(key, "ascending") for key in TABLES[name].order]
    return made.sort_by(order).combine_chunks()


def completed(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    """The same, not sorted."""
    schema = TABLES[name].schema().to_pyarrow()
    n = len(next(iter(columns.values())))
    full = {
        c: columns[c] if c in columns else pa.nulls(n, schema.field(c).type) for c in schema.names
    }
    return pa.table(full).cast(schema)


def customer_ids(positions: Wholes, tag: str = "") -> pa.Array:
    """The ids of customers by position; null for nobody; `tag` is that of the world.

    >>> customer_ids(np.array([0, -1])).to_pylist()
    ['C000001', None]
    """
    known = pa.array(positions, mask=positions == NOBODY)
    return joined(f"C{tag}", padded(pc.add(known, 1), 6))


def _customers(world: World, people: People, purchases: Purchases) -> pa.Table:
    n = len(people)
    ids = customer_ids(np.arange(n), world.tag)
    first = (purchases.number == 1) & ~purchases.refunded & (purchases.customer != NOBODY)
    return canonical(
        "customers",
        {
            "customer_id": ids,
            "created_at": pa.array(Span(world).instants(purchases.at[first])),
            "channel": named([c.name for c in world.channels], people.channel),
            "region": named([p.region for p in world.places], people.place),
            "city": named([p.city for p in world.places], people.place),
            "industry": _sometimes(
                world, "industry", named([name for name, _ in world.industries], people.industry)
            ),
            "tags": _tags(world, n),
            "name": _names(world, n),
            "phone": _sometimes(world, "phone", _phones(world, n)),
            "email": _sometimes(world, "email", _mails(world, ids)),
        },
    )


def _orders(world: World, purchases: Purchases) -> pa.Table:
    return canonical(
        "orders",
        {
            "order_id": order_ids(purchases, world.tag),
            "customer_id": customer_ids(purchases.customer, world.tag),
            "ordered_at": pa.array(Span(world).instants(purchases.at)),
            "amount": money(purchases.cents),
            "category": named([c.name for c in world.categories], purchases.category),
            "channel": named([c.name for c in world.channels], purchases.channel),
            "refunded": pa.array(purchases.refunded),
        },
    )


def order_ids(purchases: Purchases, tag: str = "") -> pa.Array:
    """Customer and number, so that no other order changes an id; R for a refund, W for nobody."""
    known = purchases.customer != NOBODY
    of_customer = joined(
        f"S{tag}",
        padded(pa.array(purchases.customer + 1), 6),
        "-",
        padded(pa.array(purchases.number), 4),
        pa.array(np.where(purchases.refunded, "R", "").astype(object), pa.string()),
    )
    of_nobody = joined(f"W{tag}", padded(pa.array(purchases.number), 6))
    return pc.if_else(pa.array(known), of_customer, of_nobody)


def money(cents: Wholes) -> pa.Array:
    """Cents as decimal(18, 4): 16 bytes each, the lower half first."""
    units = cents * 100
    halves = np.stack([units, np.where(units < 0, -1, 0)], axis=1).astype("<i8")
    buffer = pa.py_buffer(halves.tobytes())
    return pa.Array.from_buffers(pa.decimal128(18, 4), len(cents), [None, buffer])


def _names(world: World, n: int) -> pa.Array:
    names = [name for name, _ in china.SURNAMES]
    weights = np.array([weight for _, weight in china.SURNAMES])
    edges = np.cumsum(weights) / np.sum(weights)
    draws = world.stream("names").random((n, 2))
    surname = np.minimum(np.searchsorted(edges, draws[:, 0]), len(names) - 1)
    given = (draws[:, 1] * len(china.GIVEN)).astype(np.int64)
    return joined(named(names, surname), named(china.GIVEN, given))


def _phones(world: World, n: int) -> pa.Array:
    """Numbers that look random and are all different: a step that shares no factor with 10^8."""
    offset = int(replace(world, part=None).stream("phones").integers(10**8))
    among_all = np.arange(n) * world.parts + (world.part or 0)
    digits = (among_all * 61_803_399 + offset) % 10**8
    return joined(f"+86{china.PHONE_PREFIX}", padded(pa.array(digits), 8))


def _mails(world: World, ids: pa.Array) -> pa.Array:
    domain = world.stream("mails").integers(len(china.MAIL_DOMAINS), size=len(ids))
    return joined(pc.utf8_lower(ids), "@", named(china.MAIL_DOMAINS, domain))


_UNKNOWN = {"industry": 0.08, "phone": 0.02, "email": 0.35}


def _sometimes(world: World, column: str, values: pa.Array) -> pa.Array:
    """The values, some of them unknown as in any firm."""
    unknown = world.stream(f"unknown {column}").random(len(values)) < _UNKNOWN[column]
    return pc.if_else(pa.array(unknown), pa.scalar(None, pa.string()), values)


def _tags(world: World, n: int) -> pa.Array:
    names = [name for name, _ in china.TAGS]
    shares = np.array([share for _, share in china.TAGS])
    given = world.stream("tags").random((n, len(names))) < shares
    ends = np.concatenate([[0], np.cumsum(given.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), named(names, np.nonzero(given)[1]))


def named(names: Sequence[str | None], positions: npt.NDArray[np.integer]) -> pa.Array:
    """The names at those positions, null where a position is below 0."""
    known = pa.array(positions, mask=positions < 0)
    return pa.array(list(names), pa.string()).take(known)


def padded(numbers: pa.Array, width: int) -> pa.Array:
    """Numbers as text with zeros in front."""
    return pc.utf8_lpad(pc.cast(numbers, pa.string()), width, "0")


def joined(*parts: pa.Array | str) -> pa.Array:
    """Texts put together, row by row."""
    return pc.binary_join_element_wise(*parts, "")
