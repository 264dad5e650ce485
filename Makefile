# Everything by name: `make run`, `make test`, `make check`. On Windows without make see README.md.

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3),python)
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
RUN_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet
SOURCES := src tests benchmarks tools main.py
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal
COVERED := tests/unit/domain tests/unit/application tests/integration/application

export PYTHONPATH := src

.PHONY: run test test-fast check format docs venv lock bench bite clean help

run: $(RUN_STAMP)  ## trade in simulation until Ctrl+C; ARGS="--for 3m" adds options
	$(BIN)/python main.py $(ARGS)

# Measuring coverage doubles the time of what it watches, so it watches the tests of the two layers
# whose coverage is a promise; the others run beside it at full speed.
test: $(DEV_STAMP)  ## the whole test suite, coverage of domain and application measured
	$(PYTEST) $(COVERED) --cov --cov-report=term:skip-covered $(ARGS)
	$(PYTEST) $(addprefix --ignore=,$(COVERED)) $(ARGS)

test-fast: $(DEV_STAMP)  ## unit tests only
	$(BIN)/python -m pytest tests/unit $(ARGS)

check: $(DEV_STAMP)  ## lint, format, types, import contracts, documents
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/unit/house

format: $(DEV_STAMP)  ## let ruff put the sources in order
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

docs: $(DEV_STAMP)  ## write .env.example, the references and the class diagram anew
	$(BIN)/python tools/generate.py

bench: $(DEV_STAMP)  ## run the benchmarks; figures belong into docs/reference/performance.md
	$(BIN)/python benchmarks/run_all.py $(ARGS)

bite: $(DEV_STAMP)  ## plant one defect at a time: does the fault simulation find it?
	$(BIN)/python tools/bite.py $(ARGS)

venv: $(DEV_STAMP)  ## make .venv with everything pinned, for development

lock:  ## pin requirements*.in into requirements*.txt with hashes (needs uv)
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt

clean:  ## remove what was made, but never the data folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1: /'

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.txt | $(BIN)/pip
	$(INSTALL) -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(RUN_STAMP)
	$(INSTALL) -r requirements-dev.txt
	@touch $@
