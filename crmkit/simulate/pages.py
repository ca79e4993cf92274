"""What visitors do on the site: pages, scrolls, clicks, the form, and the steps of the funnel.

Every deed has a slot, its place in the order of a visit; times follow from the slots.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met, pick
from crmkit.simulate.plans import Element, Market
from crmkit.simulate.touches import NONE
from crmkit.simulate.visits import Visits

__all__ = ["Deeds", "Names", "draw_deeds"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SCREEN = 760.0  # pixels of a screen: clicks far down are of those who scrolled there
_CLICKS = {"/": 0.45, "/product": 0.50}  # share of views of a page with a click
_MEASURED = 0.6  # share of views whose scrolling was sent home
_PACE = 14.0  # mean seconds between deeds
_FORM = 30  # the first slot of the form
_LIST, _SEARCH, _CART = 0.40, 0.12, 0.55  # share of visits with these by the way
_WORDS = ("普洱", "绿茶", "白茶", "礼盒", "茶具", "红茶", "优惠券")


class Names:
    """Words in the order in which they were first used; a position stands for each."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._at: dict[str, int] = {}

    def __call__(self, word: str | None) -> int:
        """The position of the word, new or known; NONE for none."""
        if word is None:
            return NONE
        if word not in self._at:
            self._at[word] = len(self.words)
            self.words.append(word)
        return self._at[word]


@dataclass(frozen=True, kw_only=True)
class Deeds:
    """Events on the site, one element each, sorted by visit and time.

    `visit`, a position among visits; `at`, seconds; `event`, `page`, `element`, positions among
    `names`; `x`, share of the width; `y`, pixels; `scroll`, share of the page; `value`.
    """

    names: Names
    visit: Wholes
    number: Wholes
    at: Wholes
    event: Wholes
    page: Wholes
    element: Wholes
    x: Floats
    y: Floats
    scroll: Floats
    value: Floats

    def __len__(self) -> int:
        return len(self.visit)


class _Log:
    """Collects deeds, in columns."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.parts: list[dict[str, npt.NDArray[np.generic]]] = []

    def add(
        self,
        visit: Wholes,
        slot: float,
        event: str,
        *,
        page: str | Wholes,
        element: str | Wholes | None = None,
        measured: Mapping[str, Floats] | None = None,
    ) -> None:
        """Deeds of one kind: of those visits, at that slot."""
        n = len(visit)
        places = {"page": page, "element": element}
        self.parts.append(
            {
                "visit": visit,
                "slot": np.broadcast_to(np.asarray(slot, dtype=float), (n,)),
                "event": np.full(n, self.names(event)),
                **{
                    name: place if isinstance(place, np.ndarray) else np.full(n, self.names(place))
                    for name, place in places.items()
                },
                **{
                    name: (measured or {}).get(name, np.full(n, np.nan))
                    for name in ("x", "y", "scroll", "value")
                },
            }
        )

    def columns(self) -> dict[str, npt.NDArray[np.generic]]:
        """All deeds, sorted by visit and slot."""
        made = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        order = np.lexsort((made["event"], made["slot"], made["visit"]))
        return {name: values[order] for name, values in made.items()}


def draw_deeds(met: Met, visits: Visits) -> Deeds:
    """Everything that was done in those visits.

    Parameters: the days met; the visits. Returns: the deeds, each visit's in the order of time.
    """
    names = Names()
    log = _Log(names)
    market = met.world.market
    everyone = np.arange(len(visits))
    rng = met.world.stream("deeds")
    goods = np.array([names(f"/product/{c.name}") for c in met.world.categories])
    goods = goods[_wanted(met, visits, rng)]
    if market.steps:
        log.add(everyone, 0.0, market.steps[0][0], page="/")
    _reading(met, log, everyone, visits, 1.0, names("/"))
    _clicks(met, log, everyone, "/", 2.0, names("/"))
    _by_the_way(log, rng, visits)
    slots = [0.0, 10.0, 20.0, 28.0, 60.0, 70.0]
    for stage, (step, _) in enumerate(market.steps):
        if stage == 0:
            continue
        there = np.flatnonzero(visits.stage >= stage)
        slot = slots[stage] if stage < len(slots) else 70.0 + stage
        page = goods[there] if stage <= 2 else np.full(len(there), names("/checkout"))
        paid = stage == len(market.steps) - 1
        value = {"value": _amounts(met, visits, there)} if paid else None
        log.add(there, slot, step, page=page, measured=value)
    reading = np.flatnonzero(visits.stage >= 1)
    _reading(met, log, reading, visits, 11.0, goods[reading])
    _clicks(met, log, reading, "/product", 12.0, goods[reading])
    _fill_form(met, log, visits)
    asked = np.flatnonzero(visits.lead != NONE)
    log.add(asked, 90.0, "request_call", page="/contact")
    return _timed(met, visits, log)


def _wanted(met: Met, visits: Visits, rng: np.random.Generator) -> Wholes:
    """The category looked at: that of the purchase, or any by its share."""
    drawn = pick(rng, [c.share for c in met.world.categories], len(visits))
    bought = np.flatnonzero(visits.order != NONE)
    drawn[bought] = met.purchases.category[met.orders[visits.order[bought]]]
    return drawn


def _amounts(met: Met, visits: Visits, there: Wholes) -> Floats:
    order = visits.order[there]
    cents = np.full(len(there), np.nan)
    paid = order != NONE
    cents[paid] = met.purchases.cents[met.orders[order[paid]]]
    return cents / 100


def _reading(
    met: Met, log: _Log, who: Wholes, visits: Visits, slot: float, page: int | Wholes
) -> None:
    """How far down a page was seen, and for how many seconds: people scroll on with even odds."""
    means = dict(met.world.market.scrolls)
    mean = np.array([means.get(name, 0.5) for name, _ in met.world.market.devices])
    rng = met.world.stream(f"scrolls at {slot}")
    measured = rng.random(len(who)) < _MEASURED
    who, page = who[measured], page[measured] if isinstance(page, np.ndarray) else page
    seen = np.minimum(0.12 + rng.exponential(mean[visits.device[who]] - 0.12), 1.0)
    seconds = np.round(rng.lognormal(np.log(9.0), 0.8, len(who)) * (0.4 + seen), 1)
    places = page if isinstance(page, np.ndarray) else np.full(len(who), page)
    seen = np.round(seen, 3).astype(float)
    log.add(who, slot, "scroll", page=places, measured={"scroll": seen, "value": seconds})


def _clicks(met: Met, log: _Log, who: Wholes, page: str, slot: float, shown: int | Wholes) -> None:
    """Clicks on the elements of a page, near their middle; those on nothing, anywhere."""
    elements: list[Element] = [e for e in met.world.market.elements if e.page == page]
    rng = met.world.stream(f"clicks on {page}")
    chosen = rng.random(len(who)) < _CLICKS.get(page, 0.5)
    if not elements:
        return
    which = pick(rng, [e.share for e in elements], int(chosen.sum()))
    n = len(which)
    x0, y0 = (np.array([vars(e)[axis] for e in elements])[which] for axis in "xy")
    empty = np.array([e.name is None for e in elements])[which]
    x = np.where(empty, rng.random(n), np.clip(x0 + rng.normal(0, 0.05, n), 0, 1))
    y = np.where(empty, rng.exponential(_SCREEN, n), np.maximum(y0 + rng.normal(0, 18, n), 0))
    places = shown[chosen] if isinstance(shown, np.ndarray) else np.full(n, shown)
    element = np.array([log.names(e.name) for e in elements])[which]
    measured = {"x": np.round(x, 4).astype(float), "y": np.round(y).astype(float)}
    log.add(who[chosen], slot, "click", page=places, element=element, measured=measured)


def _by_the_way(log: _Log, rng: np.random.Generator, visits: Visits) -> None:
    """Pages that are no step: the list of goods, a search, the cart."""
    n = len(visits)
    draws = rng.random((n, 3))
    further = visits.stage >= 1
    list_ = np.flatnonzero(draws[:, 0] < np.where(further, _LIST, 0.15))
    log.add(list_, 5.0, "view_list", page="/list")
    search = np.flatnonzero(draws[:, 1] < _SEARCH)
    words = np.array([log.names(word) for word in _WORDS])
    log.add(
        search,
        4.0,
        "search",
        page="/search",
        element=words[rng.integers(0, len(words), len(search))],
    )
    cart = np.flatnonzero((visits.stage >= 2) & (draws[:, 2] < _CART))
    log.add(cart, 25.0, "view_cart", page="/cart")


def _fill_form(met: Met, log: _Log, visits: Visits) -> None:
    """The fields of the order form: entered, changed, left blank; and where people gave up."""
    market = met.world.market
    steps = [name for name, _ in market.steps]
    if "checkout" not in steps or not market.fields:
        return
    opened = steps.index("checkout")
    rng = met.world.stream("form")
    there = np.flatnonzero(visits.stage >= opened)
    sent = visits.stage[there] > opened
    last = np.where(sent, len(market.fields), _gave_up(market, rng, len(there)))
    for position, field in enumerate(market.fields):
        reached = last >= position
        filled = reached & (rng.random(len(there)) >= field.blank)
        filled |= reached & (last == position) & (rng.random(len(there)) < 0.5)
        slot = _FORM + 2 * position
        log.add(there[reached], slot, "form_focus", page="/checkout", element=field.name)
        seconds = np.round(rng.gamma(2.0, field.seconds / 2, len(there)), 1)[filled]
        who = there[filled]
        measured = {"value": seconds}
        log.add(
            who, slot + 1, "form_change", page="/checkout", element=field.name, measured=measured
        )


def _gave_up(market: Market, rng: np.random.Generator, n: int) -> Wholes:
    """The last field entered by those who leave; -1 for those who never touch the form."""
    last = pick(rng, [field.leaves for field in market.fields], n)
    return np.where(rng.random(n) < market.unstarted, -1, last)


def _timed(met: Met, visits: Visits, log: _Log) -> Deeds:
    """Deeds with their times: one after the other, the last at the end where that is given."""
    made = log.columns()
    visit = made["visit"].astype(np.int64)
    n = len(visit)
    new = np.ones(n, dtype=bool)
    new[1:] = visit[1:] != visit[:-1]
    firsts = np.flatnonzero(new)
    number = np.arange(n) - np.repeat(firsts, np.diff(np.append(firsts, n)))
    gaps = 1.0 + met.world.stream("gaps of deeds").exponential(_PACE, n)
    spent = np.nan_to_num(made["value"].astype(float)) * np.isin(
        made["event"], [log.names("form_change"), log.names("scroll")]
    )
    passed = np.cumsum(np.where(new, 0.0, gaps + spent))
    passed -= passed[firsts][np.cumsum(new) - 1] if n else 0.0
    total = passed[np.append(firsts[1:], n) - 1][np.cumsum(new) - 1] if n else passed
    length = visits.length[visit]
    given = (visits.order[visit] != NONE) | (visits.lead[visit] != NONE)
    scale = np.where(given, length / np.maximum(total, 1e-9), 1.0)
    at = visits.start[visit] + np.floor(passed * scale + 1e-6).astype(np.int64)
    kept = at < met.span.seconds
    columns = {
        name: made[name] for name in ("event", "page", "element", "x", "y", "scroll", "value")
    }
    everything = {"visit": visit, "number": number, "at": at, **columns}
    return Deeds(names=log.names, **{k: v[kept] for k, v in everything.items()})  # type: ignore[arg-type]
