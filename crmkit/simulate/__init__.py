"""A firm with a planted truth, for demos and for tests of every analysis."""

from crmkit.simulate.firm import Firm, firm
from crmkit.simulate.parts import (
    Buying,
    Category,
    Channel,
    Place,
    PriceChange,
    Promotion,
    Season,
    Spending,
)
from crmkit.simulate.world import World
from crmkit.simulate.write import simulate

__all__ = [
    "Buying",
    "Category",
    "Channel",
    "Firm",
    "Place",
    "PriceChange",
    "Promotion",
    "Season",
    "Spending",
    "World",
    "firm",
    "simulate",
]
