# labelkit: `make demo` shows it, `make test` proves it. Both set up all they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DATA := data/reviews.parquet

.DEFAULT_GOAL := help
.PHONY: help install data demo test test-all lint format bench docs clean

help: ## say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## create .venv with labelkit and its tools

# torch goes first and alone: with it in place nothing else pulls a larger build of it.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt torch==2.13.0
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
