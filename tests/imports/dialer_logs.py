"""Logs of diallers written by hand, and what their import gives."""

import pandas as pd

from crmkit.imports import import_tables
from crmkit.settings import read_settings

ZONE = "Asia/Shanghai"


def imported(folder, kind, *, zone=ZONE, **more):
    """Import the logs in a folder of that name; gives the ledger and a reader of tables."""
    extra = "".join(f"{key} = {value}\n" for key, value in more.items())
    toml = folder / f"{kind}.toml"
    toml.write_text(
        f'[book]\nname = "Floor"\ntimezone = "{zone}"\ncurrency = "CNY"\nstore = "of_{kind}"\n'
        f'[[dialers]]\nformat = "{kind}"\nfolder = "{kind}"\n{extra}',
        encoding="utf-8",
    )
    report = import_tables(read_settings(toml))

    def read(name):
        frame = pd.read_parquet(folder / f"of_{kind}" / f"{name}.parquet")
        texts = [c for c in frame if pd.api.types.is_string_dtype(frame[c])]
        return frame.assign(
            **{c: frame[c].astype(object).where(frame[c].notna(), None) for c in texts}
        )

    return report, read


def refused(folder, kind, table):
    path = folder / f"of_{kind}" / "quarantine" / f"{table}.csv"
    return pd.read_csv(path)[["line", "reason"]].to_numpy().tolist()


LOG = (
    "uniqueid,lead_id,list_id,campaign_id,call_date,start_epoch,end_epoch,length_in_sec,status,"
    "user,term_reason,called_count"
)
AGENT = (
    "user,event_time,campaign_id,pause_epoch,pause_sec,wait_epoch,wait_sec,talk_epoch,talk_sec,"
    "dispo_epoch,dispo_sec,dead_epoch,dead_sec,status,sub_status,uniqueid"
)
T = 1_741_000_000  # 2025-03-03 11:06:40 UTC


def write(folder, kind, **files):
    (folder / kind).mkdir(exist_ok=True)
    for name, lines in files.items():
        path = folder / kind / name.replace("__", ".")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def cdr(unique, start, answer, end, disposition, channel="SIP/T1-0000ab", dst="", linked=""):
    cells = ["C", "4001", "13800000000", "outbound", '"x" <x>', channel, dst, "Dial", "d"]
    cells += [start, answer, end, "9", "9", disposition, "3", unique, "rec", linked]
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def queue(*events):
    return [f"{T + second}|{'|'.join(rest)}" for second, *rest in events]


def states_of(read):
    states = read("agent_states")
    begin = (states.started_at - pd.Timestamp(T, unit="s")).dt.total_seconds()
    lasts = (states.ended_at - states.started_at).dt.total_seconds()
    lasts = [None if pd.isna(value) else value for value in lasts]
    return list(zip(states.agent_id, states.state, states.reason, begin, lasts, strict=True))
