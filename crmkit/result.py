"""What every analysis gives back: a sentence, tables, charts and the definition behind them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from crmkit.blocks import Block, Definition, Document, Figure, Notice, Sentence, Table
from crmkit.errors import ParameterError, nearest

__all__ = ["Finding", "KeyFigure", "Result"]

Offered = TypeVar("Offered")


@dataclass(frozen=True, kw_only=True)
class KeyFigure:
    """A number a manager watches, with what it was before.

    `name` is stable from run to run (targets in crmkit.toml use it); `label` is for readers;
    `kind` decides the format; `better` says which direction is good; `history` are the values of
    the periods before, oldest first, for the sparkline; `low` and `high` are its interval.
    """

    name: str
    label: str
    value: float | None
    previous: float | None = None
    kind: str = "count"  # count, number, rate or money
    better: str = "up"  # up, down or neither
    history: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something found and what to do about it.

    `weight` is the share of the firm that it touches, 0 to 1: of its customers or its revenue, by
    how far they lie from the rest; heavier findings come first in the summary.
    """

    words: str
    action: str = ""
    weight: float = 0.0


class Result(ABC):
    """The base of every analysis' result; subclasses are frozen keyword-only dataclasses."""

    @property
    @abstractmethod
    def headline(self) -> str:
        """The finding in one sentence, with its numbers."""

    @property
    @abstractmethod
    def definition(self) -> Definition:
        """The decisions taken, as a card."""

    @abstractmethod
    def tables(self) -> Mapping[str, Table]:
        """The tables by name, the main one first."""

    @abstractmethod
    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The charts that can be drawn, by kind, the main one first."""

    @property
    def empty(self) -> bool:
        """Whether there was nothing to analyse."""
        return False

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The numbers a manager watches."""
        return ()

    def findings(self) -> tuple[Finding, ...]:
        """What was found and what to do about it."""
        return ()

    def table(self, name: str | None = None) -> Table:
        """One table: the main one, or that of the name.

        Raises: ParameterError for a name that is not there, naming the ones that are.
        """
        return _chosen(self.tables(), name, "table")

    def plot(self, kind: str | None = None) -> Figure | Notice:
        """One chart: the main one, or that of the kind.

        Returns: a figure; a notice that says so where there was nothing to draw.
        Raises: ParameterError for a kind that is not there, naming the ones that are.
        """
        draw = _chosen(self.plots(), kind, "plot")
        return Notice(self.headline) if self.empty else draw()

    def _document(self) -> Document:
        blocks: list[Block] = [Sentence(self.headline)]
        if not self.empty:
            blocks.append(self.table())
        return Document(blocks=(*blocks, self.definition))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> object:
        return self._document()._repr_mimebundle_()

    def _repr_html_(self) -> str:
        return self._document().html()

    def __str__(self) -> str:
        return str(self._document())


def _chosen(offered: Mapping[str, Offered], name: str | None, what: str) -> Offered:
    if name is None:
        return next(iter(offered.values()))
    if name not in offered:
        guess = nearest(name, offered)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"There is no {what} named {name!r}.{hint} There are: {', '.join(offered)}."
        )
    return offered[name]
