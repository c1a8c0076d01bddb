# firmscope: every target does its own set-up; only Python 3.11 or newer, pip and make are needed.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test check unit lint types layers bench torture data-dictionary lock audit sbom clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

# Nothing is fetched that has not the digest in locks/, but torch: its builds differ by machine, so it is pinned only.
EXACTLY = install --quiet --no-compile --no-deps
$(STAMP): pyproject.toml constraints.txt locks/build.txt locks/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip $(EXACTLY) --require-hashes -r locks/build.txt
	$(BIN)/python -m pip $(EXACTLY) --require-hashes --no-build-isolation --use-pep517 -r locks/dev.txt
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt torch
	$(BIN)/python -m pip $(EXACTLY) --no-build-isolation -e .
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib > /dev/null || true  # on all processors, which pip does not; packages ship files of other Pythons
	touch $(STAMP)

install: $(STAMP) ## make the virtual environment

demo: $(STAMP) ## the whole chain on fictional firms; leaves demo/report/index.html and demo/exports
	rm -rf demo
	$(BIN)/firmscope demo demo

test: $(STAMP) ## everything that continuous integration runs; checks beside tests, which wait for sockets half of their time
	$(MAKE) --no-print-directory -j 2 check unit VENV=$(VENV)

check: lint types layers ## all but the tests

lint: $(STAMP) ## format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP) ## static types
	$(BIN)/mypy

layers: $(STAMP) ## imports point one way
	$(BIN)/lint-imports

unit: $(STAMP) ## all tests, the end-to-end run on real sites and the quality gate among them
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 25  # three, as they wait for sockets a third of their time; one thread in each, and our own modules compiled once

bench: $(STAMP) ## timings, as ratios against named peers in the same run
	$(BIN)/python -m tests.benchmarks

torture: $(STAMP) ## every fault of tests/torture at full length: two hours on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.torture --table

data-dictionary: $(STAMP) ## write DATA.md from the table schemas
	$(BIN)/python -m pipelines.data_dictionary > DATA.md

# What the next three run stands in an environment of its own, so that it never meets the dependencies it looks at.
TOOLS = .cache/supply
$(TOOLS)/.installed: locks/supply.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip $(EXACTLY) --require-hashes -r locks/supply.txt
	touch $@

lock: $(TOOLS)/.installed ## write locks/ and constraints.txt from pyproject.toml; UPGRADE="name other", or UPGRADE=all
	UV=$(TOOLS)/bin/uv deploy/lock.sh $(UPGRADE)

audit: $(TOOLS)/.installed ## known flaws of what is locked; exit codes in deploy/README.md
	@TOOLS=$(TOOLS)/bin deploy/audit.sh

sbom: $(STAMP) $(TOOLS)/.installed ## build/sbom.json: all that is installed in the virtual environment, with licences
	mkdir -p build
	$(TOOLS)/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --mc-type application \
		--output-reproducible --of JSON -o build/sbom.json

clean: ## remove the virtual environment and what the targets made
	rm -rf $(VENV) demo build dist
