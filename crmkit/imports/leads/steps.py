"""What the check of leads means for the tables: whose leads are, and where their steps go."""

from dataclasses import replace
from pathlib import Path

from crmkit import schema
from crmkit.imports import store
from crmkit.imports.ledger import Remark, TableRows
from crmkit.imports.readers import literal
from crmkit.text import message

__all__ = ["settle_leads", "settle_steps"]

_KNOWN = message("{n} leads are of customers who were known by their number or address.")
_MOVED = message("{n} steps of merged leads are now of the lead that stays.")
_ASIDE = message("{n} steps that only administered refused or merged leads lie in quarantine.")
_ADMINISTERED = ("dispatched", "released", "recycled", "lost")


def settle_leads(leads: TableRows, made: Path, work: Path) -> TableRows:
    """Rewrite leads so that those of known customers name them.

    Parameters: as `settle_steps`.
    Returns: the ledger of leads with a remark.
    """
    rows, checks = (literal(made / f"{name}.parquet") for name in ("leads", "lead_checks"))
    table = schema.table("leads")
    cells = ", ".join(
        "coalesce(leads.customer_id, found.customer_id) AS customer_id"
        if name == "customer_id"
        else f"leads.{name}"
        for name in table.names
    )
    with store.connect(work) as con:
        con.execute(f"CREATE TEMP TABLE before AS SELECT * FROM read_parquet({rows})")
        con.execute(
            f"CREATE TEMP TABLE named AS SELECT {cells} FROM before AS leads"
            f" LEFT JOIN read_parquet({checks}) AS found USING (lead_id)"
        )
        known = con.execute(
            "SELECT (SELECT count(customer_id) FROM named) - count(customer_id) FROM before"
        ).fetchall()[0][0]
        if known:
            con.execute(
                f"COPY (SELECT * FROM named ORDER BY {store.order_of(table)})"
                f" TO {rows} (FORMAT parquet, COMPRESSION zstd)"
            )
    return replace(leads, remarks=(*leads.remarks, Remark(_KNOWN, known))) if known else leads


def settle_steps(steps: TableRows, made: Path, work: Path) -> TableRows:
    """Rewrite lead_events so that its steps are of leads that are stored.

    What a person did or said under a repeat belongs to the lead that stays; who was given the
    repeat, and its closing, are no steps of that lead's life and are set aside, whole, beside the
    quarantine of lead_checks.

    Parameters: `steps`, the ledger of lead_events; `made`, the folder with both tables; `work`, a
    folder for what memory cannot hold.
    Returns: the ledger with what is stored now, and remarks.
    """
    path = made / "lead_events.parquet"
    if not path.exists():
        return steps
    rows, checks = literal(path), literal(made / "lead_checks.parquet")
    administered = ", ".join(literal(kind) for kind in _ADMINISTERED)
    with store.connect(work) as con:
        con.execute(
            "CREATE TEMP TABLE settled AS SELECT steps.*, coalesce(stored, true) AS known,"
            f" into_lead_id, NOT coalesce(stored, true) AND (into_lead_id IS NULL OR kind IN"
            f" ({administered})) AS aside FROM read_parquet({rows}) AS steps LEFT JOIN (SELECT"
            f" lead_id, stored, into_lead_id FROM read_parquet({checks})) USING (lead_id)"
        )
        kept, moved, aside = con.execute(
            "SELECT count(*) FILTER (NOT aside), count(*) FILTER (NOT aside AND NOT known),"
            " count(*) FILTER (aside) FROM settled"
        ).fetchall()[0]
        names = schema.table("lead_events").names
        cells = ", ".join(
            "coalesce(into_lead_id, lead_id) AS lead_id" if name == "lead_id" else name
            for name in names
        )
        con.execute(
            f"COPY (SELECT {cells} FROM settled WHERE NOT aside"
            f" ORDER BY {store.order_of(schema.table('lead_events'))})"
            f" TO {rows} (FORMAT parquet, COMPRESSION zstd)"
        )
        if aside:
            folder = made / "quarantine"
            folder.mkdir(exist_ok=True)
            listed = ", ".join(names)
            shown = ", ".join(name for name in names if name != "note")
            for ending, some, kind in (
                ("parquet", listed, "parquet"),
                ("csv", shown, "csv, HEADER"),
            ):
                con.execute(
                    f"COPY (SELECT {some} FROM settled WHERE aside ORDER BY {listed})"
                    f" TO {literal(folder / f'lead_checks.{ending}')} (FORMAT {kind})"
                )
    remarks = tuple(Remark(what, n) for what, n in ((_MOVED, moved), (_ASIDE, aside)) if n)
    return replace(steps, stored=kept, remarks=(*steps.remarks, *remarks))
