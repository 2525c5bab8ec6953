# `make demo` and `make test` are all a newcomer needs; each sets up what it lacks.
unexport PYTHONDONTWRITEBYTECODE  # what hundreds of programs import is compiled once, by the first that does
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# a file at a time on each processor; those with slow tests first (tests/conftest.py), so that none is left for the end
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
NBMAKE := $(BIN)/python -m pytest --override-ini=addopts= --nbmake --nbmake-timeout=300
# the steps of the demo, which `make demo` runs through the strict runner with the values that are their defaults
STEPS := $(wildcard notebooks/0[1-8]_*.ipynb)
COMMA := ,
SPACE := $(subst ,, )
LOCK_FLAGS := --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --python-version 3.11

.PHONY: help setup demo sheet test test-all run-all check lint types floors notebooks other-notebooks later-notebooks gallery-notebooks studies replay archive pictures docs docs-site docs-packages pages wheel lab lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "codebook needs Python 3.11 or newer; run make PYTHON=python3.12")'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY)  ## make .venv with everything in it (also done by every other target)

demo: $(READY)  ## code the topics study offline and open its report
	$(BIN)/python -m codebook execute study.yaml
	$(BIN)/python -m codebook execute studies/coal_debate.yaml

sheet: $(READY)  ## all figures and tables of runs/ on one page: in colour, in grey, as the colour-blind see them
	$(BIN)/python -m codebook.outputs.sheet runs

test: $(READY)  ## run the quick tests and the doctests: all that a change usually breaks
	$(PYTEST) -m "not slow"

test-all: $(READY)  ## run all tests, the slow ones too
	$(PYTEST) -m "not whole" --durations=20

run-all: $(READY)  ## every notebook of a new study by Run All in a browser, by papermill and by execute: the same figures?
	$(BIN)/python -m pytest -m whole

check: lint types floors docs demo replay test-all other-notebooks docs-site wheel  ## everything CI runs

lint: $(READY)  ## format and lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy, strict
	$(BIN)/mypy

floors: $(READY)  ## modules import from lower floors only
	$(BIN)/lint-imports

pictures: $(READY)  ## the figure that opens the docs
	$(BIN)/python -c "import codebook as cb; cb.analysis.simulate_studies().plot().savefig('docs/figures/false_findings.png', dpi=150)"

docs: $(READY)  ## are the generated parts of the docs up to date? (make docs WRITE=-r writes them)
	$(BIN)/cog $(if $(WRITE),$(WRITE),--check) docs/notebooks.md

notebooks: $(READY)  ## run every notebook with its defaults
	$(NBMAKE) notebooks

other-notebooks: later-notebooks gallery-notebooks studies  ## run every notebook that is no step of the demo, after `make demo`

# as steps of the demo's study, so that one process imports for all of them
later-notebooks: $(READY)
	@mkdir -p build
	sed 's/^steps:.*/steps: [$(subst $(SPACE),$(COMMA) ,$(basename $(notdir $(filter-out $(STEPS),$(wildcard notebooks/*.ipynb)))))]/' study.yaml >build/later.yaml
	$(BIN)/python -m codebook execute build/later.yaml

gallery-notebooks: $(patsubst notebooks/gallery/%.ipynb,gallery-%,$(filter-out %/replication.ipynb,$(wildcard notebooks/gallery/*.ipynb)))

gallery-%: $(READY)
	$(BIN)/python -m codebook execute notebooks/gallery/$*.ipynb

studies: $(READY)
	$(BIN)/python -m codebook execute studies/adjudication.yaml
	$(BIN)/python -m codebook execute studies/headlines.yaml
	$(BIN)/python -m codebook execute studies/replication.yaml
	$(BIN)/python -m codebook execute studies/stability.yaml

REPLAYED := build/replayed

replay: $(READY)  ## rebuild the recorded studies of data/archive offline: the same to the byte, and a notebook over them
	rm -rf $(REPLAYED)
	$(BIN)/python -m codebook execute --replay data/archive/runs/topics --out $(CURDIR)/$(REPLAYED)
	$(BIN)/python -m codebook execute headlines.yaml --replay data/archive/runs/headlines
	CODEBOOK_PROJECT=$(CURDIR)/data/archive CODEBOOK_RUNS=$(CURDIR)/$(REPLAYED) $(NBMAKE) notebooks/06_reliability.ipynb

archive: $(READY)  ## after a figure was mended: tables and texts of data/archive anew, from the replies that stay
	$(BIN)/python tests/support/archive_making.py

pages: other-notebooks
	$(MAKE) --no-print-directory docs-site

docs-packages: $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r docs/requirements.lock

docs-site: docs-packages  ## the site of the docs, into docs/_build/html; with the notebooks that were executed before
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --jobs auto -d docs/_build/doctrees docs docs/_build/html
	$(BIN)/python docs/check_site.py docs/_build/html

wheel: $(READY)  ## build the wheel and import it from elsewhere
	.ci/wheel

lab: $(READY)  ## JupyterLab on this folder, with the page that says where the study stands
	$(BIN)/codebook lab

lock: $(READY)  ## rewrite requirements.lock from pyproject.toml
	$(BIN)/uv pip compile $(LOCK_FLAGS) --all-extras --quiet --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK_FLAGS) --group docs --constraint requirements.lock --quiet --output-file docs/requirements.lock

clean:  ## remove the environment (runs/ is yours and stays)
	rm -rf .venv dist build
