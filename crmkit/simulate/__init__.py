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
from crmkit.simulate.plans import (
    Cause,
    Desk,
    Drive,
    Element,
    Field,
    Leak,
    Market,
    Medium,
    Remedy,
    Source,
)
from crmkit.simulate.world import World
from crmkit.simulate.write import simulate

__all__ = [
    "Buying",
    "Category",
    "Cause",
    "Channel",
    "Desk",
    "Drive",
    "Element",
    "Field",
    "Firm",
    "Leak",
    "Market",
    "Medium",
    "Place",
    "PriceChange",
    "Promotion",
    "Remedy",
    "Season",
    "Source",
    "Spending",
    "World",
    "firm",
    "simulate",
]
