# `make demo` and `make test` each do all of their own set-up on a machine that has only python3 and make.

PYTHON ?= python3
WORKERS ?= 2
PROGRAMS ?= 20000
VENV := .venv
BIN := $(VENV)/bin

# Where nothing can be installed, a Python that has everything: make gpu-test GPU_PYTHON=python3
GPU_PYTHON ?= $(BIN)/python
GPU_STAMPS := $(if $(filter $(BIN)/python,$(GPU_PYTHON)),$(VENV)/dev.stamp $(VENV)/cuda.stamp)
ON_DEVICE := env -u NUMBA_ENABLE_CUDASIM PYTHONPATH=$(CURDIR) $(GPU_PYTHON)
ABSENT := from adcompiler.benchmarking.device import absent; raise SystemExit(absent())

.PHONY: demo test fuzz bench gpu-test gpu-bench clean

demo: $(VENV)/plot.stamp
	$(BIN)/adcompiler demo

test: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(WORKERS)
	NUMBA_ENABLE_CUDASIM=1 $(BIN)/pytest -n $(WORKERS) --durations 10 tests/simulated

# On a device, what is not for the simulator alone. A file has a process of its own: kernels keep what they
# were compiled with.
gpu-test: $(GPU_STAMPS)
	@$(ON_DEVICE) -c '$(ABSENT)'
	failed=; for file in $$(grep -L '^pytestmark = pytest.mark.simulator' tests/simulated/test_*.py) \
			tests/gpu/test_*.py; do \
		echo "== $$file"; $(ON_DEVICE) -m pytest -q $$file || failed="$$failed $$file"; done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# Figures of a device, in eight minutes; renews docs/benchmarks-gpu.md, which without a device says so.
gpu-bench: $(GPU_STAMPS)
	$(ON_DEVICE) benchmarks/gpu.py

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
