# `make run` and `make test` set up whatever is missing; nothing else is needed than python3 (3.11+), git and make.
PYTHON ?= python3
REPO ?=
MODEL ?=
BIN := .venv/bin
AGENT := $(BIN)/continual-code $(if $(MODEL),--model $(MODEL))
DEV := .venv/.dev-installed
READY := .venv/.installed

.PHONY: run test check setup demo record help clean
.DEFAULT_GOAL := help

run: setup ## open the agent in REPO=... (default: a small sample repository); without a terminal, play a demo
	@if [ -t 0 ] && [ -t 1 ]; then $(AGENT) --repo "$(if $(REPO),$(REPO),$$($(BIN)/python -m continual_code.sample))"; \
	else $(AGENT) demo; fi

test: $(DEV) ## run all tests (fetches SmolLM2-135M for the end-to-end test)
	$(BIN)/python -m pytest

check: $(DEV) ## lint, format and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

setup: $(READY) ## only set up: the environment in .venv

demo: setup ## play one session by itself and print it
	$(AGENT) demo

record: $(DEV) ## play the session of docs/session.md in a terminal and take its pictures anew
	$(BIN)/python -m continual_code.bench.recording docs $(if $(MODEL),--model $(MODEL))

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

clean: ## remove the environment
	rm -rf .venv

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("continual-code needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@
