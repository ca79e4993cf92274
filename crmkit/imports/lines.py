"""The records of a delimited file: which lines are sound, and which are not and why.

DuckDB reads records fast, but gives no line numbers, and one broken quote costs it the rest of the
file. So the bytes are looked through once before: numpy counts the separators of each record; lines
that are no record are set aside, and reading goes on with the next line. A file that needs no
change is then read in place, any other from a tidied copy.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from crmkit.imports.decoding import Reader
from crmkit.text import message

__all__ = ["Copy", "Reject", "Tidied", "lines_of", "tidied"]

BROKEN_QUOTE = message("a quote stands open or in the wrong place")
TOO_FEW = message("fewer columns than the header")
TOO_MANY = message("more columns than the header")
TOO_LONG = message("a line longer than 1 MB")

_LONGEST = 1 << 20  # bytes of a record; a quote open for longer was never closed
_PIECE = 256 << 10  # bytes looked at together; what a misplaced quote makes slow
_QUOTE, _NEWLINE = ord('"'), ord("\n")
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reject:
    """A line that is no record."""

    line: int
    reason: str
    text: str


@dataclass
class Tidied:
    """What was found: header, number of sound records, lines set aside, and where lines jump.

    `jumps` are pairs (record, line), both ascending: from that record on, lines follow one another
    until the next pair. `skip` is the number of lines before the first record.
    """

    header: list[str]
    skip: int
    mark: str
    rows: int = 0
    rejects: list[Reject] = field(default_factory=list)
    jumps: list[tuple[int, int]] = field(default_factory=list)
    multiline: bool = False

    def jump_to(self, line: int) -> None:
        """Note where the next record lies."""
        if not self.jumps or line - self.rows != self.jumps[-1][1] - self.jumps[-1][0]:
            self.jumps.append((self.rows, line))

    def jump(self, rows: Places, lines: Places) -> None:
        """Note where the next records lie."""
        shift = lines - rows
        moved = np.flatnonzero(np.diff(shift, prepend=shift[0]))
        self.jump_to(int(lines[0]))
        self.jumps += [(int(rows[i]), int(lines[i])) for i in moved]


class Copy:
    """The tidied copy, written only from the first byte that differs from the original."""

    def __init__(self, target: Path, original: Path | None) -> None:
        self.target, self._original = target, original
        self._start = self._same = 0
        self._file: IO[bytes] | None = None if original else target.open("wb")

    @property
    def made(self) -> bool:
        """Whether there is a copy; otherwise the original is sound as it is."""
        return self._file is not None

    def begin(self, start: int) -> None:
        """Tell how many bytes of the original lie before the first record."""
        self._start = start

    def same(self, data: bytes) -> None:
        """Take bytes that stand so in the original, next to those before."""
        if self._file is None:
            self._same += len(data)
        else:
            self._file.write(data)

    def changed(self, data: bytes) -> None:
        """Take bytes that differ from the original, or end a stretch of it that is left out."""
        if self._file is None:
            self._file = self.target.open("wb")
            self._backfill(self._file)
        self._file.write(data)

    def _backfill(self, file: IO[bytes]) -> None:
        if self._original is None:
            return
        with self._original.open("rb") as source:
            source.seek(self._start)
            left = self._same
            while left and (data := source.read(min(left, 1 << 20))):
                file.write(data)
                left -= len(data)

    def close(self) -> None:
        """Finish the copy."""
        if self._file is not None:
            self._file.close()


def tidied(reader: Reader, copy: Copy, *, header: int, delimiter: str | None) -> Tidied:
    """Look through a file's text and write the copy that DuckDB reads.

    Parameters: `reader` of the file; `header`, the line that names the columns, from 1;
    `delimiter`, or None to take the commonest of , ; tab | in the header.
    Returns: `Tidied`; its header is empty where the file has no such line.
    """
    chunks = reader.chunks()
    with closing(copy), closing(chunks):
        result, rest = _headed(chunks, copy, header, delimiter)
        records = _Records(result, copy)
        for text in itertools.chain([rest], chunks):
            if not reader.plain:
                copy.changed(b"")
            for at in range(0, len(text), _PIECE):
                records.take(text[at : at + _PIECE])
        records.finish()
    return result


def _headed(
    chunks: Iterator[bytes], copy: Copy, header: int, delimiter: str | None
) -> tuple[Tidied, bytes]:
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        if buffer.count(b"\n") >= header:
            break
    *above, rest = [*buffer.split(b"\n", header), b""][: header + 1]
    copy.begin(len(buffer) - len(rest))
    head = above[-1] if len(above) == header else b""
    skip = header
    while head.count(b'"') % 2 and b"\n" in rest:  # a name of two lines
        more, rest = rest.split(b"\n", 1)
        head += b"\n" + more
        skip += 1
        copy.changed(b"")
    text = head.decode("utf-8")
    mark = delimiter or max(",;\t|", key=text.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    return Tidied(next(rows, []) if text.strip() else [], skip, mark), rest


class _Records:
    """Cuts text into records, block by block, and keeps count of lines."""

    def __init__(self, result: Tidied, copy: Copy) -> None:
        self._result, self._copy, self._mark = result, copy, result.mark
        self._width = len(result.header)
        self._line = result.skip + 1
        self._carry = b""
        m = re.escape(result.mark).encode()
        cell = rb'(?:"(?:[^"]++|"")*+"|[^"%b\n][^%b\n]*+|)' % (m, m)
        self._record = re.compile(rb"%b(?:%b%b)*+\n" % (cell, m, cell))

    def take(self, chunk: bytes) -> None:
        block = self._carry + chunk
        end = block.rfind(b"\n") + 1
        self._carry = block[end:]
        if end:
            self._carry = self._block(block[:end], final=False) + self._carry

    def finish(self) -> None:
        if self._carry:
            self._copy.changed(b"")
            self._block(self._carry.removesuffix(b"\n") + b"\n", final=True)

    def _block(self, block: bytes, *, final: bool) -> bytes:
        """Work through whole lines; gives back the bytes of a record that is not whole yet."""
        data = np.frombuffer(block, np.uint8)
        newlines = np.flatnonzero(data == _NEWLINE)
        marks = np.flatnonzero(data == ord(self._mark))
        ends = newlines
        if b'"' in block:
            quotes = np.flatnonzero(data == _QUOTE)
            if not _sound(data, quotes, ord(self._mark)):
                return self._by_hand(block, final=final)
            ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
            marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
        whole = int(ends[-1]) + 1 if len(ends) else 0
        if len(block) - whole > _LONGEST or (final and whole < len(block)):
            return self._by_hand(block, final=final)
        if whole:
            self._records(block[:whole], ends, marks, newlines)
        return block[whole:]

    def _records(self, block: bytes, ends: Places, marks: Places, newlines: Places) -> None:
        starts = np.concatenate(([0], ends[:-1] + 1))
        columns = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
        blank, long = starts == ends, ends - starts > _LONGEST
        good = (columns == self._width) & ~blank & ~long
        spread = newlines[newlines <= ends[-1]]
        lines = self._line + np.searchsorted(spread, starts)
        tall = np.diff(np.searchsorted(spread, ends), prepend=-1) > 1
        if (tall & ~good).any():
            self._by_hand(block, final=True)
            return
        self._keep(block, starts, ends, good)
        for i in np.flatnonzero(~good & ~blank):
            reason = self._reason(int(columns[i]), bool(long[i]))
            self._reject(int(lines[i]), reason, block[starts[i] : ends[i]])
        self._number(lines[good])
        self._result.multiline |= bool(tall.any())
        self._line += len(spread)

    def _reason(self, columns: int, long: bool) -> str:
        if long:
            return TOO_LONG
        return TOO_FEW if columns < self._width else TOO_MANY

    def _keep(
        self, block: bytes, starts: Places, ends: Places, good: npt.NDArray[np.bool_]
    ) -> None:
        if good.all():
            self._copy.same(block)
            return
        edges = np.diff(good.astype(np.int8), prepend=0, append=0)
        for first, after in zip(
            np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True
        ):
            if first > 0:
                self._copy.changed(b"")
            self._copy.same(block[starts[first] : ends[after - 1] + 1])
        self._copy.changed(b"")

    def _by_hand(self, block: bytes, *, final: bool) -> bytes:
        """Record by record, for a block in which a quote stands where it should not."""
        self._copy.changed(b"")
        at = 0
        while at < len(block):
            found = self._record.match(block, at, at + _LONGEST)
            if found is None and not final and len(block) - at < _LONGEST:
                break  # the rest of this record may be in the next chunk
            at = self._one(found[0], at) if found else self._line_off(block, at)
        return block[at:]

    def _one(self, record: bytes, at: int) -> int:
        lines = record.count(b"\n")
        cells: list[str] = []
        if record != b"\n":
            text = io.StringIO(record.decode("utf-8"), newline="")
            cells = _cells(text, self._mark)
            if len(cells) == self._width:
                self._copy.changed(_written(cells, self._mark) if b'"' in record else record)
                self._result.jump_to(self._line)
                self._result.rows += 1
                self._result.multiline |= lines > 1
            elif lines > 1:
                return self._line_off(record, 0) + at
            else:
                self._reject(self._line, self._reason(len(cells), False), record[:-1])
        self._line += lines
        return at + len(record)

    def _line_off(self, block: bytes, at: int) -> int:
        end = block.index(b"\n", at)
        reason = BROKEN_QUOTE if end - at <= _LONGEST else TOO_LONG
        self._reject(self._line, reason, block[at:end])
        self._line += 1
        return end + 1

    def _reject(self, line: int, reason: str, text: bytes) -> None:
        self._result.rejects.append(Reject(line, reason, text.decode("utf-8", "replace")))

    def _number(self, lines: Places) -> None:
        if len(lines):
            rows = self._result.rows + np.arange(len(lines))
            self._result.jump(rows, lines)
            self._result.rows += len(lines)


def _cells(record: IO[str], mark: str) -> list[str]:
    try:
        return next(csv.reader(record, delimiter=mark))
    except csv.Error:  # a cell beyond the csv module's own limit
        return []


def _written(cells: list[str], mark: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=mark, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def _sound(data: npt.NDArray[np.uint8], quotes: Places, mark: int) -> bool:
    """Whether each quote opens a cell, closes one, or is doubled inside one."""
    opening, closing = quotes[::2], quotes[1::2]
    before = data[opening[opening > 0] - 1]
    after = data[closing[closing + 1 < len(data)] + 1]
    opens = (before == mark) | (before == _NEWLINE) | (before == _QUOTE)
    closes = (after == mark) | (after == _NEWLINE) | (after == _QUOTE)
    return bool(opens.all() and closes.all())


def lines_of(rows: Places, jumps: list[tuple[int, int]]) -> Places:
    """The lines on which records lie, from the pairs of `Tidied.jumps`."""
    starts, lines = np.array(jumps, np.int64).reshape(-1, 2).T
    nearest = np.searchsorted(starts, rows, side="right") - 1
    return lines[nearest] + rows - starts[nearest]
