"""VICIdial's agents: what each did from when to when, from the wide rows of the agent log."""

from crmkit.imports.dialers.logs import Log, Logs
from crmkit.imports.dialers.parts import OVERLAPS, epoch, lasted
from crmkit.imports.readers import literal
from crmkit.settings import DialerSettings

__all__ = ["make_spans", "states"]


def make_spans(logs: Logs, log: Log) -> None:
    """The wide rows of agents as states in the table `spans`; dead time is wrap, not talk.

    A length that is an overflow makes no state. Where states overlap, the earlier one ends where
    the later one begins.
    """
    dead = f"coalesce({lasted('dead')}, 0)"
    talked = f"greatest({lasted('talk')} - {dead}, 0)"
    died = f"{epoch('talk_epoch')} + to_seconds({talked})"
    pieces = " UNION ALL ".join(
        f'SELECT "user", {literal(state)} AS state, {reason} AS reason, {begins} AS started_at,'
        f" {begins} + to_seconds({lasts}) AS ended_at, {call} AS uniqueid, campaign_id"
        " FROM vicidial_agent_log"
        for state, reason, begins, lasts, call in (
            ("pause", "sub_status", epoch("pause_epoch"), lasted("pause"), "NULL"),
            ("ready", "NULL", epoch("wait_epoch"), lasted("wait"), "NULL"),
            ("talk", "NULL", epoch("talk_epoch"), talked, "uniqueid"),
            ("wrap", "'dead'", died, f"least({dead}, {lasted('talk')})", "uniqueid"),
            ("wrap", "NULL", epoch("dispo_epoch"), lasted("dispo"), "uniqueid"),
        )
    )
    logs.con.execute(
        'CREATE TEMP TABLE spans AS SELECT *, lead(started_at) OVER (PARTITION BY "user"'
        f" ORDER BY started_at, ended_at DESC, state) AS next_at FROM ({pieces})"
        " WHERE ended_at > started_at"
    )
    # Clocks of several machines differ by a second or two.
    logs.remark(
        log, OVERLAPS, "SELECT count(*) FROM spans WHERE ended_at > next_at + INTERVAL 2 SECOND"
    )


def states(given: DialerSettings) -> str:
    """Of several states that begin at once, the longest; a call handed on has its part's id."""
    return (
        'SELECT s."user" AS agent_id, state, reason, started_at,'
        " least(ended_at, later_at) AS ended_at,"
        f" {given.named('coalesce(h.id, s.uniqueid)')} AS call_id, campaign_id FROM (SELECT *,"
        ' lead(started_at) OVER (PARTITION BY "user" ORDER BY started_at) AS later_at FROM'
        ' (SELECT DISTINCT ON ("user", started_at) * FROM spans'
        ' ORDER BY "user", started_at, ended_at DESC, state)) AS s LEFT JOIN (SELECT d.uniqueid,'
        ' d."user", min(id) AS id FROM vicidial_closer_log AS d JOIN parts USING (_file, _row)'
        ' GROUP BY d.uniqueid, d."user") AS h ON s.uniqueid = h.uniqueid AND s."user" = h."user"'
    )
