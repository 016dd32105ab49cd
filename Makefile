# make lab: work through the notebooks    make lab CPU=1: the same, without CUDA's libraries
# make quick: while working (90 s)    make test: before a change lands (12 min on two cores)    make nightly: everything (hours)
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
# one environment for each state of the requirements; .ci/run keeps its own under the same key
KEY    := $(shell cat settings.ini setup.py constraints.txt | cksum | cut -d' ' -f1)
READY   = $(VENV)/ready-$(KEY)
# CPU=1, when the environment is made: PyTorch from its own index of wheels for processors, a tenth of the download
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PYTEST  = OMP_NUM_THREADS=1 python -m pytest -n $(WORKERS) --dist worksteal
WORKERS ?= 2
# this clone's package, whichever clone the environment was made for
export PYTHONPATH := $(CURDIR)
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: env key lab hooks lint types sync static quick test nightly notebooks measurements coverage oldest
.PHONY: outputs export readme clean bench wheel site release-check
env: $(READY)
$(READY):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade -q pip setuptools wheel
ifdef CPU
	$(BIN)/python -m pip install --no-deps -c constraints.txt --index-url $(TORCH_INDEX) torch torchvision
endif
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	touch $@
key:
	@echo $(KEY)

# trusted: JupyterLab shows the saved views alive; and what it saves differs in outputs alone
lab: env
	jupyter trust nbs/*.ipynb nbs/package/*.ipynb > /dev/null
	cd nbs && jupyter lab index.ipynb --ContentsManager.pre_save_hook=tools.notebooks.as_kept

# once for each clone: git shows differences of notebooks cell by cell and merges them; each commit is checked
hooks: env
	nbdev-install-hooks
	pre-commit install

lint: env
	ruff check
# what mypy knows is kept beside the environment, for the next clone, too
types: env
	mypy --cache-dir $(abspath $(VENV))/mypy
	mypy --cache-dir $(abspath $(VENV))/mypy/tests --config-file tests/mypy.ini
sync: env
	python tools/notebooks.py check
static: env
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types sync

quick: static
	$(PYTEST) -m "not full and not nightly"
# each notebook runs alone, from the wheel, without a network; its words, numbers and pictures are compared with the saved ones
test: static
	$(PYTEST) -m "not nightly"
nightly: static
	$(PYTEST)
	$(MAKE) notebooks oldest measurements bench

# nbdev's own run of the notebooks, in the repository
notebooks: env
	OMP_NUM_THREADS=1 nbdev-test --n-workers $(WORKERS)

# the experiments whose records the package ships, repeated and compared with the records
measurements: env
	@mkdir -p _bench
	@python -m cnn_notes.measured > _bench/measurements.md
	python -m cnn_notes.measured --rerun all > _bench/repeated.md

# each module's tests on the oldest versions that settings.ini allows (Python 3.10 to 3.12; an environment of its own)
OLD = .venv-oldest
oldest:
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/python -m pip install -q -c constraints-oldest.txt . pytest hypothesis formulas torchinfo fvcore scikit-image ipython nbformat \
		nbconvert nbclient ipykernel genanki selenium
	OMP_NUM_THREADS=1 $(OLD)/bin/python -m pytest $(wildcard $(patsubst cnn_notes/%.py,tests/test_%.py,$(wildcard cnn_notes/[a-z]*.py)))

# which lines of the package the notebooks and the tests run: 95% or more
coverage: env
	tools/coverage.sh

# after editing notebooks: the package, the outputs of all cells, clean metadata, badges, README
export: env
	python tools/notebooks.py export
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
# all benchmarks, and one page of what they found, with its history: _bench/index.html (make bench BENCH='--quick looking': some, in short)
bench: env
	python tools/bench.py $(BENCH)
wheel: env
	python -m build
# version, change log and tag agree; the wheel holds what it should; the README renders (RELEASE.md)
release-check: env
	python tools/release.py
# all but the history of the benchmarks
clean:
	rm -rf build dist *.egg-info _site $(filter-out _bench/history.jsonl,$(wildcard _bench/*))
