# Every target sets itself up: all it needs is make and a Python of 3.11 to 3.13.
# The system tests' broker runs in a container where an engine has its image; BROKER=container or =embedded chooses.

PACKAGES := schemas scorecard streams drift training ledger gateway loan_client loanctl
BIN := .venv/bin
SYNCED := .venv/.synced
WARM := .venv/.warm
# Sources of kernels: numba compiles those anew that are younger than what it has compiled.
KERNELS = $(shell grep -rlE '^@(kernel|inline)$$' --include='*.py' $(PACKAGES))
CLASSES := .venv/.classes
QUIX := build/quix/.synced
SPARK := build/spark/.synced
PEERS := build/peers/.synced
# uv lives apart from what it manages, so that a sync may be exact.
TOOLS := .cache/tools
UV := $(TOOLS)/bin/uv
# A third of a system test is waiting, so three share two cores. A file stays with one process, which has a broker of its
# own; files begin in the order of tests/conftest.py, the longest first.
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder
IMAGE ?= loan-decisions:latest
# The release that `make upgrade` begins with: the first with a ledger and a gateway.
BEFORE ?= e62c9d5
WORKER_IMAGE ?= loan-decisions-worker:latest

# The first suitable interpreter; 3.11 is the one that most runs are made with.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& command -v $$name && break; done)

ifdef BROKER
export LOAN_TEST_BROKER := $(BROKER)
endif

# Where it is set, each of the hundreds of processes compiles a thousand modules anew: half of its start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test programs unit slow contract system chaos schedulers kubernetes terraform upgrade fuzz lint format types layers scan declarations docs docs-serve bench up down image images compose-check lock clean

help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(SYNCED) ## Python environment, as the lock file says; every other target does this first.

demo: $(WARM) ## The whole story on real Kafka: train, decide, drift, retrain, swap. Summary in build/demo.json.
	@$(BIN)/loanctl demo

test: ## Lint, types, layers, then all tests but the long ones, on a real broker.
	@$(MAKE) --no-print-directory -j 2 lint types layers programs $(WARM) $(CLASSES) $(QUIX)
	@$(BIN)/pytest -m "not chaos" $(PARALLEL)

programs: ## Programs that some tests run (promtool, Alertmanager, Chromium): from Debian's packages, as root.
	@deploy/tools/programs

unit: $(WARM) ## The quick part of the tests: nothing is started, trained or simulated.
	@$(BIN)/pytest -m "not system and not slow and not chaos" $(PARALLEL)

slow: programs $(WARM) ## Tests that start a program, train or simulate, and need no broker.
	@$(BIN)/pytest -m "slow and not system and not chaos" $(PARALLEL)

contract: $(WARM) ## Doubles and the real thing, by the same tests.
	@$(BIN)/pytest tests/contracts

system: $(WARM) $(CLASSES) $(QUIX) ## Tests that need the real broker.
	@$(BIN)/pytest -m "system and not chaos" $(PARALLEL)

chaos: $(WARM) $(CLASSES) $(SPARK) ## Every fault alone and mixed, three seeds, results in build/chaos.json; then the long forms of tests. An hour.
	@$(BIN)/python -m tests.chaos
	@$(BIN)/pytest -m chaos

schedulers: $(WARM) ## The examples for Airflow and Prefect, by the real libraries, which it installs beside the project.
	@$(UV) venv --quiet --allow-existing --python "$(PYTHON)" build/airflow
	@$(UV) pip install --quiet --python build/airflow/bin/python "apache-airflow>=3.1,<4"
	@$(UV) venv --quiet --allow-existing --python "$(PYTHON)" build/prefect
	@$(UV) pip install --quiet --python build/prefect/bin/python "prefect>=3.4,<4"
	@$(BIN)/pytest -m chaos tests/system/test_schedulers.py

kubernetes: $(WARM) ## The manifests on a real API server, which it builds with Go and Maven the first time: some ten minutes.
	@deploy/tools/api_server
	@$(BIN)/pytest -m chaos tests/system/test_api_server.py

terraform: $(SYNCED) ## The Kafka module validated and planned by OpenTofu, which it builds with Go the first time: some six minutes.
	@deploy/tools/terraform
	@$(BIN)/pytest -m chaos tests/system/test_terraform_plan.py

upgrade: $(WARM) ## From an earlier release (BEFORE=COMMIT) to this one, as docs/upgrade.md has it, on what that one has left.
	@rm -rf build/before && mkdir -p build/before
	@git archive $(BEFORE) | tar -x -C build/before
	@$(UV) sync --quiet --frozen --project build/before --python "$(PYTHON)" --no-python-downloads
	@$(BIN)/pytest -m chaos tests/system/test_upgrade.py

fuzz: $(SYNCED) ## A minute of fuzzing by coverage (atheris) of each target in tests/fuzz; findings become cases of `make unit`.
	@for target in codec contract archive bundle csv; do \
		$(UV) run --quiet --frozen --no-sync --with atheris==3.0.0 python -m tests.fuzz $$target -max_total_time=60 || exit 1; \
	done

lint: $(SYNCED) ## ruff: rules and format.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(SYNCED) ## Put into format what can be.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(SYNCED) ## mypy, strict.
	@$(BIN)/mypy $(PACKAGES) tests

layers: $(SYNCED) ## import-linter: who may import whom.
	@$(BIN)/lint-imports

scan: $(SYNCED) ## Secrets, known vulnerabilities, and the bill of materials in build/sbom.json (CycloneDX).
	@$(BIN)/python deploy/security/scan.py

declarations: $(SYNCED) ## Topics, rights and alerts for Kubernetes and Terraform, dashboards and pictures, from the project's own tables.
	@PYTHONPATH=. $(BIN)/python deploy/declarations.py
	@$(BIN)/python deploy/docs/concept_pictures.py

docs: $(SYNCED) ## The documentation as a site, in build/site.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

docs-serve: $(SYNCED) ## The same, served on this machine and built anew at each change.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: $(WARM) $(QUIX) $(PEERS) ## Measurements in build/bench.json; half an hour, and not part of the tests.
	@$(UV) pip install --quiet --python build/quix/bin/python -r tests/bench/contenders/quix-requirements.txt
	@$(BIN)/python -m tests.bench

up: $(WARM) ## Kafka, registry, MLflow, ledger, gateway and desk on this machine.
	@$(BIN)/loanctl up

down: $(SYNCED) ## Stop them.
	@$(BIN)/loanctl down

image: ## The project's images: the worker's, and that of all processes and loanctl.
	docker build --target worker --tag $(WORKER_IMAGE) .
	docker build --target whole --tag $(IMAGE) .

images: $(SYNCED) programs ## Without an image registry: base images made here, then the project's. Needs root and debootstrap.
	PYTHON=$(BIN)/python deploy/images/build

compose-check: $(SYNCED) programs ## The whole system by Compose on images made here, until a thousand applications are decided. Needs root.
	@PYTHON=$(BIN)/python deploy/images/check

lock: $(UV) ## Resolve the dependencies anew.
	@$(UV) lock

clean: ## Remove what was made here; fetched Java archives stay in the user's cache.
	rm -rf .venv .cache build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

$(SYNCED): pyproject.toml uv.lock $(UV)
	@$(UV) sync --frozen --python "$(PYTHON)" --no-python-downloads
	@touch $@

# Before many processes would each do it.
$(WARM): $(SYNCED) $(KERNELS)
	@echo "compiling kernels: about a minute, once"
	@$(BIN)/python -m tests.warm
	@touch $@

# Tests start broker and registry again and again, each time in 4.7 s of processor time instead of 7.9.
$(CLASSES): $(SYNCED)
	@$(BIN)/python -m tests.class_archives
	@touch $@

# Quix Streams wants an older Kafka client than ours: a test of the documentation's clients, and the bench, run it apart.
$(QUIX): tests/system/quix-requirements.txt $(UV)
	@$(UV) venv --quiet --allow-existing --python "$(PYTHON)" build/quix
	@$(UV) pip install --quiet --python build/quix/bin/python -r $< \
		&& touch $@ || echo "not installed, so its test will be skipped: Quix Streams"

# Published explainers, which the bench compares; FastTreeSHAP is compiled, and wants a NumPy before 2.
$(PEERS): tests/bench/contenders/peers-requirements.txt tests/bench/contenders/fasttreeshap-requirements.txt $(UV)
	@$(UV) venv --quiet --allow-existing --python "$(PYTHON)" build/peers
	@$(UV) venv --quiet --allow-existing --python "$(PYTHON)" build/fasttreeshap
	@$(UV) pip install --quiet --python build/peers/bin/python -r $< \
		&& $(UV) pip install --quiet --python build/fasttreeshap/bin/python "numpy<2" cython setuptools wheel \
		&& $(UV) pip install --quiet --python build/fasttreeshap/bin/python --no-build-isolation-package fasttreeshap \
			-r tests/bench/contenders/fasttreeshap-requirements.txt \
		&& touch $@ || echo "not installed, so left out of the bench: explainers of others"

# Half a gigabyte that one long test needs, and that Hyperopt would import wherever it finds it.
$(SPARK): uv.lock $(UV)
	@mkdir -p build
	@$(UV) export --quiet --frozen --extra spark --no-dev --no-emit-project --no-hashes | grep -E '^(pyspark|py4j)==' > build/spark.txt \
		&& $(UV) pip install --quiet --target build/spark --no-deps -r build/spark.txt \
		&& touch $@ || echo "not installed, so its test will be skipped: PySpark"

# Whatever pip is told of indexes and certificates by its own settings holds here.
$(UV):
	@test -n "$(PYTHON)" || { echo "make: no Python of 3.11 to 3.13 was found" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.8,<1"
