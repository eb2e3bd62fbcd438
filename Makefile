# Everything runs in .venv with the versions of constraints.txt. `make` alone lists the targets.
#   make search ARGS="--recipes devlin,stable --seeds 3"
#   make test ARGS="-k spaces"
PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --constraint constraints.txt
LOWEST := build/lowest

.DEFAULT_GOAL := help
.PHONY: help search test test-all test-lowest lint clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

search: $(VENV)/.installed ## run a study of the wide search space; ARGS go to tune_stability.search
	$(BIN)/python -m tune_stability.search --space wide $(ARGS)

test: $(VENV)/.installed-test $(if $(CI),$(VENV)/.installed-minilm) ## run the tests that are quick (in CI, all of them); ARGS go to pytest
	$(BIN)/python -m pytest $(if $(CI),--cov -n 2 --dist loadfile,-m "not slow") $(ARGS)

test-all: $(VENV)/.installed-test $(VENV)/.installed-minilm ## run every test and measure coverage
	$(BIN)/python -m pytest --cov $(ARGS)

# Old versions warn of what newer ones have settled, so here a warning is no error.
test-lowest: $(LOWEST)/.installed ## run the quick tests on the lowest versions that pyproject.toml allows
	$(LOWEST)/bin/python -m pytest -W default -m "not slow" $(ARGS)

lint: $(VENV)/.installed-dev ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean: ## remove what builds and checks leave; .venv and results/ stay
	rm -rf build dist .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache
	find tune_stability tests experiments -name __pycache__ -prune -exec rm -rf {} +

define CHECK_PYTHON
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	echo "tune_stability needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	     "Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
endef

# pip is what `python -m venv` writes last, so a half-made environment is made again.
$(BIN)/pip:
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)

# torch goes first and alone: at its pin, before anything else can ask for another build of it.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) torch
	$(PIP) --editable .
	touch $@

# By name, not by path: pip finds the package installed and adds only what the extra lacks.
$(VENV)/.installed-%: $(VENV)/.installed
	$(PIP) "tune-stability[$*]"
	touch $@

define LOWEST_PINS
import re, tomllib
for bound in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]:
    print(re.sub(r"(\[.*\])?>=([^,]+),.*", r"==\2", bound))
endef
export LOWEST_PINS

$(LOWEST)/.installed: pyproject.toml
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -c "$$LOWEST_PINS" > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --constraint $(LOWEST)/constraints.txt torch
	$(LOWEST)/bin/python -m pip install --constraint $(LOWEST)/constraints.txt --editable ".[test]"
	touch $@
