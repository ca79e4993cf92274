"""The rules of [leads]: the lists of whom to leave alone, and what they say of each lead."""

from pathlib import Path

from crmkit.errors import InputError
from crmkit.imports import cells
from crmkit.imports.clean import Cleaning
from crmkit.imports.files import gather, opened, required
from crmkit.imports.phones import numbered
from crmkit.imports.readers import literal
from crmkit.imports.sources import Advance
from crmkit.settings import LeadSettings

__all__ = ["LISTS", "judge", "read_list"]

LISTS = ("do_not_call", "blacklist")
_WORK = ("dispatched", "contacted", "interacted", "intent", "won", "follow_up")


def read_list(
    cleaning: Cleaning, given: LeadSettings, name: str, work: Path, advance: Advance
) -> None:
    """Make `lead_on_NAME` (lead_id, id): leads whose customer or contact is on a list.

    An entry with a day counts for leads that come in from that day on.

    Raises: InputError for files that are missing, cannot be read or have no column `id`.
    """
    con = cleaning.con
    con.execute("CREATE OR REPLACE TEMP TABLE lead_list (id VARCHAR, since DATE)")
    if getattr(given, name):
        _fill(cleaning, given, name, work, advance)
    zone = literal(cleaning.settings.book.timezone)
    con.execute(
        f"CREATE TEMP TABLE lead_on_{name} AS SELECT DISTINCT lead_id, id FROM"
        " (SELECT lead_id, id FROM lead_contacts UNION ALL SELECT lead_id, customer_id"
        " FROM lead_rows) JOIN lead_list USING (id) JOIN lead_rows USING (lead_id) WHERE"
        f" since IS NULL OR since <= CAST(timezone({zone}, timezone('UTC', created_at)) AS DATE)"
    )


def _fill(cleaning: Cleaning, given: LeadSettings, name: str, work: Path, advance: Advance) -> None:
    """Fill `lead_list` with ids in one way of writing; one without a day counts always."""
    con, where, folder = cleaning.con, f"leads.{name}", work / name
    folder.mkdir()
    sources = opened(
        cleaning.settings, where, getattr(given, name), given.encoding, folder, advance
    )
    required(sources, "id", where)
    gather(con, sources, ("id", "since"), "lead_given")
    wanted = "SELECT trim(id) FROM lead_given WHERE NOT contains(id, '@')"
    numbered(con, wanted, cleaning.settings.book.country, "lead_numbers")
    dated = any("since" in source.columns for source in sources)
    since = cells.day("since", cells.wall("since", (), typed=False)) if dated else "NULL::DATE"
    if dated:
        _readable(cleaning, where, since)
    con.execute(
        "INSERT INTO lead_list SELECT id, CASE WHEN count(*) = count(since) THEN min(since) END"
        " FROM (SELECT CASE WHEN contains(id, '@') THEN lower(trim(id))"
        " ELSE coalesce(e164, trim(id)) END AS id,"
        f" {since} AS since"
        " FROM lead_given LEFT JOIN lead_numbers ON trim(id) = given) WHERE id <> '' GROUP BY id"
    )


def _readable(cleaning: Cleaning, where: str, since: str) -> None:
    """Refuse a list with a day that is none: the entry would count always, or never."""
    wrong = cleaning.con.execute(
        f"SELECT since FROM lead_given WHERE trim(since) <> '' AND {since} IS NULL LIMIT 1"
    ).fetchone()
    if wrong:
        raise InputError(
            f"{where}: since is {wrong[0]!r}, which is no day. Write it as 2025-03-04, or leave it "
            "empty where the entry counts always."
        )


def judge(cleaning: Cleaning, given: LeadSettings, *, own: bool) -> None:
    """Make `lead_found`: by what each lead can be reached, and which rule speaks against it.

    Its columns are those of `lead_rows` and person, by_phone, by_email, by_chat, rule (or null),
    often (given out too often before), worked.

    A lead without a contact is unreachable only where it would have one if there were any: its own
    are mapped, or it has a customer and some customers' are known.

    Parameters: `own`, whether leads have contacts of their own.
    """
    con = cleaning.con
    con.execute(
        "CREATE TEMP TABLE lead_reached AS SELECT lead_id,"
        " bool_or(kind = 'phone') AS has_phone, bool_or(kind = 'email') AS by_email,"
        " bool_or(kind = 'chat') AS by_chat, bool_or(kind = 'phone' AND listed IS NULL) AS by_phone"
        " FROM lead_contacts LEFT JOIN (SELECT lead_id, id, true AS listed"
        " FROM lead_on_do_not_call) USING (lead_id, id) GROUP BY lead_id"
    )
    con.execute(
        "CREATE TEMP TABLE lead_often AS SELECT lead_id FROM (SELECT lead_id, sum(given) OVER"
        " (PARTITION BY person ORDER BY moment RANGE BETWEEN"
        f" INTERVAL {given.within_days} DAYS PRECEDING AND CURRENT ROW) AS times FROM"
        " (SELECT lead_id, person, created_at AS moment, 0 AS given FROM lead_rows"
        " JOIN lead_persons USING (lead_id) UNION ALL SELECT NULL, person, occurred_at, 1"
        " FROM lead_steps JOIN lead_persons USING (lead_id) WHERE kind = 'dispatched'))"
        f" WHERE lead_id IS NOT NULL AND times >= {given.most}"
    )
    told = "true" if own else (
        "customer_id IS NOT NULL AND EXISTS (SELECT 1 FROM lead_known)"
    )  # fmt: skip
    unreachable = f"{told} AND NOT (has_phone OR by_email OR by_chat)"
    flags = ", ".join(
        f"coalesce({flag}, false) AS {flag}"
        for flag in ("has_phone", "by_phone", "by_email", "by_chat")
    )
    con.execute(
        "CREATE TEMP TABLE lead_found AS SELECT * EXCLUDE has_phone, CASE"
        " WHEN lead_id IN (SELECT lead_id FROM lead_on_blacklist) THEN 'blacklisted'"
        f" WHEN {unreachable} THEN 'unreachable'"
        " WHEN has_phone AND NOT (by_phone OR by_email OR by_chat) THEN 'do_not_call' END AS rule,"
        " lead_id IN (SELECT lead_id FROM lead_often) AS often,"
        f" lead_id IN (SELECT lead_id FROM lead_steps WHERE kind IN {_WORK}) AS worked"
        f" FROM (SELECT lead_rows.*, person, {flags} FROM lead_rows"
        " JOIN lead_persons USING (lead_id) LEFT JOIN lead_reached USING (lead_id))"
    )
