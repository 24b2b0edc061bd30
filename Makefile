# Every target makes .venv by itself. PYTHON=/path/to/python chooses the interpreter,
# ARGS="-k name" goes to pytest, SERVE=0 ends the demo before it serves.
PYTHON ?=
ARGS ?=
export SERVE ?= 1

RUN := .venv/bin/python
PACKAGE := .venv/package-installed
TOOLS := .venv/tools-installed

.PHONY: demo test soak lint types bench bench-peers docs clean

demo: $(PACKAGE)
	$(RUN) example_project/demo.py

test: $(TOOLS)
	$(RUN) tests/run_suite.py $(ARGS)

soak: $(TOOLS)
	BT_TEST_SCALE=full $(RUN) tests/run_suite.py -m "heavy or soak" $(ARGS)

lint: $(TOOLS)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: $(TOOLS)
	$(RUN) -m mypy

bench: $(TOOLS)
	$(RUN) -m benchmarks $(ARGS)

bench-peers: $(TOOLS)
	benchmarks/peers/run.sh

docs: $(TOOLS)
	$(RUN) -m tests.check_docs

clean:
	rm -rf .venv .tox .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A python3.x on the PATH may be a shim without an interpreter behind it, so each is tried.
.venv/bin/python:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
		if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python -m venv .venv; \
		fi; \
	done; \
	echo "Python 3.11 or newer with its venv module is needed." >&2; exit 1

$(PACKAGE): setup.cfg pyproject.toml | .venv/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

$(TOOLS): setup.cfg pyproject.toml | .venv/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[all,test,dev]'
	touch $(PACKAGE) $@
