"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit import text


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("CRMKIT_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the folder of real data sets is not here")
    return folder


@pytest.fixture(autouse=True)
def english_reader() -> Iterator[None]:
    """Every test starts with the default reader, and leaves it to the examples that follow."""
    text.set_reader()
    yield
    text.set_reader()
