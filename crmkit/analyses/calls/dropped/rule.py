"""The rule on abandoned calls: what counts as abandoned, out of what, over how long."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from crmkit.errors import ParameterError, nearest

__all__ = ["PRESETS", "DropRule"]

Per = Literal["answers", "offered", "dials"]


@dataclass(frozen=True, kw_only=True)
class DropRule:
    """A limit on outbound calls that a person answered and no agent took in time.

    `limit`, the largest share allowed; `per`, out of what: "answers" of persons, calls "offered" to
    agents (machines that were not recognised included), or "dials"; `days`, how many successive
    days of a campaign are judged together, from its first; `grace`, seconds within which an agent
    must be there; `counts_amd`, whether persons whom answering-machine detection turned away are
    abandoned too; `amd_error`, the share of persons whom it turns away, None where it is not known.

    Presets: "us_tsr" (Telemarketing Sales Rule, 16 CFR 310.4: 3 % of answers in 30 days of a
    campaign, 2 seconds) and "uk" (Ofcom's policy: 3 % in 24 hours of a campaign, 2 seconds, with
    detection's errors; since 2017 no fixed threshold is promised there).

    >>> DropRule.of("us_tsr").days
    30
    """

    name: str = "own"
    limit: float = 0.03
    per: Per = "answers"
    days: int = 1
    grace: float = 2.0
    counts_amd: bool = False
    amd_error: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise ParameterError(f"limit is {self.limit!r}. Give a share such as 0.03.")
        if self.per not in get_args(Per):
            guess = nearest(self.per, get_args(Per))
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(f"per is {self.per!r}.{hint} Give answers, offered or dials.")
        if isinstance(self.days, bool) or not isinstance(self.days, int) or self.days < 1:
            raise ParameterError(f"days is {self.days!r}. Give a whole number of 1 or more.")
        if not 0 <= self.grace < 3600:
            raise ParameterError(f"grace is {self.grace!r}. Give seconds, such as 2.")
        if self.amd_error is not None and not 0 <= self.amd_error < 1:
            raise ParameterError(
                f"amd_error is {self.amd_error!r}. Give the share of persons whom detection takes "
                "for machines, such as 0.05, or None."
            )

    @classmethod
    def of(cls, given: "str | DropRule", amd_error: float | None = None) -> "DropRule":
        """A rule by the name of a preset, or as it stands, with detection's error if given.

        Raises: ParameterError for a name that is not there.
        """
        if isinstance(given, str):
            if given not in PRESETS:
                guess = nearest(given, PRESETS)
                hint = f" Did you mean {guess!r}?" if guess else ""
                raise ParameterError(
                    f"There is no rule named {given!r}.{hint} There are: {', '.join(PRESETS)}; or "
                    "give a DropRule."
                )
            given = PRESETS[given]
        return given if amd_error is None else replace(given, amd_error=amd_error)


PRESETS = {
    "us_tsr": DropRule(name="us_tsr", days=30),
    "uk": DropRule(name="uk", days=1, counts_amd=True),
}
"""Rules by name."""
