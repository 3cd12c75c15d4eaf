# make demo    train on a dataset that the project makes itself
# make test    all tests; make quick leaves out the slow ones; make lint checks style and types
# make faults  kills, full disks and damaged files, for an hour; make fuzz random inputs, for 15 minutes
# make bench   the benchmarks that need no dataset
# make clean   remove .venv, the demo's videos and caches; results/ stays
#
# PYTHON names the interpreter that builds .venv. The packages are installed in the versions of constraints.txt, and
# again when one of the files that name them changes.

VERSIONS := python3.11 python3.12 python3.13
RIGHT := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in $(VERSIONS) python3; do \
	command -v $$name >/dev/null && $$name -c '$(RIGHT)' 2>/dev/null && { echo $$name; break; }; done)
GPU := $(shell nvidia-smi >/dev/null 2>&1 && echo requirements-gpu.txt)
BIN := .venv/bin
RUN := $(BIN)/python
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(RUN) -m pytest -n auto --dist loadfile

.PHONY: demo test quick faults fuzz lint bench clean

demo: .venv/run
	$(RUN) -m actioncnn.data.demo demo
	$(RUN) 3dcnn.py --videos demo --nclass 8 --epoch 40 --batch 16 --output results/demo --overwrite True
	@echo
	@echo "results/demo/report.html shows what came out; the pictures lie beside it"

test: .venv/test
	$(PYTEST)

quick: .venv/test
	$(PYTEST) -m "not slow"

faults: .venv/test
	FAULTS=long $(RUN) -m pytest tests/faults

fuzz: .venv/test
	$(INSTALL) atheris
	for what in names lists models; do $(RUN) tests/faults/fuzz.py $$what -max_total_time=300 || exit 1; done

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/test
	for name in decoding training prediction accuracy; do echo "== $$name"; $(RUN) benchmarks/$$name.py || exit 1; done

.venv/run: requirements.txt constraints.txt $(GPU)
	@$(or $(PYTHON),false) -c '$(RIGHT)' || \
		{ echo "make: Python 3.11, 3.12 or 3.13 is needed; name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "make: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(INSTALL) -r requirements.txt $(addprefix -r ,$(GPU))
	@touch $@

.venv/test: .venv/run requirements-dev.txt requirements-export.txt requirements-fonts.txt
	$(INSTALL) -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv demo .pytest_cache .ruff_cache .mypy_cache
