"""Coverage-guided fuzzing of what reads text: needs `pip install atheris`; not part of the tests.

python benchmarks/fuzz_readers.py settings|text -max_total_time=300
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["crmkit", "tomllib"]):
    from crmkit.errors import CrmkitError
    from crmkit.imports.decoding import Reader
    from crmkit.imports.phones import e164
    from crmkit.settings import read_settings

FOLDER = Path(tempfile.mkdtemp())


def settings(data: bytes) -> None:
    """Any bytes as crmkit.toml."""
    (FOLDER / "crmkit.toml").write_bytes(data)
    with contextlib.suppress(CrmkitError):
        read_settings(FOLDER)


def text(data: bytes) -> None:
    """Any bytes as a text file in any encoding, and as a telephone number."""
    given = atheris.FuzzedDataProvider(data)
    encoding = given.PickValueInList(["utf-8", "gb18030", "utf-16", "cp1252"])
    path = FOLDER / given.PickValueInList(["f.csv", "f.csv.gz"])
    path.write_bytes(given.ConsumeBytes(2000))
    try:
        for _ in Reader(path, encoding, lambda _: None).chunks():
            pass
    except CrmkitError:
        pass
    e164(given.ConsumeUnicodeNoSurrogates(40), "CN")


if __name__ == "__main__":
    target = {"settings": settings, "text": text}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
