# labelkit: `make demo` shows it, `make test` proves it. Both set up all they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DATA := data/reviews.parquet
FAST := not slow and not browser and not postgres and not spark

.DEFAULT_GOAL := help
.PHONY: help install data demo lint test test-slow test-all services bench docs site format clean

help: ## say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## create .venv with labelkit and its tools

# torch goes first and alone: with it in place nothing else pulls a larger build of it.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt torch==2.13.0
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

data: $(DATA) ## fetch the demo's real texts (2.4 MB, MIT licence) and convert them

$(DATA): examples/demo_data.py requirements-demo.txt | $(VENV)/installed
	$(BIN)/python examples/demo_data.py
	@touch $@

demo: $(DATA) ## run the whole loop on real data: apply, annotate, validate, train
	$(BIN)/labelkit apply
	$(BIN)/python examples/simulated_answers.py
	$(BIN)/labelkit apply
	$(BIN)/labelkit validate
	$(BIN)/python examples/train.py

lint: $(VENV)/installed ## ruff, mypy, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint $(DATA) ## lint, then the fast tests with coverage (8 minutes at most)
	$(BIN)/pytest -q -n 2 -m '$(FAST)' --cov --cov-report=term

test-slow: $(VENV)/installed $(DATA) services ## the tests that take longer, need Chromium, PostgreSQL or Spark
	$(BIN)/pytest -q -n 2 -m 'not ($(FAST))'

test-all: test test-slow ## every test

services: $(VENV)/installed ## install what the slow tests run beside labelkit (Debian, as root)
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq postgresql; }
	@{ command -v strace && command -v mkfs.xfs; } >/dev/null || { apt-get update -qq && apt-get install -y -qq strace xfsprogs; }
	@command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq openjdk-17-jre-headless; }
	@$(BIN)/python -c 'import pyspark' 2>/dev/null || $(PIP) install --quiet --constraint constraints.txt --editable '.[spark]'

bench: $(DATA) ## measure, print ratios against the rivals (half an hour)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/apply.py
	$(BIN)/python benchmarks/label_models.py
	$(BIN)/python benchmarks/validate.py
	$(BIN)/python benchmarks/annotate.py
	$(BIN)/python benchmarks/active_learning.py
	$(BIN)/python benchmarks/embeddings.py
	$(BIN)/python benchmarks/lineage.py

docs: $(VENV)/installed ## check that what the documentation says is true
	$(BIN)/pytest -q tests/test_docs.py

site: $(VENV)/installed ## build the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

format: $(VENV)/installed ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what the targets made, answers of people excepted
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* dist
