"""What each verdict on a campaign is called, and what follows from it."""

from typing import Any

from crmkit.result import Finding
from crmkit.text import message, money, number, points, say, span

__all__ = ["VERDICTS", "finding"]

VERDICTS = {
    "worked": message("Worked"),
    "harmed": message("Did harm"),
    "not_shown": message("No effect shown"),
    "too_small": message("Too few customers to say"),
    "running": message("Still running"),
    "unlike": message("Groups differed before"),
    "no_holdout": message("No holdout"),
}

_FOUND = {
    "worked": message(
        "{name} raised the share of buyers by {gain} ({span}) among {n} customers; profit {profit}."
    ),
    "harmed": message("{name} changed the share of buyers by {gain} ({span})."),
    "not_shown": message(
        "{name} shows no effect: {gain} ({span}). It could have shown one of {least}."
    ),
    "too_small": message(
        "{name} may have had an effect: {gain} ({span}), but the groups were too small to tell."
    ),
    "running": message("{name} is still running; it is judged when it is over."),
    "unlike": message("The groups of {name} already differed before it began."),
    "no_holdout": message("{name} has no holdout, so what it brought cannot be told apart."),
}
_TODO = {
    "harmed": message("Stop {name} and find out what annoyed customers."),
    "not_shown": message(
        "Do not repeat {name} as it was; try another offer, again with a holdout."
    ),
    "too_small": message("Run {name} once more with larger groups before judging it."),
    "running": "",
    "unlike": message("Draw the holdout of the next campaign by chance."),
    "no_holdout": message("Keep a random tenth of the next campaign's customers out of it."),
}


def finding(row: Any) -> Finding:
    """What a row of `effects` says, and what to do."""
    words = {
        "name": row.name,
        "gain": points(row.gain),
        "span": span(row.gain_low, row.gain_high),
        "n": number(row.treated),
        "profit": money(row.profit, short=True),
        "least": points(row.shows),
    }
    action = _worth(row) if row.verdict == "worked" else _TODO[row.verdict]
    shown = row.verdict in ("worked", "harmed")
    return Finding(
        words=say(_FOUND[row.verdict], **words),
        action=say(action, name=row.name) if action else "",
        weight=min(5 * abs(row.gain), 1.0) if shown else 0.15,
    )


def _worth(row: Any) -> str:
    if row.profit_low > 0:
        return message("Repeat {name}, and keep a holdout.")
    if row.profit > 0:
        return message("Repeat {name} with a larger group: its profit is not certain yet.")
    return message("Make {name} cheaper before repeating it: it cost more than it brought.")
