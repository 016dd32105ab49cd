# make lab: work through the notebooks        make test: everything that has to hold
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
HASH    = $(shell cat settings.ini setup.py constraints.txt | cksum | cut -d' ' -f1)
READY   = $(VENV)/ready-$(HASH)
# this clone's package, whichever clone the environment was made for
export PYTHONPATH := $(CURDIR)
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: env lab test coverage oldest outputs export readme clean bench wheel site
env: $(READY)
$(READY):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade -q pip setuptools wheel
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	touch $@

lab: env
	jupyter lab --notebook-dir=nbs

test: env
	python tools/notebooks.py check
	OMP_NUM_THREADS=1 nbdev-test --n-workers 2
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile

# the package, without the notebooks, on the oldest versions that settings.ini allows (Python 3.10 to 3.12; an environment of its own)
OLD = .venv-oldest
MODULES = callbacks channels classic counting data geometry kernels matmul models norm questionnaire receptive schedule spreadsheet
oldest:
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/python -m pip install -q -c constraints-oldest.txt . pytest hypothesis formulas torchinfo fvcore scikit-image ipython nbformat
	OMP_NUM_THREADS=1 $(OLD)/bin/python -m pytest $(MODULES:%=tests/test_%.py)

# which lines of the package the notebooks and the tests run: 95% or more
coverage: env
	tools/coverage.sh

# after editing notebooks: the package, the outputs of all cells (slow ones too), clean metadata, badges, README
export: env
	nbdev-export
	python tools/notebooks.py dress
	nbdev-clean
readme: export
	python tools/notebooks.py readme
outputs: export
	python tools/notebooks.py run $(NBS)
	nbdev-clean
	python tools/notebooks.py readme

# the course as static pages, in _site/html
site: env
	python tools/site.py
# all benchmarks, and one page of what they found: _bench/index.html (make bench BENCH='--quick looking': some, in short)
bench: env
	python tools/bench.py $(BENCH)
wheel: env
	python -m build
clean:
	rm -rf build dist *.egg-info _bench _site
