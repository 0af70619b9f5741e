# `make demo` and `make test` each do all of their own set-up on a machine that has only python3 and make.

PYTHON ?= python3
WORKERS ?= 2
PROGRAMS ?= 20000
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test fuzz bench clean

demo: $(VENV)/plot.stamp
	$(BIN)/adcompiler demo

test: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(WORKERS)

# Hours of random programs, against the minutes of `make test`; prints what became of each construct.
fuzz: $(VENV)/dev.stamp
	FUZZ_PROGRAMS=$(PROGRAMS) FUZZ_LOOP_PROGRAMS=5000 PYTHONPATH=tests \
		$(BIN)/pytest -n $(WORKERS) -p frontend_report tests/test_frontend_fuzz.py tests/test_loop_fuzz.py
	FUZZ_DEVICE_PROGRAMS=500 NUMBA_ENABLE_CUDASIM=1 $(BIN)/pytest -n $(WORKERS) tests/simulated/test_fuzz.py

# Everything, for an hour or two; the suite renews docs/benchmarks.md. Taichi and Warp are not installed for it.
bench: $(VENV)/bench.stamp
	for script in $(filter-out benchmarks/suite.py %_traps.py,$(wildcard benchmarks/*.py)); do \
		echo "== $$script"; $(BIN)/python $$script || exit 1; done
	$(BIN)/python benchmarks/suite.py --docs

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# One stamp for each extra: the installation is renewed when pyproject.toml is newer.
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
