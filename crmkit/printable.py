"""Words of other people made fit to be shown: nothing in them moves, hides or breaks the rest.

A name from an export may hold control characters, marks that turn the direction of reading, or a
megabyte of text. Tables of the book keep it as it is; pages and charts show this.
"""

import re

__all__ = ["cut", "printable"]

_SUBSTITUTE = "\ufffd"
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, which XML forbids and terminals obey
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turns of direction
    "\ud800-\udfff\ufffe\uffff]"  # no characters at all
)
_BREAKS = re.compile("[\u2028\u2029]")
_MARKS = re.compile("([\u0300-\u036f]{2})[\u0300-\u036f]+")


def printable(words: str) -> str:
    """The words with a substitute for what cannot be shown, and no tower of accents.

    >>> printable("a" + chr(27) + "[31mb"), printable("abc" + chr(0x202E) + "gnp.exe")
    ('a�[31mb', 'abc�gnp.exe')
    """
    if words.isascii() and words.isprintable():
        return words
    return _MARKS.sub(r"\1", _BREAKS.sub(" ", _UNSEEN.sub(_SUBSTITUTE, words)))


def cut(words: str, longest: int) -> str:
    """The words, or their beginning and an ellipsis where they are longer than `longest`.

    >>> cut("short", 8), cut("rather long", 8)
    ('short', 'rather …')
    """
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
