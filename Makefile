# `make demo` needs .venv/core-* only; tests and lint need .venv/dev-*. Both are made on first use, one for each
# Python: `make test PY=python3.13`.

PY ?= python3
VERSION := $(shell "$(PY)" -E -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
CORE := .venv/core-$(VERSION)
DEV := .venv/dev-$(VERSION)
RUN := $(DEV)/bin/python
# Processes that share the tests.
JOBS ?= 2

# What is set around us must not reach into the environments. Without bytecode every start would take seconds longer.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV
export PIP_USER := 0

# Both environments write ernsnn.egg-info.
.NOTPARALLEL:
.PHONY: help demo demo-lava test test-all lint bench clean venv-core venv-dev python

help:
	@echo 'make demo      run the CA3 memory; the result is in runs/demo'
	@echo 'make demo-lava run it on Loihi 2 as Lava simulates it; the result is in runs/demo-lava'
	@echo 'make test      all tests but the slow ones'
	@echo 'make test-all  all tests, with new random examples each time'
	@echo 'make lint      ruff and mypy'
	@echo 'make bench     the benchmarks, side by side with what is installed (hours)'
	@echo 'make clean     remove caches and build products; environments (.venv) and results (runs) stay'
	@echo 'Another Python: make test PY=python3.13'

demo: venv-core
	@"$(CORE)/bin/ernsnn" run ca3_memory --demo --out runs/demo

demo-lava: venv-dev
	@"$(DEV)/bin/ernsnn" run ca3_memory --demo --backend lava --out runs/demo-lava

test: venv-dev
	@$(RUN) -m pytest -q -n $(JOBS) --dist worksteal

test-all: venv-dev
	@$(RUN) -m pytest -q -m "" --hypothesis-profile=other

lint: venv-dev
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy

bench: venv-dev
	@$(DEV)/bin/ernsnn bench plastic
	@$(DEV)/bin/ernsnn bench plastic --threads 2
	@$(DEV)/bin/ernsnn bench marked
	@$(DEV)/bin/ernsnn bench marked --threads 2
	@$(DEV)/bin/ernsnn bench plastic --neurons 10000 --duration-ms 1000 --backends native
	@$(DEV)/bin/ernsnn bench marked --neurons 10000 --duration-ms 1000 --backends native
	@$(DEV)/bin/ernsnn bench sparse
	@$(DEV)/bin/ernsnn bench sparse --threads 2
	@$(DEV)/bin/ernsnn bench sparse --neurons 20000
	@$(DEV)/bin/ernsnn bench sparse --neurons 20000 --threads 2
	@$(DEV)/bin/ernsnn bench membranes
	@$(DEV)/bin/ernsnn bench kinds
	@$(DEV)/bin/ernsnn bench marks
	@$(DEV)/bin/ernsnn bench ca3
	@$(DEV)/bin/ernsnn bench loihi
	@$(DEV)/bin/ernsnn bench sweep
	@$(DEV)/bin/ernsnn bench lowering

clean:
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

venv-core: $(CORE)/ready
venv-dev: $(DEV)/ready

# The stamp holds the folder it was made for. In a moved or copied folder, or when its Python is gone, it counts as
# absent; where it is absent, so after an interruption too, the environment is made afresh.
$(foreach venv,$(CORE) $(DEV),$(shell \
  [ "$$(cat $(venv)/ready 2>/dev/null)" = "$(CURDIR)" ] && $(venv)/bin/python -c 'import pip' 2>/dev/null || rm -f $(venv)/ready))

$(DEV)/ready: EXTRAS := [dev]
# Lava asks for Python 3.10 and old libraries, and needs neither (hardware_backends/loihi/lava/shim.py): no dependencies.
$(DEV)/ready: LAVA := lava-nc==0.10.0
$(CORE)/ready $(DEV)/ready: setup.cfg pyproject.toml | python
	@echo 'Setting up $(@D) (the first time takes a minute or two)'
	@if [ -f $@ ]; then rm $@; else "$(PY)" -E -m venv --clear $(@D); fi
	@$(@D)/bin/python -m pip install -qq --editable '.$(EXTRAS)'
	@if [ -n '$(LAVA)' ]; then $(@D)/bin/python -m pip install -qq --no-deps --ignore-requires-python $(LAVA); fi
	@printf '%s\n' "$(CURDIR)" > $@

python:
	@"$(PY)" -E -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo >&2 \
	  'ernsnn needs Python 3.11 or newer; $(PY) is $(or $(VERSION),no Python that runs). Name another: make $(MAKECMDGOALS) PY=python3.12'; exit 1; }
	@"$(PY)" -E -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 \
	  '$(PY) has no ensurepip or venv; Debian and Ubuntu have them in the package python$(VERSION)-venv'; exit 1; }
