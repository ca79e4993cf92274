"""A file's bytes as UTF-8 text with one kind of line end, whatever it was written in."""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import IO, Any

from crmkit.errors import InputError

__all__ = ["MARK", "Reader", "guess_encoding"]

MARK = "\ufffd"
"""Stands before each byte that is no text, where such bytes are marked and not refused."""

_CHUNK = 8 << 20
_SAMPLE = 1 << 20
_BOM = codecs.BOM_UTF8
_CANDIDATES = ("utf-8", "gb18030", "big5", "cp1252", "latin-1")
_ENOUGH = 12  # so many characters beyond ASCII are not valid UTF-8 by chance
_FEW = 20  # so many bytes that are no text are damage; more, and more than 1 % of lines, are not


def guess_encoding(sample: bytes) -> str:
    """The first common encoding in which the bytes are text.

    >>> guess_encoding("订单号,金额".encode("gb18030"))
    'gb18030'
    """
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return next(name for name in _CANDIDATES if _readable(sample, name))


def _readable(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return False
    return True


class Reader:
    """Reads a file once, in chunks: `chunks()` gives UTF-8 bytes whose lines end in one newline.

    Afterwards `sha256` is that of the file as it lies there, and `plain` tells whether the chunks
    were the file's own bytes, so that it can be read again in place. A file that is `mended` may
    hold a few bytes that are no text, as logs do after a crash: each is written as MARK and its
    number, and `marked` counts them.
    """

    def __init__(
        self, path: Path, encoding: str, advance: Callable[[int], None], *, mended: bool = False
    ) -> None:
        self.path = path
        self.encoding = codecs.lookup(encoding).name
        self.marked = 0
        self._mended = mended
        self.plain = not path.name.lower().endswith(".gz") and self.encoding == "utf-8"
        self._digest = hashlib.sha256()
        self._advance = advance

    @property
    def sha256(self) -> str:
        """The fingerprint of the file, once it is read."""
        return self._digest.hexdigest()

    def chunks(self) -> Generator[bytes, None, None]:
        """The text of the file.

        Raises: InputError for bytes that are not text in this encoding, naming the place and an
        encoding that would do; and for a broken gzip file.
        """
        held = b""
        for chunk in self._named(self._text()):
            text = held + chunk
            held = b"\r" if text.endswith(b"\r") else b""
            if b"\r" in text:
                self.plain = False
                text = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            yield text
        if held:
            yield b"\n"

    def _named(self, text: Iterator[bytes]) -> Iterator[bytes]:
        """The text; what a codec raises without saying where gets the file's name."""
        try:
            yield from text
        except UnicodeError as error:
            raise InputError(
                f"{self.path} is not {self.encoding} text: {error}. Set another encoding."
            ) from None

    def _text(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        read = lines = 0
        for chunk in self._bytes():
            first = read == 0
            if first:
                self._check_sample(chunk[:_SAMPLE])
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(chunk)
                utf8 = chunk if self.encoding == "utf-8" else text.encode("utf-8")
            except UnicodeDecodeError as error:
                fault = self._undecodable(error, read - len(pending), lines)
                decoder.setstate((pending, 0))
                utf8 = self._marked(decoder, chunk, lines, fault)
            read += len(chunk)
            if first and utf8.startswith(_BOM):
                self.plain, utf8 = False, utf8.removeprefix(_BOM)
            lines += utf8.count(b"\n")
            yield utf8
        pending = decoder.getstate()[0]
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            fault = self._undecodable(error, read - len(pending), lines)
            decoder.setstate((pending, 0))
            yield self._marked(decoder, b"", lines, fault, final=True)

    def _marked(
        self,
        decoder: codecs.IncrementalDecoder,
        chunk: bytes,
        lines: int,
        fault: InputError,
        *,
        final: bool = False,
    ) -> bytes:
        """The text of a chunk with its bad bytes marked; refused where they are too many."""
        if not self._mended:
            raise fault
        decoder.errors = _MARKING
        text = decoder.decode(chunk, final=final)
        decoder.errors = "strict"
        self.plain = False
        self.marked += text.count(MARK)
        if self.marked > max(_FEW, (lines + text.count("\n")) / 100):
            raise fault
        return text.encode("utf-8")

    def _bytes(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as raw, self._opened(raw) as file:
                before = 0
                while chunk := file.read(_CHUNK):
                    self._advance(raw.tell() - before)
                    before = raw.tell()
                    yield chunk
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{self.path} is not a whole gzip file: {error}.") from None
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror or error}.") from None

    def _opened(self, raw: IO[bytes]) -> IO[bytes]:
        hashed: Any = _Hashed(raw, self._digest)
        if self.path.name.lower().endswith(".gz"):
            return gzip.GzipFile(fileobj=hashed, mode="rb")  # type: ignore[return-value]
        return hashed  # type: ignore[no-any-return]

    def _check_sample(self, sample: bytes) -> None:
        """Text in UTF-8 is readable in many encodings, as nonsense; that must not pass."""
        if self.encoding in ("utf-8", "utf-8-sig", "ascii") or not _readable(sample, "utf-8"):
            return
        text = codecs.getincrementaldecoder("utf-8")().decode(sample)
        if sum(not letter.isascii() for letter in text) >= _ENOUGH:
            raise InputError(
                f"{self.path} is UTF-8, but its encoding is set as {self.encoding!r}. "
                'Set encoding = "utf-8".'
            )

    def _undecodable(self, error: UnicodeDecodeError, start: int, lines: int) -> InputError:
        at = start + error.start
        line = lines + error.object[: error.start].count(b"\n") + 1
        guess = guess_encoding(error.object[:_SAMPLE] + error.object[error.start :][:_SAMPLE])
        return InputError(
            f"{self.path} is not {self.encoding} text: byte {at}, line {line}. "
            f'It can be read as {guess}: set encoding = "{guess}" for this table.'
        )


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(f"{MARK}\\x{byte:02x}" for byte in bad), error.end


_MARKING = "crmkit-mark"
codecs.register_error(_MARKING, _mark)


class _Hashed:
    """A file that adds what is read from it to a digest."""

    def __init__(self, file: IO[bytes], digest: Any) -> None:
        self._file, self._digest = file, digest

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data

    def __enter__(self) -> "_Hashed":
        return self

    def __exit__(self, *_: object) -> None:
        return None
