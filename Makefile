# One door to everything. `make demo` and `make test` need Python 3.11+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto
ORACLES ?= 1.34 1.35 1.36 1.37
N ?= 20000
K8S ?= 1.37
SEED ?= 0
VARIANT ?=
export BENCH_NODES ?= 1000000

.PHONY: help setup demo test browser check lint fmt type bench nb fgd chaos data oracle fuzz golden clean

help:            ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Stamps, so that a second call does not install again; pyproject.toml is what they depend on.
$(VENV)/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit("drapolicy needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.core: pyproject.toml | $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]'
	@touch $@ $(VENV)/.core

$(VENV)/.browser: pyproject.toml | $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,browser]'
	@touch $@ $(VENV)/.dev $(VENV)/.core

setup: $(VENV)/.dev  ## install everything for development into .venv

demo: $(VENV)/.core  ## the main job on the two embedded fleets; writes out/demo/report.html
	$(BIN)/drapolicy evaluate --out out/demo

test: $(VENV)/.dev  ## all tests
	$(BIN)/python -m pytest -n $(JOBS) -q

# In one process: each would start a JupyterLab of its own.
browser: $(VENV)/.browser  ## the form in JupyterLab, driven in the system's chromium
	$(BIN)/python -m pytest -q -m browser

lint: $(VENV)/.dev  ## style and format of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m nbstripout --verify notebooks/*.ipynb

fmt: $(VENV)/.dev  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

type: $(VENV)/.dev  ## check types
	$(BIN)/python -m mypy

check: lint type test  ## lint, types and all tests; .ci/run adds demo, oracle and browser

nb: $(VENV)/.dev  ## run the notebooks
	$(BIN)/python -m pytest -q tests/notebooks

bench: $(VENV)/.dev oracle  ## decisions against upstream's allocator, loading, selectors; BENCH_NODES=10000 for less
	$(BIN)/python tests/bench/bench_engine.py
	$(BIN)/python tests/bench/bench_load.py
	$(BIN)/python tests/bench/bench_decide.py
	$(BIN)/python tests/bench/bench_play.py
	$(BIN)/python tests/bench/bench_columns.py

fgd: $(VENV)/.dev  ## the FGD paper's curves, all of them, where its traces are beside the checkout; docs/fgd.md
	FGD_ALL=1 $(BIN)/python -m pytest -n $(JOBS) -q tests/evaluate/fgd/test_published.py tests/evaluate/fgd/test_shadow_price.py
	FGD_ALL=1 $(BIN)/python -m pytest -q tests/notebooks -k published_figures

chaos: $(VENV)/.dev  ## kill experiments at 200 random moments; CHAOS_SEED=0 chooses which
	CHAOS_KILLS=200 $(BIN)/python -m pytest -n $(JOBS) -q tests/evaluate/test_chaos.py

data: $(VENV)/.core  ## write datasets/ again from its generator
	$(BIN)/python tools/make_datasets.py

# Go's own cache makes a second call cheap. -trimpath keeps the paths of this machine out of the binaries.
oracle:          ## build upstream's allocator of each release into tools/oracle/bin; needs Go
	@command -v go >/dev/null || { echo "make oracle needs Go 1.26 or newer: https://go.dev/dl" >&2; exit 1; }
	@for minor in $(ORACLES); do \
		(cd tools/oracle/v$$(echo $$minor | tr . _) && go build -trimpath -o ../bin/oracle-$$minor . && ../bin/oracle-$$minor -version) || exit 1; \
	done

fuzz: oracle $(VENV)/.core  ## compare with upstream: make fuzz N=20000 K8S=1.37 SEED=0 VARIANT=experimental; goes on where it stopped
	$(BIN)/python tools/fuzz.py -n $(N) --k8s $(K8S) --seed $(SEED) --variant "$(VARIANT)"

golden: $(VENV)/.dev  ## rewrite golden files; review the diff as source
	$(BIN)/python -m pytest -q --golden tests

clean:           ## remove what the targets made
	rm -rf $(VENV) out tools/oracle/bin .pytest_cache .mypy_cache .ruff_cache .hypothesis
