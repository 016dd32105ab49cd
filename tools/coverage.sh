#!/bin/sh
# The lines of the package that the notebooks' quick path and the tests run, together: a table, and those that none of them runs.
#     tools/coverage.sh [arguments for pytest]
set -e
cd "$(dirname "$0")/.."
mkdir -p _bench
export COVERAGE_FILE="$PWD/_bench/coverage" PYTHONPATH="$PWD" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
rm -f _bench/coverage _bench/coverage.*
status=0
for nb in nbs/*.ipynb; do python -m coverage run -p --source=cnn_notes "$(command -v nbdev-test)" "$nb" --n-workers 0 || status=1; done
# not the one that compares seconds with another library's: the lines of this one are watched, which takes time
python -m coverage run -p --source=cnn_notes -m pytest --deselect tests/test_receptive.py::test_as_fast_as_a_summary "$@" || status=1
python -m coverage combine -q
python -m coverage report --skip-empty --show-missing --omit 'cnn_notes/_modidx.py' --fail-under=95 || status=1
exit $status
