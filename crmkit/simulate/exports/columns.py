"""Whole columns as a system writes them: clock times, seconds, telephone numbers, CSV."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

__all__ = ["Clocks", "csv_text", "ordered", "phones", "unique_ids"]

Wholes = npt.NDArray[np.int64]


def ordered(table: pa.Table, by: Sequence[str], columns: Sequence[str]) -> dict[str, pa.Array]:
    """Columns of a table, its rows in the order of others that must tell all rows apart."""
    rows = table.sort_by([(name, "ascending") for name in by])
    return {name: rows[name].combine_chunks() for name in columns}


@dataclass(frozen=True)
class Clocks:
    """Columns of instants as a system in a timezone writes them."""

    timezone: str

    def local(self, at: pa.Array) -> pa.Array:
        """Local date and time to the second; empty where unknown."""
        seconds = pc.cast(pc.floor_temporal(at, unit="second"), pa.timestamp("s"))
        there = pc.local_timestamp(
            pc.cast(pc.assume_timezone(seconds, "UTC"), pa.timestamp("s", tz=self.timezone))
        )
        return pc.fill_null(pc.cast(there, pa.string()), "")

    def hours(self, at: pa.Array) -> Wholes:
        """The offset from UTC in seconds."""
        instants = pc.assume_timezone(at, "UTC")
        there = pc.local_timestamp(pc.cast(instants, pa.timestamp("us", tz=self.timezone)))
        shift = there.to_numpy(zero_copy_only=False) - at.to_numpy(zero_copy_only=False)
        return np.asarray(shift.astype("timedelta64[s]").astype(np.int64))

    @staticmethod
    def epoch(at: pa.Array) -> Wholes:
        """Seconds since 1970; 0 where unknown."""
        micros = pc.fill_null(pc.cast(at, pa.int64()), 0).to_numpy(zero_copy_only=False)
        return np.asarray(micros // 1_000_000)

    def between(self, first: pa.Array, last: pa.Array) -> Wholes:
        """Whole seconds from one clock reading to another; 0 where one is unknown."""
        known = pc.and_(pc.is_valid(first), pc.is_valid(last)).to_numpy(zero_copy_only=False)
        return np.where(known, self.epoch(last) - self.epoch(first), 0)


def unique_ids(started: pa.Array, call_ids: pa.Array) -> pa.Array:
    """The id a switch gives a call: the second it began, and a number."""
    number = pc.cast(pc.cast(pc.utf8_slice_codeunits(call_ids, 1), pa.int64()), pa.string())
    second = pc.cast(pa.array(Clocks.epoch(started)), pa.string())
    return pc.binary_join_element_wise(second, number, ".")


def phones(ids: pa.Array) -> pa.Array:
    """Numbers that stand for ids; 154 was given to no operator."""
    digits = pc.replace_substring_regex(pc.fill_null(ids, ""), "[^0-9]", "")
    last = pc.utf8_lpad(pc.utf8_slice_codeunits(pc.utf8_lpad(digits, 32, "0"), 24), 8, "0")
    return pc.binary_join_element_wise("154", last, "")


def csv_text(columns: Mapping[str, pa.Array | Wholes]) -> str:
    """Columns as CSV with a header; texts are quoted if one of them must be; unknown is empty."""
    sink = io.BytesIO()
    sink.write((",".join(columns) + "\n").encode())
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    texts = [column for column in table.columns if column.type == pa.string()]
    special = any(pc.any(pc.match_substring_regex(t, '[",\r\n]')).as_py() for t in texts)
    style = "needed" if special else "none"
    options = pcsv.WriteOptions(include_header=False, quoting_style=style)
    pcsv.write_csv(table, sink, options)
    return sink.getvalue().decode()
