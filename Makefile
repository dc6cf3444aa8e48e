# make        the laptop example, from nothing to results/report.html
# make test   all tests
# make lint   the linters that CI runs
PYTHON ?= $(firstword $(shell command -v python3.11 python3))
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LINTERS := $(VENV)/.linters
CORES ?= all
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: all install test lint clean

all: $(INSTALLED)
	$(BIN)/snakemake --cores $(CORES)
	@echo "The report is results/report.html"

install: $(INSTALLED)

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(LINTERS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

# The stamps make a second call skip the installation; touching pyproject.toml or constraints.txt repeats it.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[example,test]"
	touch $@

$(LINTERS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) results .snakemake
