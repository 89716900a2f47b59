# make demo: the console on an embedded PostgreSQL with live load. make test: everything that CI runs.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt

.PHONY: demo test check bench snapshots clean

demo: $(VENV)/.demo
	@$(BIN)/dbconsole demo

test: $(VENV)/.dev
	@$(BIN)/python tests/system_packages.py
	@$(BIN)/python tests/older_postgres.py
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n 4 --dist loadgroup

check: $(VENV)/.dev
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.bench
	@$(BIN)/python -m tests.bench

snapshots: $(VENV)/.dev
	@$(BIN)/python -m pytest tests/snapshots --snapshot-update

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "dbconsole needs Python 3.11 or newer: none of python3.11, python3.12, python3.13 and python3 is that." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up (once) …"
	@$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up for tests (once) …"
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up for measurements (once) …"
	@$(PIP) -e '.[dev,bench]'
	@touch $@ $(VENV)/.dev $(VENV)/.demo

clean:
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
