# Each target makes what it needs, `.venv` from constraints.txt first of all. `make help` lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# More for pytest, e.g. make test ARGS="-k config -x"
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help venv .venv demo test test-servers check lint bench bench-drift soak fuzz tools constraints dashboards clean

help: ## this list
	@awk -F':.*## ' '/^[a-z].*:.*## / { split($$1, name, " "); printf "  make %-13s %s\n", name[1], $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## a real model, the sidecar before it, and traffic that drifts: watch the alarm go off
	@$(BIN)/outrider demo $(ARGS)

test: $(VENV)/.dev tools ## the whole test suite
	$(PYTEST) -m "not soak and not servers" $(ARGS)

test-servers: $(VENV)/.dev ## a sidecar before each real model server of examples/, with its own client
	$(PYTEST) tests/servers -m servers $(ARGS)

check: lint ## lint, types, rooms and the fast tests
	$(PYTEST) -m "not slow and not soak and not servers" $(ARGS)

lint: $(VENV)/.dev ## lint, types and rooms only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench tools ## every question beside its peers, into bench/results/
	$(BIN)/python -m bench $(ARGS)

bench-drift: $(VENV)/.bench ## how often drift is cried in vain, how soon it is found, beside other rules
	$(BIN)/python -m bench.drift $(ARGS)

bench-%: $(VENV)/.bench tools ## one question alone: make bench-hop, bench-memory …
	$(BIN)/python -m bench $* $(ARGS)

soak: $(VENV)/.dev tools ## the tests that take longer than `make test` may
	$(PYTEST) -m soak $(ARGS)

fuzz: $(VENV)/.fuzz ## coverage-guided fuzzing: fuzz/README.md
	$(BIN)/python -m fuzz $(ARGS)

venv .venv: $(VENV)/.dev ## .venv with everything for development

tools: ## install the Debian packages that some tests need, where the user may
	@scripts/system-tools

dashboards: $(VENV)/.dev ## make examples/grafana/dashboards anew from their code
	@$(BIN)/python -m examples.grafana.source

constraints: ## renew constraints.txt from the newest versions that fit together
	@scripts/constraints $(PYTHON)

clean: ## remove what make and the tools made
	rm -rf $(VENV) bench/.environments tests/servers/.environments tests/grafana/.environment build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.demo: pyproject.toml constraints.txt
	@scripts/venv $(PYTHON) $(VENV) demo

$(VENV)/.dev: pyproject.toml constraints.txt
	@scripts/venv $(PYTHON) $(VENV) dev demo

$(VENV)/.fuzz: pyproject.toml constraints.txt
	@scripts/venv $(PYTHON) $(VENV) fuzz demo

$(VENV)/.bench: pyproject.toml constraints.txt
	@scripts/venv $(PYTHON) $(VENV) bench demo snappy
