# The two commands of a newcomer are `make demo` and `make test`. Both make the environment first.

PYTHON ?= python3
# More for pip, such as PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" for the small PyTorch.
PIP_ARGS ?=
# Some hundred programs are started by the tests: each would read every module anew where nothing compiled is kept.
COMPILED := env PYTHONDONTWRITEBYTECODE=
# More for the command behind a target: make test ARGS="-k report", make run ARGS="--config my.toml"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
TRAINED := knowledge/models
TOPICS := $(wildcard knowledge/training/data/*.json knowledge/training/data/beside/*.json)
FAQS := $(wildcard knowledge/training/data/faqs/*.json)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt $(PIP_ARGS)

.DEFAULT_GOAL := help
.PHONY: help env demo run test torture check audit format bench train docs freeze clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

env: $(VENV)/.developer ## make .venv with everything for running, testing and changing Floormic

demo: $(VENV)/.runtime ## play the sample session and print the addresses of its pages
	$(BIN)/floormic demo $(ARGS)

run: $(VENV)/.runtime ## run with floormic.toml
	$(BIN)/floormic run $(ARGS)

test: $(VENV)/.developer ## run the tests (six at a time: most of them wait)
	$(COMPILED) $(BIN)/python -m pytest -n 6 --dist worksteal $(ARGS)

torture: $(VENV)/.developer ## misfortune and full load, each with its figure (a quarter of an hour, on a quiet machine)
	$(COMPILED) $(BIN)/python -m tests.torture $(ARGS)

check: $(VENV)/.developer ## lint, types, layers and dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers auto
	$(BIN)/lint-imports
	$(BIN)/deptry .

audit: $(VENV)/.developer ## known vulnerabilities in the packages of constraints.txt (asks OSV, so needs a network)
	$(BIN)/python -m tests.audit $(ARGS)

format: $(VENV)/.developer ## format the code and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.runtime ## measure on this machine
	$(BIN)/floormic bench $(ARGS)

train: $(TRAINED)/cross.done.part ## make all weights anew and their calibration (PUBLIC=DIR: with public sets, as what ships; one to two hours on 2 cores that multiply bfloat16 quickly, up to four on others; goes on where it was stopped)
	$(BIN)/floormic calibrate --model bundled --out $(TRAINED)/calibration.json
	@rm $(TRAINED)/*.done.part

# What is done stays done until there is something else to learn from.
$(TRAINED)/encoder.done.part: $(TOPICS) | $(VENV)/.developer
	@test -z "$$PUBLIC" || $(BIN)/python -m knowledge.training.public "$$PUBLIC"
	$(BIN)/python -m knowledge.training.encoder $(TRAINED)/encoder
	@touch $@

$(TRAINED)/cross.done.part: $(TRAINED)/encoder.done.part $(FAQS)
	$(BIN)/python -m knowledge.training.cross $(TRAINED)/encoder $(TRAINED)/cross $${PUBLIC:+--public "$$PUBLIC"}
	@touch $@

docs: $(VENV)/.runtime ## write docs/settings.md and the table of docs/connectors.md from the code
	$(BIN)/python -m bot.app settings > docs/settings.md
	$(BIN)/python -m bot.app connectors < docs/connectors.md > docs/connectors.md.new
	mv docs/connectors.md.new docs/connectors.md

# PyTorch is left out: its build depends on the machine (CPU, CUDA), so that it stays a range in pyproject.toml.
freeze: $(VENV)/.developer ## write what is installed to constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | grep -viE '^(torch|triton|nvidia|cuda|floormic|-e)|@ file' > constraints.txt

clean: ## remove the environment and all caches (never the data)
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Floormic needs Python 3.11 or newer as $(PYTHON) (on Debian and Ubuntu: apt install python3)."; \
	  echo "Name another one with: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# The pip that comes with Python 3.11 takes three times as long to find what fits; where no newer one can be had, it does.
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --retries 1 --upgrade pip $(PIP_ARGS) >/dev/null 2>&1 || true

$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Floormic needs into $(VENV) (some minutes the first time) …"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.developer: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Floormic and its tests need into $(VENV) (some minutes the first time) …"
	@$(PIP) --editable '.[dev]'
	@if command -v npm >/dev/null; then npm ci --prefix tests/peers --silent --no-audit --no-fund || true; fi
	@touch $@ $(VENV)/.runtime
