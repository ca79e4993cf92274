"""What all diallers' readers need: the reasons of quarantine, and SQL for times and numbers."""

from crmkit.imports import cells
from crmkit.imports.readers import literal, quoted
from crmkit.text import message

__all__ = [
    "BACKWARDS",
    "DAMAGED",
    "NO_AGENT",
    "NO_ID",
    "NO_MEANING",
    "NO_TEXT",
    "NO_TIME",
    "OPEN",
    "OVERFLOW",
    "OVERFLOWS",
    "OVERLAPS",
    "SET_BACK",
    "UNKNOWN_EVENT",
    "epoch",
    "lasted",
    "local",
    "results",
    "whole",
]

NO_ID = message("{column} is missing, so the row cannot be told from others")
NO_TIME = message("{column} is not a time")
NO_TEXT = message("it holds bytes that are no text in this encoding")
NO_AGENT = message("no agent is named")
BACKWARDS = message("it ends before it begins")
NO_MEANING = message("Calls whose status has no known meaning; export the table of statuses: {n}.")
OVERFLOWS = message("Lengths of 65,000 seconds or more, overflows of the dialler, left out: {n}.")
OVERLAPS = message("States that went on into the agent's next one, cut where that begins: {n}.")
OPEN = message(
    "Talks without an end in the log, which end at the latest with what the agent did next: {n}."
)
SET_BACK = message("Times that the clock went back: {n}.")
UNKNOWN_EVENT = message("the event is not known")
DAMAGED = message("the line is damaged")

OVERFLOW = 65_000
"""Lengths from here on are no lengths: a counter of 16 bits ran over."""

_LAST = 4_102_444_800  # the year 2100; seconds beyond it are damage


def whole(column: str) -> str:
    """The SQL of a column as a whole number, null where it is none."""
    return f"try_cast({quoted(column)} AS BIGINT)"


def lasted(phase: str) -> str:
    """The SQL of the seconds in `{phase}_sec`; null where they are an overflow."""
    seconds = whole(f"{phase}_sec")
    return f"CASE WHEN {seconds} BETWEEN 0 AND {OVERFLOW - 1} THEN {seconds} END"


def epoch(column: str) -> str:
    """The SQL of seconds since 1970 as an instant; null where 0 or impossible."""
    seconds = f"try_cast({quoted(column)} AS DOUBLE)"
    return (
        f"CASE WHEN {seconds} > 0 AND {seconds} < {_LAST}"
        f" THEN make_timestamp(CAST(floor({seconds}) AS BIGINT) * 1000000) END"
    )


def local(column: str, timezone: str) -> str:
    """The SQL of a local date and time as an instant; null where it cannot be read."""
    name = quoted(column)
    return cells.instant(name, cells.wall(name, (), typed=False), (), timezone)


def results(vendor: str, column: str) -> str:
    """The SQL of the canonical result of a vendor's code, null where it is not known."""
    return f"(SELECT result FROM vendor_codes WHERE vendor = {literal(vendor)} AND code = {column})"
