"""Customers who are alike but share no id: pairs found by Splink, where a firm asks for it."""

import logging
import warnings
from typing import Any

import duckdb
import pyarrow as pa

from crmkit.errors import InputError

__all__ = ["FEWEST", "alike"]

FEWEST = 200
"""Customers below which there is too little to learn from how much a likeness says."""
_PAIRS = 1e6
_SEED = 1
_RECALL = 0.7
"""Share of true pairs that agree in a telephone number or mail address: where learning starts."""
_NONE = {"id_a": pa.array([], pa.string()), "id_b": pa.array([], pa.string()),
         "chance": pa.array([], pa.float64())}  # fmt: skip


def alike(con: duckdb.DuckDBPyConnection, people: str, threshold: float) -> pa.Table:
    """Pairs of customers who are one person with at least that probability.

    The model is that of Fellegi and Sunter (1969), learnt without examples by expectation and
    maximisation (Splink, Linacre and others 2022): how often name, telephone, mail and city agree,
    or nearly agree, among pairs that are one person and among pairs that are not; rare names say
    more than frequent ones. Only pairs that agree in something are looked at.

    Parameters: `con`, the engine; it is set to one thread, so that equal input gives equal pairs;
    `people`, a query with customer_id, name, phone, email, city; `threshold`, a probability.
    Returns: id_a, id_b (the smaller id first), chance; in the order of ids.
    Raises: InputError where Splink is not installed.
    """
    splink = _splink()
    con.execute("SET threads TO 1")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE lookalikes AS SELECT customer_id AS unique_id, name,"
        " phone, lower(email) AS email, city, right(phone, 4) AS tail, left(phone, 9) AS head,"
        f" left(name, 1) AS surname FROM ({people}) WHERE customer_id IS NOT NULL"
    )
    known = _known(con)
    if con.execute("SELECT count(*) FROM lookalikes").fetchall()[0][0] < FEWEST or len(known) < 2:
        return pa.table(_NONE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of levels that no pair shows, which then count nothing
        linker = _trained(splink, con, known)
        if linker is None:
            return pa.table(_NONE)
        found = linker.inference.predict(threshold_match_probability=threshold)
    return con.execute(
        "SELECT least(unique_id_l, unique_id_r) AS id_a, greatest(unique_id_l, unique_id_r)"
        f" AS id_b, match_probability AS chance FROM {found.physical_name} ORDER BY ALL"
    ).to_arrow_table()


def _splink() -> Any:
    try:
        import splink  # noqa: PLC0415 (an extra)
    except ImportError:
        raise InputError(
            "identity.likeness needs Splink, which is not installed. Install it with "
            "pip install 'crmkit[match]', or take likeness out of the settings."
        ) from None
    return splink


def _known(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The columns that say something: more than one value."""
    counts = con.execute(
        "SELECT count(DISTINCT name), count(DISTINCT phone), count(DISTINCT email),"
        " count(DISTINCT city) FROM lookalikes"
    ).fetchall()[0]
    names = ("name", "phone", "email", "city")
    return [name for name, n in zip(names, counts, strict=True) if n > 1]


def _trained(splink: Any, con: duckdb.DuckDBPyConnection, known: list[str]) -> Any:
    """A linker that has learnt how much each likeness says; None where none can be."""
    from splink import comparison_library as likenesses  # noqa: PLC0415 (an extra)

    comparisons = {
        "name": likenesses.LevenshteinAtThresholds("name", 1).configure(
            term_frequency_adjustments=True
        ),
        "phone": likenesses.DamerauLevenshteinAtThresholds("phone", [1, 2]),
        "email": likenesses.LevenshteinAtThresholds("email", [1, 2]),
        "city": likenesses.ExactMatch("city").configure(term_frequency_adjustments=True),
    }
    blocks = [("phone",), ("email",), ("name", "city"), ("tail", "city"), ("head", "surname")]
    needs = {"tail": "phone", "head": "phone", "surname": "name"}
    usable = [b for b in blocks if all(needs.get(c, c) in known for c in b)]
    teaching = [
        b
        for b in usable
        if b[0] in ("phone", "email", "name") and set(known) - set(b) and _agree(con, b)
    ]
    sure = [block for block in teaching if block != ("name", "city")]
    if not sure:
        return None  # names that agree by chance must not be learnt from alone
    settings = splink.SettingsCreator(
        link_type="dedupe_only",
        comparisons=[comparisons[name] for name in known],
        blocking_rules_to_generate_predictions=[splink.block_on(*b) for b in usable],
        retain_matching_columns=False,
    )
    api = splink.DuckDBAPI(connection=con)
    linker = splink.Linker(api.register("lookalikes"), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(
        [splink.block_on(*b) for b in sure], recall=_RECALL
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=_PAIRS, seed=_SEED)
    for block in teaching:
        linker.training.estimate_parameters_using_expectation_maximisation(splink.block_on(*block))
    return linker


def _agree(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...]) -> bool:
    """Whether any two customers agree in those columns."""
    given = ", ".join(columns)
    there = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    found = con.execute(
        f"SELECT 1 FROM lookalikes WHERE {there} GROUP BY {given} HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    return found is not None
