"""One table on every engine: `on_engine` runs each test on DuckDB and on PySpark."""

import importlib.util
import itertools
import shutil
import warnings

import ibis
import pandas as pd
import pyarrow as pa
import pytest

ENGINES = ["duckdb", pytest.param("pyspark", marks=pytest.mark.spark)]

# PySpark 4 warns on pandas 3 and leaves sockets to the garbage collector; neither is ours.
_NOT_OURS = [
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("spark"):
            for mark in _NOT_OURS:
                item.add_marker(mark)


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """An ibis backend on PySpark in local mode; skipped where PySpark or Java is absent."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed (extra: spark)")
    if shutil.which("java") is None:
        pytest.skip("PySpark needs Java, and there is none on the PATH")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local[2]")
            .appName("crmkit-conformance")
            .config("spark.sql.shuffle.partitions", 2)
            # Compiling a plan takes longer than interpreting it on so few rows.
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield ibis.pyspark.connect(session)
        session.stop()


@pytest.fixture(params=ENGINES)
def engine(request):
    """The name of the engine that the test runs on."""
    return request.param


_names = (f"table_{k}" for k in itertools.count())


def _arrow(data, schema):
    wanted = ibis.schema(schema)
    if isinstance(data, pa.Table):
        return data.select(wanted.names).cast(wanted.to_pyarrow())
    return ibis.memtable(pd.DataFrame(data)[list(wanted.names)], schema=wanted).to_pyarrow()


def _on_spark(connection, rows):
    name = next(_names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        connection._session.createDataFrame(rows).createOrReplaceTempView(name)
    return connection.table(name)


@pytest.fixture
def on_engine(engine, request):
    """A function (data, schema) -> ibis table on the engine of this test.

    `data` is a frame, a dict of columns or an Arrow table; `schema` maps names to ibis types.
    """
    if engine == "duckdb":
        return lambda data, schema: ibis.memtable(_arrow(data, schema))
    spark = request.getfixturevalue("spark")
    return lambda data, schema: _on_spark(spark, _arrow(data, schema))


@pytest.fixture
def on_both(spark):
    """A function (data, schema) -> (table on DuckDB, the same table on PySpark)."""

    def placed(data, schema):
        rows = _arrow(data, schema)
        return ibis.memtable(rows), _on_spark(spark, rows)

    return placed
