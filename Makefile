# make demo: the console on an embedded PostgreSQL with live load. make test: everything that CI runs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench snapshots clean

demo: $(VENV)/.demo
	@$(BIN)/dbconsole demo

test: $(VENV)/.dev
	@$(BIN)/python tests/system_packages.py
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.dev
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.dev
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt '.[bench]'
	@$(BIN)/python -m tests.bench

snapshots: $(VENV)/.dev
	@$(BIN)/python -m pytest tests/snapshots --snapshot-update

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up (once) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up for tests (once) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo

clean:
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
