# setup builds .venv from the lock file; every other target does it first, and is quick when done.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: setup demo demo-live test faults browser fuzz extras openapi fix bench agreement lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: $(STAMP)  ## the main job on a simulated market, in a home of its own
	SETUPDESK_HOME=$(CURDIR)/.demo $(BIN)/setupdesk demo

demo-live: $(STAMP)  ## a watch on a simulated market that is played fast, in a home of its own
	SETUPDESK_HOME=$(CURDIR)/.demo $(BIN)/setupdesk demo live

test: $(STAMP)  ## the one gate: formatting, lint, types, contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
# three at once on two cores: many tests wait for other processes
	$(BIN)/pytest -n 3 --dist loadfile

faults: $(STAMP)  ## long proofs: kills, mutilated files
	$(BIN)/pytest -m faults -s

browser: $(STAMP)  ## the report page and the web desk in a real Chromium, driven from an environment of its own
	command -v chromium || { apt-get update && apt-get install -y chromium; }
	test -x .venv-browser/bin/playwright || { $(PYTHON) -m venv .venv-browser && \
	  .venv-browser/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  .venv-browser/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . && \
	  .venv-browser/bin/python -m pip install --quiet --disable-pip-version-check playwright==1.65.2; }
	.venv-browser/bin/pytest -m browser tests/browser -n0

fuzz: $(STAMP)  ## the API against its own description, by schemathesis in an environment of its own
	test -x .venv-fuzz/bin/schemathesis || { $(PYTHON) -m venv .venv-fuzz && \
	  .venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check schemathesis==4.32.5; }
	$(BIN)/pytest -m fuzz tests/fuzz -n0 -s

extras:  ## the tests of the optional extras, in an environment of their own
	test -x .venv-extras/bin/python || $(PYTHON) -m venv .venv-extras
	.venv-extras/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,crypto]'
	.venv-extras/bin/pytest tests/adapters/test_ccxt_feed.py

openapi: $(STAMP)  ## write the description of the API and its reference anew
	$(BIN)/python docs/write_openapi.py
	$(BIN)/python docs/write_api.py

fix: $(STAMP)  ## mend formatting and what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## comparisons, as ratios in one run; peers in environments of their own, .bench
	$(BIN)/python -m bench.one_backtest
	$(BIN)/python -m bench.grid
	$(BIN)/python -m bench.kernels
	$(BIN)/python -m bench.shell
	$(BIN)/python -m bench.import_bars
	$(BIN)/python -m bench.accept
	$(BIN)/python -m bench.click_to_started
	$(BIN)/python -m bench.queue
	$(BIN)/python -m bench.run_list
	$(BIN)/python -m bench.scheduler
	test ! -x .venv-browser/bin/playwright || .venv-browser/bin/python -m bench.chart
	test ! -x .venv-browser/bin/playwright || .venv-browser/bin/python -m bench.web_desk
	$(BIN)/python -m bench.watch

agreement: $(STAMP)  ## trade for trade as backtesting.py, in an environment of its own
	$(BIN)/python -m bench.agreement

lock: $(STAMP)  ## choose versions anew
	$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate --upgrade --quiet -o requirements.lock

clean:
	rm -rf .venv .venv-extras .venv-browser .venv-fuzz .bench .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
