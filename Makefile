# make demo: train on a dataset that the project makes itself.  make test: all tests; make quick: in a minute; make faults: kills, full disks, damage, for an hour.  make fuzz: inputs that nobody thought of, for 15 minutes.  make lint, make bench.
# PYTHON names the interpreter (3.11) that builds .venv; the settings in .venv are redone when a requirements file changes.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1 && echo requirements-gpu.txt)
BIN := .venv/bin
RUN := $(BIN)/python

.PHONY: demo test quick faults fuzz lint bench clean

demo: .venv/run
	$(RUN) -m actioncnn.data.demo demo
	$(RUN) 3dcnn.py --videos demo --nclass 8 --epoch 40 --batch 16 --output results/demo --overwrite True
	@echo
	@echo "results/demo/report.html shows what came out; the pictures lie beside it"

test: .venv/test
	$(RUN) -m pytest

quick: .venv/test
	$(RUN) -m pytest -m "not slow"

faults: .venv/test
	FAULTS=long $(RUN) -m pytest -n 0 tests/faults

fuzz: .venv/test
	$(RUN) -m pip install --quiet --disable-pip-version-check atheris
	for what in names lists models; do $(RUN) tests/faults/fuzz.py $$what -max_total_time=300 || exit 1; done

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: .venv/test
	for name in decoding training prediction accuracy; do echo "== $$name"; $(RUN) benchmarks/$$name.py || exit 1; done

.venv/run: requirements.txt $(GPU)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "make: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt $(addprefix -r ,$(GPU))
	@touch $@

.venv/test: .venv/run requirements-dev.txt requirements-export.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv demo results
