# `make` prints what there is.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run link test lint bench torture fuzz screenshots reset lock audit sbom clean

# The Python that makes the virtual environment; everything else runs in that.
PYTHON ?= python3
BIN := .venv/bin

help: ## print these targets
	@echo "Encante. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

setup: ## make the virtual environment, install the requirements and browser libraries
	@$(PYTHON) -m scripts.setup

setup-dev: ## the same, and what the tests and checks need
	@$(PYTHON) -m scripts.setup --dev

run: setup ## set up, start the sandbox and the console, print the link to open (ENCANTE_AWS=aws: use AWS)
	@exec $(BIN)/python -m app.cli run --with-parent

link: setup ## print a fresh link that signs in to the running console
	@$(BIN)/python -m app.cli link

# Consoles are started by the hundred: what Python has compiled is kept, whatever is set outside.
test: export PYTHONDONTWRITEBYTECODE :=
test: setup-dev ## set up, then all checks and all tests (what CI runs)
	@$(BIN)/python -m scripts.chromium
	@$(BIN)/python -m scripts.postgres
	@$(MAKE) --no-print-directory lint
# hundreds of processes would compile the same modules where keeping them is switched off
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: setup-dev ## ruff (lint and format) and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup-dev ## measure list pages, page weight and API calls
	@$(BIN)/python -m scripts.postgres
	@$(BIN)/python -m tests.bench

torture: setup-dev ## kill a thousand processes on each database, and worse; count what was published
	@$(BIN)/python -m scripts.postgres
	@$(BIN)/python -m tests.torture

fuzz: setup-dev ## send 20,000 requests that no browser would send; none may break anything
	@$(BIN)/python -m tests.fuzz

screenshots: setup-dev ## take the README's screenshots
	@$(BIN)/python -m scripts.chromium
	@$(BIN)/python -m scripts.screenshots

reset: setup ## forget the sandbox's account and the console's sandbox database
	@$(BIN)/python -m app.cli reset

lock: setup-dev ## lock the requirements and browser libraries anew (needs uv and npm)
	@sh scripts/lock.sh

audit: setup-dev ## look for known vulnerabilities (asks the network) and risky code
	@$(BIN)/python -m scripts.audit

sbom: setup-dev ## write the bill of materials (CycloneDX) to dist/
	@$(BIN)/python -m scripts.sbom

clean: ## delete what set-up made (not the data)
	rm -rf .venv .venv-node node_modules static/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis
