# Each target creates the virtual environment it needs; nothing outside this folder is touched.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check bench slow docs clean

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: $(VENV)/.ready  ## find, verify, evaluate and show a ticket
	BIN=$(BIN) sh scripts/demo.sh

test: $(VENV)/.ready  ## the fast tests, on all cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m "not slow"

slow: $(VENV)/.ready  ## the tests that take minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

check: $(VENV)/.ready  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/.docs: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

docs: $(VENV)/.docs  ## the documentation, as a site in site/
	$(BIN)/python scripts/docs.py --stage
	$(BIN)/zensical build --clean --strict

bench: $(VENV)/.ready  ## every promised figure beside its target
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) runs build/docs site .cache
