# make lab: work through the notebooks        make test: everything that has to hold
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
HASH    = $(shell cat settings.ini setup.py constraints.txt | cksum | cut -d' ' -f1)
READY   = $(VENV)/ready-$(HASH)
# this clone's package, whichever clone the environment was made for
export PYTHONPATH := $(CURDIR)
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: env lab test outputs export readme clean bench wheel site
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
