# make demo | make run | make test set everything up by themselves; they need Python 3.11+ and make, nothing else.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SEED ?= $(shell date +%j)

.PHONY: help demo run test lint types imports tests format lock clean replay-full wheel campaign-kill soak bench-polling bench-keywords fuzz-feeds fuzz-keywords score

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# --- setting up -------------------------------------------------------------------------------------------------------
define CHECK_PYTHON
import sys
if sys.version_info < (3, 11):
    sys.exit("monitor needs Python 3.11 or newer; this is %s (%s). Choose another: make PYTHON=python3.12 ..." % (sys.version.split()[0], sys.executable))
try:
    import ensurepip, venv
except ImportError:
    sys.exit("Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv (or python%d.%d-venv); then run make again." % sys.version_info[:2])
endef
export CHECK_PYTHON

$(VENV)/run.stamp: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"; exit 1; }
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@echo "setting up $(VENV) from requirements.lock ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@echo "adding what the checks need from requirements-dev.lock ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# --- using it ---------------------------------------------------------------------------------------------------------
demo: $(VENV)/run.stamp  ## play 2 to 11 January 2022 through the real service, in under two minutes
	@$(BIN)/monitor replay config/scenarios/january-2022.yaml --from 2022-01-02 --to 2022-01-11 --as-fast-as-possible --out demo-out

replay-full: $(VENV)/run.stamp  ## play 1 to 20 January 2022
	@$(BIN)/monitor replay config/scenarios/january-2022.yaml --as-fast-as-possible --out demo-out

run: $(VENV)/run.stamp  ## start the service on config/
	@$(BIN)/monitor run --config config

# --- checking it ------------------------------------------------------------------------------------------------------
test: lint types imports tests  ## every check: ruff, mypy, import-linter, pytest

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy

imports: $(VENV)/dev.stamp
	@$(BIN)/lint-imports

tests: $(VENV)/dev.stamp
	@$(BIN)/pytest -n $(WORKERS)

campaign-kill: $(VENV)/run.stamp  ## 200 times kill -9 at random moments of the replay: nothing lost, repeats only with the same id (about 10 minutes)
	@$(BIN)/monitor replay config/scenarios/january-2022.yaml --from 2022-01-04 --to 2022-01-08 --as-fast-as-possible --kills $(or $(KILLS),200) --seed $(SEED) --out demo-out/kills

soak: $(VENV)/run.stamp  ## ten minutes on 300 changing feeds behind a local nginx: memory, pace, status (needs nginx)
	@$(BIN)/python tests/bench/soak.py --minutes $(or $(MINUTES),10) --feeds $(or $(FEEDS),300)

score: $(VENV)/run.stamp  ## what publishers would say: two days of virtual time, restarts, kills and a wrong clock (about a minute; HOURS)
	@$(BIN)/python tests/conformance/score.py --hours $(or $(HOURS),48)

bench-polling: $(VENV)/run.stamp  ## polling against reader, rss2email, newsboat, sfeed, feed2exec on one nginx (half an hour; needs nginx; BENCH="--quick")
	@$(BIN)/python tests/bench/polling $(BENCH)

bench-keywords: $(VENV)/run.stamp  ## what keywords find and miss by corpus and method, and what it costs (three minutes; BENCH="--part kazakh --quick --json")
	@$(BIN)/python tests/bench/keywords $(BENCH)

fuzz-keywords: $(VENV)/run.stamp  ## hostile texts and queries: no crash, spans right, linear growth (3 minutes; MINUTES, SEED)
	@$(BIN)/python tests/bench/fuzz_keywords.py --minutes $(or $(MINUTES),3) --seed $(SEED)

fuzz-feeds: $(VENV)/dev.stamp  ## mutate feeds through split, parse and diff (10 minutes; MINUTES, SEED)
	@$(BIN)/python tests/bench/fuzz_feeds.py --minutes $(or $(MINUTES),10) --seed $(SEED)

format: $(VENV)/dev.stamp  ## let ruff write the code's form
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

# --- for maintainers --------------------------------------------------------------------------------------------------
lock:  ## write the lock files anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group build pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

wheel: $(VENV)/run.stamp  ## build the wheel into dist/
	@$(BIN)/python -m hatchling build -t wheel

clean:  ## remove what make made
	rm -rf $(VENV) dist build demo-out
