# Everything needs Python 3.11 or newer and make, nothing else: each target sets up what it uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests that start servers and wait for them leave half of a processor free.
PYTEST_ARGS ?= -n $(shell echo $$((2 * $$(nproc)))) --dist worksteal

.PHONY: serve test check pytest bench docs fuzz faults bytecode clean help
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s'|'

serve: bytecode ## run the examples: their stand-in APIs, the scheduler, and the web page
	$(BIN)/python -m pipelines.standin --with $(BIN)/yamldag serve

test: check pytest ## all checks and all tests

check: $(VENV)/installed ## style, types, and which room imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pytest: bytecode
	$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: bytecode ## measure, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks

docs: $(VENV)/installed ## write the generated pages again
	$(BIN)/python -m docs.build

fuzz: $(VENV)/installed ## a minute of hostile bytes through the compiler
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/python tests/fuzz/fuzz_compile.py -max_total_time=60

faults: bytecode ## the fault tests at length: about an hour of crashes
	YAMLDAG_FAULTS=long $(BIN)/python -m pytest $(PYTEST_ARGS) tests/faults

clean: ## take away what the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .yamldag

# Where PYTHONDONTWRITEBYTECODE is set, each command would compile all that it imports: half of a short one's time.
bytecode: $(VENV)/installed
	@$(BIN)/python -m compileall -q yamldag benchmarks pipelines

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "yamldag needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
