# Every command of the project. Needs git, make and Python 3.11 or newer; the rest goes into .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?=
SEEDS ?= 200
KILLS ?= 20
ARGS ?=
UV_VERSION := 0.13.9

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEV := .venv/.dev-stamp
RUN := .venv/.run-stamp
LIBRARIES := src/outdial/dashboard/vendor/from.sha256

# An environment whose interpreter has gone (an upgrade, a removed version) is set up anew.
IGNORED := $(shell test -x $(BIN)/python || rm -f $(BIN)/python $(RUN) $(DEV))

.PHONY: help demo test check format bench bench-api bench-asterisk bench-pacing bench-store sim crash docs lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(RUN) $(LIBRARIES) ## run a simulated campaign; ARGS="--seconds 30" goes to the command
	@$(BIN)/outdial demo $(ARGS)

test: check $(LIBRARIES) ## everything: format, lint, types, then all tests
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

check: $(DEV) ## format, lint and types, without tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(DEV) ## put the tree into the format that check wants
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(DEV) ## measure the core
	@$(BIN)/python -m bench $(ARGS)

bench-api: $(DEV) ## measure what 200 dashboards and 1,000 agent pages cost the dialer, 3 minutes
	@$(BIN)/python -m bench api $(ARGS)

bench-asterisk: $(DEV) ## measure the whole dialer on real Asterisk servers and on fakes, 4 minutes
	@$(BIN)/python -m bench asterisk $(ARGS)

bench-pacing: $(DEV) ## measure pacing and ports against goals, others and optimum, 1½ hours on 2 cores; ARGS="grid --agents 10"
	@$(BIN)/python -m bench.pacing $(ARGS)

bench-store: $(DEV) ## measure both databases: imports, claims, attempts, memory; ARGS="--records 10000000"
	@$(BIN)/python -m bench.store --all $(ARGS)

sim: $(RUN) ## simulate SEEDS random worlds (default 200) and check every step
	@$(BIN)/python -m outdial.sim.run --seeds $(SEEDS) $(ARGS)

crash: $(DEV) ## kill a dialer KILLS times (default 20), start it again, compare the database with the callees
	@$(BIN)/python tests/crash/kills.py --kills $(KILLS) $(ARGS)

docs: $(RUN) ## write the generated reference pages anew
	@$(BIN)/python docs/build.py

# --- environment -----------------------------------------------------------------------------

# pip refuses `-e .` together with --require-hashes, hence two commands. The build backend comes
# from a hashed lock as well, so nothing is fetched outside the locks.
EDITABLE := $(PIP) install --no-deps --no-build-isolation -e .

$(RUN): $(BIN)/python requirements.lock requirements-build.lock pyproject.toml
	@echo "Setting up .venv ..." >&2
	@$(PIP) install --require-hashes -r requirements.lock -r requirements-build.lock
	@$(EDITABLE)
	@touch $@

# The development lock holds everything in the other two, so this satisfies $(RUN) as well.
$(DEV): $(BIN)/python requirements-dev.lock requirements.lock requirements-build.lock pyproject.toml
	@echo "Setting up .venv with the development tools ..." >&2
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(EDITABLE)
	@touch $(RUN) $@

# The browser libraries of the dashboard, from npm. Without them everything but the dashboard works, so a machine that
# cannot fetch them goes on, and tries again the next time.
$(LIBRARIES): browser/package-lock.json browser/libraries.py | $(BIN)/python
	@$(BIN)/python browser/libraries.py --if-possible
	@test ! -e $@ || touch $@

$(BIN)/python:
	@found=; no_venv=; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if "$$python" -c 'import venv, ensurepip' 2>/dev/null; then found=$$python; break; fi; \
	    no_venv=$$python; \
	done; \
	if [ -n "$$found" ]; then \
	    trap 'rm -rf .venv; exit 130' INT TERM; \
	    "$$found" -m venv --clear .venv && exit 0; \
	    rm -rf .venv; exit 1; \
	fi; \
	if [ -n "$$no_venv" ]; then \
	    echo "outdial: $$no_venv cannot make virtual environments (module venv or ensurepip is missing)." >&2; \
	    echo "         On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	else \
	    echo "outdial: needs Python 3.11 or newer, and found none." >&2; \
	    echo "         Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	fi; \
	exit 1

# --- locks -----------------------------------------------------------------------------------

# Versions stay as they are unless pyproject.toml asks for others; UPGRADE=1 takes the newest.
COMPILE = .cache/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url $(if $(UPGRADE),--upgrade)

lock: $(BIN)/python ## pin the versions anew after a change in pyproject.toml; UPGRADE=1 takes the newest
	@test -x .cache/uv/bin/uv || $(BIN)/python -m venv .cache/uv
	@.cache/uv/bin/python -m pip install --disable-pip-version-check --quiet uv==$(UV_VERSION)
	$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock
	$(COMPILE) pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(COMPILE) --group build -c requirements-dev.lock -o requirements-build.lock
	$(COMPILE) --group node -o requirements-node.lock
	@echo "The browser libraries: change browser/package.json, then (cd browser && npm install --package-lock-only)"

clean: ## remove .venv, caches and build artefacts
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	rm -rf browser/node_modules src/outdial/dashboard/vendor
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
