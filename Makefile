# Every target makes its own virtual environment first; Python >= 3.11, g++, make and perl are all it needs.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# The official MLPerf Tiny models; tests that use them are skipped where they are not (and fail where CI is true).
export HWQ_MLPERF_TINY ?= $(abspath ../shared/mlperf_tiny)

.PHONY: help demo test lint bench resources studies proof golden clean

help:
	@echo "make demo       a trained network all the way to Verilog that matches, in under a minute"
	@echo "make test       the tests and the linters"
	@echo "make lint       the linters alone"
	@echo "make bench      speed of the emulator beside its peers, in one run"
	@echo "make resources  cells of an ECP5 that the shipped projects take, by Yosys (ten minutes)"
	@echo "make studies    accuracy against accumulator bits, and the plots and tables of the guide (minutes)"
	@echo "make proof      the long proofs (hours)"
	@echo "make golden     emit the Verilog in rtl/golden anew, after a change of the hardware"

# The core alone is enough for the demo.
$(VENV)/.core: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hwq needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.core
	$(BIN)/hwq demo

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

resources: $(VENV)/.dev
	$(BIN)/python -m tests.bench.resources

studies: $(VENV)/.dev
	$(BIN)/python -m tests.docs.studies
	$(BIN)/python -m tests.docs.tables

proof: $(VENV)/.dev
	$(BIN)/python -m pytest -m proof -n auto

golden: $(VENV)/.dev
	$(BIN)/python -m tests.golden

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
