"""What is found of each lead that comes in: let in, refused with a reason, or merged."""

from dataclasses import dataclass
from pathlib import Path

from crmkit import schema
from crmkit.imports import store
from crmkit.imports.clean import Cleaning
from crmkit.imports.leads.persons import find_contacts, find_persons
from crmkit.imports.leads.protection import find_spans, merge_repeats
from crmkit.imports.leads.rules import LISTS, judge, read_list
from crmkit.imports.ledger import FileRows, Remark, TableRows
from crmkit.imports.readers import literal, quoted
from crmkit.settings import LeadSettings
from crmkit.text import message

__all__ = ["REASONS", "LeadCheck"]

REASONS = {
    "blacklisted": message("a person on the blacklist"),
    "unreachable": message("no telephone number, mail address or chat to reach the lead by"),
    "do_not_call": message("a number that must not be called, and no mail address or chat"),
    "merged": message("a repeat, merged into the lead of the protected owner"),
    "too_often": message("a person who was given out too often lately"),
}
"""Why a lead is refused, by its verdict."""
_STAYED = message("{n} leads stay although a rule refuses them: they were worked already.")
_TWO_OWNERS = message("{n} repeats had been given to another than the protected owner.")
_TABLE = "lead_checks"
_TEXTS = ("customer_id", "list_id", "source", "phone", "email", "chat")


@dataclass(frozen=True)
class LeadCheck:
    """The check of [leads]: the settings, and where the other tables of this import are.

    A lead that nobody has worked yet is refused where a rule says so; one that was worked is a fact
    and stays, with what the rule says of it beside. Repeats are merged in either case.
    """

    settings: LeadSettings
    made: Path
    work: Path
    advance: store.Advance

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reasons that it may refuse a row for."""
        return tuple(REASONS.values())

    def __call__(self, cleaning: Cleaning) -> tuple[TableRows, tuple[Remark, ...]]:
        """Send refused and merged rows to `fates`, and write the table lead_checks.

        Returns: the ledger of lead_checks, and remarks for that of leads.
        """
        self._gather(cleaning)
        con = cleaning.con
        own = {c.name for c in cleaning.columns} & {"phone", "email", "chat"}
        customers, ids = (self._table(cleaning, name) for name in ("customers", "identities"))
        find_contacts(con, own, customers, ids)
        identity = cleaning.settings.identity
        find_persons(con, identity.limits if identity else None)
        for name in LISTS:
            read_list(cleaning, self.settings, name, self.work, self.advance)
        judge(cleaning, self.settings, own=bool(own))
        con.execute(
            "CREATE TEMP TABLE lead_queue AS SELECT lead_id, person, created_at,"
            " worked OR NOT often AS heads FROM lead_found WHERE worked OR rule IS NULL"
        )
        find_spans(con, self.settings.protection_days)
        merge_repeats(con)
        self._conclude(cleaning)
        return self._written(cleaning)

    def _table(self, cleaning: Cleaning, name: str) -> str | None:
        """A query of another table: of this import, else of the store."""
        path = store.latest(name, self.made, cleaning.settings.book.store)
        return f"SELECT * FROM read_parquet({literal(path)})" if path else None

    def _gather(self, cleaning: Cleaning) -> None:
        """Make `lead_rows`, a row a sound lead, and `lead_steps`."""
        con, there = cleaning.con, {c.name for c in cleaning.columns}
        phones = store.number_phones(cleaning, self.advance)
        cells = {name: f"arg_min({name}, created_at)" for name in _TEXTS}
        cells |= {name: "NULL::VARCHAR" for name in _TEXTS if name not in there}
        if phones:
            cells["phone"] = "arg_min(e164, created_at)"
        source = "cleaned LEFT JOIN phones ON phone = given" if phones else "cleaned"
        listed = ", ".join(f"{cell} AS {name}" for name, cell in cells.items())
        con.execute(
            f"CREATE TEMP TABLE lead_rows AS SELECT lead_id, min(created_at) AS created_at,"
            f" {listed} FROM {source} WHERE _reason = 0"
            " AND cleaned.rowid NOT IN (SELECT row FROM fates) GROUP BY lead_id"
        )
        steps = self._table(cleaning, "lead_events") or (
            "SELECT NULL::VARCHAR AS lead_id, NULL::TIMESTAMP AS occurred_at,"
            " NULL::VARCHAR AS kind, NULL::VARCHAR AS agent_id WHERE false"
        )
        con.execute(
            f"CREATE TEMP TABLE lead_steps AS SELECT lead_id, occurred_at, kind, agent_id"
            f" FROM ({steps}) WHERE lead_id IN (SELECT lead_id FROM lead_rows)"
        )

    def _conclude(self, cleaning: Cleaning) -> None:
        """Make `lead_verdicts`, and send the rows of leads that are not stored to `fates`."""
        con = cleaning.con
        con.execute(
            "CREATE TEMP TABLE lead_verdicts AS SELECT found.* REPLACE (coalesce(found.customer_id,"
            " CASE WHEN person IN (SELECT customer_id FROM lead_known UNION"
            " SELECT customer_id FROM lead_rows) THEN person END) AS customer_id),"
            " into_lead_id, agent_id,"
            " CASE WHEN into_lead_id IS NOT NULL THEN 'merged' WHEN rule IS NOT NULL THEN rule"
            " WHEN often THEN 'too_often' ELSE 'sound' END AS verdict,"
            " CASE WHEN into_lead_id IS NOT NULL THEN (SELECT arg_min(steps.agent_id,"
            " (steps.occurred_at, steps.agent_id)) FROM lead_steps AS steps"
            " WHERE steps.lead_id = found.lead_id AND kind = 'dispatched') END AS given_to,"
            " into_lead_id IS NULL AND (worked OR (rule IS NULL AND NOT often)) AS stored"
            " FROM lead_found AS found LEFT JOIN lead_merged USING (lead_id)"
        )
        twice = con.execute(
            "SELECT count(*) FROM lead_verdicts AS one JOIN lead_verdicts AS two"
            " ON one.into_lead_id = two.lead_id WHERE NOT two.stored"
        ).fetchall()
        assert twice == [(0,)], "a lead was merged into one that is not stored"
        codes = " ".join(
            f"WHEN {literal(verdict)} THEN {cleaning.code(reason)}"
            for verdict, reason in REASONS.items()
        )
        con.execute(
            f"INSERT INTO fates SELECT cleaned.rowid, CASE verdict {codes} END FROM cleaned"
            " JOIN lead_verdicts USING (lead_id) WHERE _reason = 0 AND NOT stored"
            " AND cleaned.rowid NOT IN (SELECT row FROM fates)"
        )

    def _written(self, cleaning: Cleaning) -> tuple[TableRows, tuple[Remark, ...]]:
        con, table = cleaning.con, schema.table(_TABLE)
        path = self.made / f"{_TABLE}.parquet"
        cells = ", ".join(quoted(name) for name in table.names)
        con.execute(
            f"COPY (SELECT {cells} FROM lead_verdicts ORDER BY {store.order_of(table)})"
            f" TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)"
        )
        n, stayed, two = con.execute(
            "SELECT count(*), count(*) FILTER (stored AND verdict <> 'sound'),"
            " count(*) FILTER (given_to <> agent_id) FROM lead_verdicts"
        ).fetchall()[0]
        remarks = [Remark(what, rows) for what, rows in ((_STAYED, stayed), (_TWO_OWNERS, two))]
        file = FileRows("leads", "", n, 0, 0, n)
        return TableRows(_TABLE, (file,), n), tuple(r for r in remarks if r.rows)
