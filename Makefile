# `make` alone lists the targets. Each one sets itself up in .venv; a machine needs python3 and pip.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --no-input --disable-pip-version-check

# Settings of the shell that would change what is measured or leave the bytecode uncached.
PINS := OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
unexport $(PINS) PYTHONDONTWRITEBYTECODE

# Real data next to the checkout, unless AGNESI_DATA already says where it is.
ifneq ($(wildcard ../shared/data/.),)
demo bench: export AGNESI_DATA ?= $(abspath ../shared/data)
endif

# Virtual environments of other libraries that `make bench` measures too.
ifdef PEERS
bench: export AGNESI_PEERS := $(abspath $(PEERS))
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test check bench docs fuzz format

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.demo  ## show what agnesi does, in a minute
	$(BIN)/agnesi demo

test: .venv/.test  ## run the tests (arguments for pytest: make test ARGS="-k grad")
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: .venv/.dev  ## format, lint, types and layers, all without running the code
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports

bench: .venv/.test  ## measure speed (docs/benchmarks.md; make bench PEERS=folder-of-venvs ARGS="-k softmax")
	@$(foreach pin,$(PINS),$(if $($(pin)),echo "$(pin)=$($(pin)) is not used: it slows down OpenBLAS";)) true
	$(BIN)/python -m bench $(ARGS)

docs: .venv/.docs  ## make the documentation: build/site/index.html
	$(BIN)/python tools/make_docs.py
	$(BIN)/mkdocs build --strict --quiet

fuzz: .venv/.test  ## hold random graphs against NumPy (arguments: make fuzz ARGS="--seconds 600")
	$(BIN)/python -m tests.fuzz $(ARGS)

format: .venv/.dev  ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

# Stamps: what is installed in .venv, redone when pyproject.toml changes.
# Some systems' python3 cannot put pip into a new environment; their own pip can. `--group` needs pip 25.1.
.venv/.made:
	$(PYTHON) -m venv .venv || { $(PYTHON) -m venv --clear --without-pip .venv \
	  && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	$(PIP) install --quiet --upgrade "pip>=25.1"
	@touch $@

.venv/.demo: pyproject.toml | .venv/.made
	$(PIP) install --quiet --editable ".[demo]"
	@touch $@

.venv/.test .venv/.dev .venv/.docs: .venv/.%: pyproject.toml | .venv/.made
	$(PIP) install --quiet --editable ".[demo]" --group $*
	@touch $@
