# The README's two commands. Each does all its own set-up: it needs only Python 3.11+, make and git.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test slow fuzz lint bench lock clean

demo: $(VENV)/run.stamp ## contain, take evidence, seal and report on the embedded practice cluster
	@$(BIN)/irkit demo

test: $(VENV)/dev.stamp ## every test this machine can run but the slow ones (make slow); says loudly what it left out
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not real and not slow" --cov --cov-report=
	@$(BIN)/python -m pytest -m "real and not slow" --cov --cov-append --cov-report=; status=$$?; [ $$status -eq 5 ] || [ $$status -eq 0 ] || exit $$status
	@$(BIN)/python -m coverage report

slow: $(VENV)/dev.stamp ## the tests that take more than ten seconds each: every kill point, large files
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow

fuzz: $(VENV)/dev.stamp ## ten minutes of odd audit logs, filters and allow-lists
	@IRKIT_FUZZ_SECONDS=600 $(BIN)/python -m pytest -m slow tests/audit/test_fuzz.py

lint: $(VENV)/dev.stamp ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp ## every benchmark, as ratios side by side
	$(BIN)/python -m benchmarks

lock: ## renew both locks (needs uv); they hold versions and hashes, no registry address
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-strip-extras --extra drill pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-strip-extras --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## forget the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "irkit needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "no venv module: install your system's python3-venv package"; exit 1; }

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing irkit into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps -e .
	@$(BIN)/python -m compileall -q irkit
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "installing irkit and its test tools into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps -e .
	@$(BIN)/python -m compileall -q irkit
	@touch $@ $(VENV)/run.stamp
