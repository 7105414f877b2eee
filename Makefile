# Everything runs from one virtual environment, .venv, into which the package
# is built once; a change to a Rust source rebuilds it.
#
#   make demo       run the demonstration
#   make test       every check that a change must pass
#   make test-all   the smoke and soundness tests on every CPython found
#   make lint       formatting, lints, types, spelling and links only
#   make coverage   which lines of the package the Python tests run, in target/coverage
#   make coverage-rust  the same of the engine and the Rust tests
#   make deny       licences, sources and known faults of what is built in
#   make generator  random programs, edited and changed while they run, for 20 minutes
#   make stress     processes that write, read and are killed: 10 minutes, and 200 kills of each kind
#   make fuzz       fuzz each parser of stored bytes for FUZZ_SECONDS, ten minutes if not said
#   make memcheck   the core of the Python tests under valgrind, about half an hour
#   make bench      compare the speed with that of other caches, and eviction policies
#   make instructions  count the instructions of hits, under callgrind
#   make plots      draw the comparison with other caches, into docs/images
#   make soundness  count wrong answers after edits, beside other caches
#   make recording  record the session in a terminal that the README shows, into docs/images
#   make docs       the documentation, into site/; that of the engine, into site/rust
#   make dist       sources, wheel and crates, into dist/; tried in an empty environment
#   make clean      remove what the above made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The first of these that is CPython 3.11 or newer; or say make PYTHON=...
PYTHON ?= $(shell for p in python3 python python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$p"; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
BENCH := $(VENV)-bench
# One interpreter for every build, so that no cargo command undoes another's work.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

RUST_SOURCES := $(wildcard Cargo.toml Cargo.lock) \
	$(shell find crates -name '*.rs' -o -name Cargo.toml 2>/dev/null)
ENV_READY := $(VENV)/.ready
BUILT := $(VENV)/.built

.PHONY: demo test test-all lint lint-rust lint-python lint-text deny test-rust test-python \
	test-paranoid test-docs stress fuzz memcheck generator threads bench instructions plots soundness \
	bench-environment docs dist services clean coverage coverage-rust recording

demo: $(BUILT) $(VENV)/.group-demo
	$(BIN)/python examples/flights/demo.py

test: services lint test-rust test-python test-paranoid test-docs demo

test-all: $(ENV_READY)
	scripts/test-all

lint: lint-rust lint-python lint-text

bench: bench-environment
	$(BENCH)/bin/python benches/peers.py
	$(BENCH)/bin/python benches/instructions.py
	$(BENCH)/bin/python benches/entries.py
	$(BENCH)/bin/python benches/compression.py
	$(BENCH)/bin/python benches/world.py
	$(BIN)/python benches/eviction/report.py

instructions: bench-environment
	$(BENCH)/bin/python benches/instructions.py --record

plots: bench-environment
	$(BENCH)/bin/python benches/plots.py

soundness: bench-environment
	$(BENCH)/bin/python benches/answers.py

# An environment of its own, for some caches import whatever else is installed.
bench-environment: $(ENV_READY)
	[ -x $(BENCH)/bin/python ] || $(BIN)/python -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BENCH)/bin/python -m pip install --quiet --group bench
	rm -rf $(BENCH)/wheel
	scripts/build-command
	$(BIN)/maturin build --release --quiet --interpreter $(BIN)/python --out $(BENCH)/wheel
	$(BENCH)/bin/python -m pip install --quiet --no-deps --force-reinstall $(BENCH)/wheel/*.whl

# What the README shows; each line of it is run.
recording: $(BUILT) $(VENV)/.group-docs
	$(BIN)/python scripts/record-demo

docs: $(BUILT) $(VENV)/.group-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --package rememo
	cp -r target/doc site/rust

dist: $(BUILT)
	scripts/dist

# The browser that the report is tested in.
services:
	@command -v chromium >/dev/null || { \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium \
			>/dev/null; }

clean:
	rm -rf $(VENV) $(VENV)-* dist site target .pytest_cache .ruff_cache .mypy_cache .hypothesis \
		__pycache__
	rm -f python/rememo/_core.*.so
	find python examples benches -name __pycache__ -prune -exec rm -rf {} +

lint-rust: $(ENV_READY)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

lint-python: $(BUILT)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml \
		--allowlist scripts/stubtest-allowlist.txt rememo
	$(BIN)/pyright
	MYPYPATH=python $(BIN)/python -m mypy --strict --config-file= python/tests/typing

# Spelling; and whether what the pages outside of the site lead to is there.
lint-text: $(ENV_READY)
	$(BIN)/typos
	$(BIN)/linkchecker --config .linkcheckerrc --no-warnings $(wildcard *.md)

# Needs cargo-deny: cargo install --locked cargo-deny.
deny:
	cargo deny --locked check

test-rust: $(ENV_READY)
	cargo test --workspace

test-python: $(BUILT)
	$(BIN)/python -m pytest

# TESTS may name some of them. What programs that tests start run is not counted: many tests see what
# such a program imports.
coverage: $(BUILT) $(VENV)/.group-coverage
	mkdir -p target/coverage
	COVERAGE_FILE=target/coverage/python $(BIN)/python -m coverage run -m pytest $(TESTS)
	COVERAGE_FILE=target/coverage/python $(BIN)/python -m coverage xml -q -o target/coverage/python.xml
	COVERAGE_FILE=target/coverage/python $(BIN)/python -m coverage report --skip-covered

# Needs cargo-llvm-cov: cargo install --locked cargo-llvm-cov.
coverage-rust: $(ENV_READY)
	mkdir -p target/coverage
	cargo llvm-cov --package rememo --package rememo-cli --lcov --output-path target/coverage/rust.info

# The same promises, with the key of each hit from memory found again from scratch.
test-paranoid: $(BUILT)
	REMEMO_PARANOID=1 $(BIN)/python -m pytest $(addprefix python/tests/soundness/, \
		test_programs.py test_program_graphs.py test_guards.py test_guards_in_use.py)

# `make test-rust` and `make test-python` run the same for some seconds.
stress: export REMEMO_STRESS_SECONDS ?= 600
stress: export REMEMO_KILLS ?= 200
stress: export REMEMO_ROTS ?= 300
stress: $(BUILT)
	cargo test -p rememo --test kills --test kills_at_open --test compaction --test rot -- --nocapture
	$(BIN)/python -m pytest --timeout 600 python/tests/store/test_crash.py \
		python/tests/store/test_integrity.py -k kill

# Needs a nightly toolchain, and cargo-fuzz: cargo install cargo-fuzz.
fuzz:
	scripts/fuzz

# Needs valgrind.
memcheck: $(BUILT)
	$(BIN)/python scripts/memcheck

generator: $(BUILT)
	REMEMO_GENERATOR_SECONDS=1200 $(BIN)/python -m pytest \
		python/tests/soundness/test_program_graphs.py

threads: $(BUILT)
	REMEMO_THREADS_SECONDS=60 $(BIN)/python -m pytest --timeout 120 \
		python/tests/soundness/test_guards_in_use.py -k threads

test-docs: $(BUILT)
	$(BIN)/python -m pytest --doctest-glob='*.md' README.md docs
	$(BIN)/python -m pytest --doctest-modules --pyargs rememo

# --- the environment ---------------------------------------------------------

$(ENV_READY): pyproject.toml
	@[ -n "$(PYTHON)" ] || { \
		echo "No Python 3.11 or newer found; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is not Python 3.11 or newer" >&2; exit 1; }
	[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group build --group test --group lint
	touch $@

$(BUILT): $(ENV_READY) $(RUST_SOURCES)
	scripts/build-command
	VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/maturin develop --release --quiet
	touch $@

$(VENV)/.group-%: $(ENV_READY)
	$(BIN)/python -m pip install --quiet --group $*
	touch $@
