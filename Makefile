# make report   installs, makes the demo firm, runs the notebooks, writes the reports
# make test     installs, runs the tests
# More: conformance lab lint bench lock audit licences clean

PYTHON ?= python3
BOOK ?= crmkit.toml
BIN := .venv/bin
CRMKIT := $(BIN)/crmkit

# Without compiled bytecode every kernel starts two to three times slower.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install report test conformance lab lint bench lock audit licences clean

help:
	@sed -n '1,3s/^# //p' Makefile

# One stamp for each set of packages; a changed lock file installs again.
define install_from
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "crmkit needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
		test -x $(BIN)/python || uv venv -q --python $(PYTHON) .venv; \
		uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r $(1) && \
		uv pip install -q --python $(BIN)/python --no-deps -e . ; \
	else \
		test -x $(BIN)/python || $(PYTHON) -m venv .venv; \
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1) && \
		$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e . ; \
	fi
	@$(BIN)/python -m compileall -q crmkit
	@touch $@
endef

.venv/.run: locks/run.txt pyproject.toml
	@echo "Installing crmkit into .venv (a minute or two the first time)"
	$(call install_from,locks/run.txt)

.venv/.dev: locks/dev.txt .venv/.run
	@echo "Installing what the tests need"
	$(call install_from,locks/dev.txt)

.venv/.all: locks/all.txt .venv/.dev
	@echo "Installing PySpark, ClickHouse and numba"
	$(call install_from,locks/all.txt)

install: .venv/.run

# The demo firm and its book, made from its exports as every firm's is.
data/store/demo/ledger.json: .venv/.run crmkit.toml
	@test -f data/demo/truth.json || $(CRMKIT) simulate --preset demo --out data/demo
	$(CRMKIT) import crmkit.toml

report: .venv/.run data/store/demo/ledger.json
	$(CRMKIT) report $(BOOK) --language en --language zh

test: .venv/.dev
	$(BIN)/python -m pytest -q -n 2
	$(BIN)/python -m pytest -q -m notebook -n 2 --dist loadfile

conformance: .venv/.all
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "spark or clickhouse or match" tests/conformance
	$(BIN)/python -m pytest -q tests/simulate/test_dialer_engines.py

lab: .venv/.run data/store/demo/ledger.json
	$(BIN)/jupyter lab notebooks

lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/.dev
	@for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

# The versions that everyone gets; run after changing the dependencies in pyproject.toml.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		pyproject.toml -o locks/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		pyproject.toml --extra dev -c locks/run.txt -o locks/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		pyproject.toml --extra dev --extra spark --extra fast --extra match --extra peers -c locks/dev.txt -o locks/all.txt

# Known faults of the locked packages; fails where the service of faults cannot be asked.
audit:
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install -q --disable-pip-version-check pip-audit
	.venv/audit/bin/pip-audit -r locks/run.txt --no-deps --disable-pip --strict

# The table of licences; run after locking and installing.
licences: .venv/.run
	$(BIN)/python locks/licences.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf data/demo/*.parquet data/demo/*.json data/demo/*.toml data/demo/raw data/store/demo
	rm -rf reports/site reports/.builds reports/lists
