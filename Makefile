# What there is to do with this repository: make help
PYTHON ?= python3
INVENTORY ?= demo
BIN := .venv/bin

.PHONY: help setup venv demo demo-down test drill drills bench lint unit dashboards lock clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## make this checkout ready: .venv, Docker, the images of the test hosts; each only when missing
	@$(PYTHON) dev/setup.py

venv:
	@$(PYTHON) dev/setup.py venv

demo: ## bring up the fleet of inventories/$(INVENTORY) in containers and show that it works (INVENTORY=demo)
	@$(PYTHON) dev/demo.py up $(INVENTORY)

demo-down: ## stop the demo and remove its hosts
	@$(PYTHON) dev/demo.py down

test: ## everything: lint, unit tests, sanity, the built collection, every scenario, whole fleets, short drills
	@$(PYTHON) dev/test.py

drill: ## one drill in its long form: NAME=change, failure, cut_off, disk, clock, growth, restore, migration or single
	@$(PYTHON) dev/drills.py $(NAME)

drills: ## all drills in their long form, a table of their figures at the end
	@$(PYTHON) dev/drills.py

bench: setup ## how long runs take, as ratios; PEER=<checkout of victoriametrics.cluster> for a comparison
	@$(BIN)/python dev/bench.py $(if $(PEER),--peer $(PEER))
	@$(BIN)/python tests/bench/plan.py

lint: venv ## the linters
	@$(PYTHON) dev/test.py lint

unit: venv ## the unit tests
	@$(BIN)/pytest

dashboards: venv ## write the Grafana dashboards of dev/dashboards as JSON
	@$(BIN)/python dev/make_dashboards.py

lock: venv ## renew requirements-dev.txt from requirements-dev.in
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --upgrade requirements-dev.in --output-file requirements-dev.txt

clean: ## remove what set-up and tests made here
	rm -rf .venv .collections .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .ansible
