# Two commands: `make search` and `make test`. Each sets up what it lacks, once.

# A Python that fits: PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
  "$$p" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 \
  && { command -v "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Compiling to bytecode afterwards, on all cores and without the libraries' own tests, is twice as
# fast as pip's way.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check -q install --no-compile -c constraints.txt
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib >/dev/null 2>&1 || true
# The trainer's functions, once; else the first study would do it.
TRAINER := $(BIN)/python -c 'from models.compiled.warm_up import warm_up; warm_up()' >/dev/null 2>&1 || true
WORKERS ?= 2

.PHONY: search test test-all fuzz lint types check venv dev docs docs-serve reference bench bench-full chaos pictures dist clean

search: venv
	@$(BIN)/trialbook search

test: dev
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(ARGS)

test-all: dev
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# Tries what users may get wrong for ten minutes; ARGS="-k spool" some of it.
fuzz: dev
	@TRIALBOOK_FUZZ=minutes $(BIN)/python -m pytest tests/fuzz $(ARGS)

lint: dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: dev
	@$(BIN)/mypy

check: lint types test

venv: $(VENV)/.installed
dev: $(VENV)/.installed-dev

# The documentation site, into site/; a broken link ends it.
docs: $(VENV)/.installed-docs
	@$(BIN)/python docs/tools/site_builder.py

docs-serve: $(VENV)/.installed-docs
	@$(BIN)/python docs/tools/site_builder.py serve

# The pages that are written from the code: commands and settings.
reference: venv
	@$(BIN)/python docs/tools/reference.py

# What docs/performance.md quotes and takes minutes; NAMES="epoch seeds" runs some of them.
bench: $(VENV)/.installed-bench
	@$(BIN)/python benchmarks/everything.py $(NAMES)

# Kills studies in many ways and counts what is lost: about two hours on two cores, and each scenario
# has a time within which it must end; ARGS="--only seams" runs some of it.
chaos: dev
	@$(BIN)/python benchmarks/chaos.py $(ARGS)

bench-full: $(VENV)/.installed-bench
	@$(BIN)/python benchmarks/everything.py full

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Trialbook needs Python 3.11, 3.12 or 3.13 with venv, but found none. Install one (on Debian: python3-venv), or name it: make PYTHON=/path/to/python" >&2; exit 2; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Trialbook and its libraries into $(VENV); this takes a minute or three, once"
	@$(INSTALL) -e ".[samples]"
	@$(COMPILE)
	@$(TRAINER)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Trialbook, its libraries and the tools for tests into $(VENV); this takes a minute or three, once"
	@$(INSTALL) -e ".[samples,dev]"
	@$(COMPILE)
	@$(TRAINER)
	@touch $(VENV)/.installed $@

$(VENV)/.installed-bench: $(VENV)/.installed
	@$(INSTALL) -e ".[samples,bench]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	@$(INSTALL) -e ".[samples,docs]"
	@touch $@

# The README's pictures, of the default study as it is now; needs Chromium.
pictures: dev
	@$(BIN)/python docs/tools/pictures.py $(ARGS)

# A source distribution and a wheel in dist/; TRIALBOOK_REPOSITORY=https://... is what they link to.
dist: dev
	@$(BIN)/python -c 'from setuptools import build_meta as b; b.build_sdist("dist"); b.build_wheel("dist")' >/dev/null
	@ls dist

clean:
	rm -rf $(VENV) build dist site .cache *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
