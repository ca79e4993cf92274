"""Who sits at the telephone beside the desk, what they dial, and what is planted in it."""

from dataclasses import dataclass

from crmkit.errors import ParameterError
from crmkit.simulate.floor import Floor
from crmkit.simulate.parts import positive, share

__all__ = ["CallList", "Group", "PhoneCampaign", "Section", "Telephone"]


@dataclass(frozen=True)
class CallList:
    """A list of numbers to dial, loaded a part each working day.

    `share` of what is loaded while it lasts (relative weight); `reach` and `interest`, its factors
    on the floor's; `age`, days old when its first part is loaded; `half_life`, days in which the
    readiness to answer halves; `dying`, the share of its numbers that fall out of use in 100 days;
    `first` and `days`, when it is loaded, in days of the section (to its end where days is None);
    `voice`, dialled by automatic voice.
    """

    name: str
    share: float = 1.0
    reach: float = 1.0
    interest: float = 1.0
    age: float = 0.0
    half_life: float = 400.0
    dying: float = 0.03
    first: int = 0
    days: int | None = None
    voice: bool = False

    def __post_init__(self) -> None:
        for name in ("share", "reach", "interest", "half_life"):
            positive(f"list {self.name!r}: {name}", getattr(self, name))
        share(f"list {self.name!r}: dying", self.dying)


@dataclass(frozen=True)
class PhoneCampaign:
    """A campaign of calls: its id and name, and its lists; without lists it is called in to."""

    id: str
    name: str
    lists: tuple[CallList, ...] = ()


@dataclass(frozen=True)
class Group:
    """Agents who work together: how many, and in teams of up to how many.

    The last `new` of them begin on the days met, evenly spread.
    """

    name: str
    agents: int
    new: int = 0
    team: int = 10

    def __post_init__(self) -> None:
        if self.agents < 1 or not 0 <= self.new <= self.agents or self.team < 1:
            raise ParameterError(
                f"group {self.name!r}: {self.agents} agents, {self.new} of them new, teams of "
                f"{self.team}. Give at least 1 agent, no more new ones, and teams of 1 or more."
            )


@dataclass(frozen=True, kw_only=True)
class Section:
    """A group at its diallers for some days.

    `floor`, how they dial; its agents, days, timezone, holidays and seed are those of the firm.
    `campaigns`, by agents or voice; `daily`, leads loaded a working day for each 1,000 customers
    of the firm; `known`, whether its lists are of existing customers, each called once; `interest`,
    the mean chance to sell; `do_not_call`, the share of leads that may not be called; `paid`, the
    share of sales that are paid, the others are cancelled; `transfer`, the share of interested
    people handed on to the desk while it is open; `hold`, the share of longer talks with a hold;
    `first` and `days`, in days met (to the end where days is None); `callers_known`, the share of
    callers who are known customers.
    """

    group: str
    floor: Floor
    campaigns: tuple[PhoneCampaign, ...]
    daily: float = 0.0
    known: bool = False
    interest: float = 0.03
    do_not_call: float = 0.01
    paid: float = 0.75
    transfer: float = 0.0
    hold: float = 0.0
    first: int = 0
    days: int | None = None
    callers_known: float = 0.8

    def __post_init__(self) -> None:
        for name in ("interest", "do_not_call", "paid", "transfer", "hold", "callers_known"):
            share(f"section of {self.group!r}: {name}", getattr(self, name))
        if self.first < 0 or not 0 <= self.daily < float("inf"):
            raise ParameterError(f"section of {self.group!r}: give first and daily of 0 or more.")
        if not self.campaigns:
            raise ParameterError(f"section of {self.group!r}: give at least one campaign.")


@dataclass(frozen=True, kw_only=True)
class Telephone:
    """The call floor of a firm, beside the desk.

    `groups` of agents and `sections` that they work in; a group may not be in two at once. `days`,
    the last ones on which there are calls of the floor, or None for all days met.
    `due`, days within which a sale is paid, and after which it is cancelled; `kept`, days after
    which interest that led to nothing is released.
    """

    groups: tuple[Group, ...] = ()
    sections: tuple[Section, ...] = ()
    days: int | None = None
    due: int = 3
    kept: int = 15

    def __post_init__(self) -> None:
        names = [group.name for group in self.groups]
        for section in self.sections:
            if section.group not in names:
                raise ParameterError(
                    f"A section is of the group {section.group!r}, which is not there. "
                    f"There are: {', '.join(names) or 'none'}."
                )
        if self.due < 1 or self.kept < 1 or (self.days is not None and self.days < 1):
            raise ParameterError("telephone: give days, due and kept of 1 or more.")
        _check_turns(self)

    @property
    def agents(self) -> int:
        """How many agents there are in all groups."""
        return sum(group.agents for group in self.groups)


def _check_turns(telephone: Telephone) -> None:
    """Refuse a group that would sit in two places at once."""
    for group in telephone.groups:
        until = 0
        for section in sorted(
            (s for s in telephone.sections if s.group == group.name), key=lambda s: s.first
        ):
            if section.first < until:
                raise ParameterError(
                    f"Group {group.name!r} is in two sections on day {section.first}. "
                    "Let the first one end before."
                )
            until = section.first + section.days if section.days is not None else 1 << 30
