# What can be done in a checkout; `make help` prints it from the comments beside the targets.
# Needs GNU make, a Python 3.12 or newer (found by tools/find-python), and for the demo and the
# control-plane tests Go 1.26 or the binaries it builds.

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PYTHON := $(BIN)/python
STAMP := .venv/.complete
LOCKS := requirements.txt requirements-dev.txt requirements-ldap.txt
CODE := accounts apps fleet kubecarrier monitoring tools manage.py
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header

.PHONY: help setup demo demo-clean test test-all lint format types contracts migrations schema \
	lock messages packages controlplane bench clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- once -----------------------------------------------------------------------------------

setup: $(STAMP) ## Make .venv from the hashed locks, and the console's editor; at once when nothing changed
	@tools/frontend

$(STAMP): $(LOCKS) pyproject.toml tools/setup tools/find-python tools/ldap
	@tools/setup

packages: ## Install the Debian packages that some tests need (as root; else say which)
	@tools/packages

controlplane: $(STAMP) ## Build the Kubernetes binaries (about 11 minutes, once)
	@$(PYTHON) -m tools.controlplane build

# -- see it work ----------------------------------------------------------------------------

demo: setup ## Two real clusters and the portal with an application; KUBECONFIG=file: your own
	@$(PYTHON) -m tools.demo run $(if $(filter command line,$(origin KUBECONFIG)),--kubeconfig '$(KUBECONFIG)') \
		$(if $(DEMO_PORT),--port $(DEMO_PORT)) $(if $(DEMO_EXIT),--exit)

demo-clean: $(STAMP) ## Remove everything the demo keeps (var/demo)
	@$(PYTHON) -m tools.demo clean

# -- check ----------------------------------------------------------------------------------

test: $(STAMP) ## All tests but the slow ones: on SQLite, and rows on PostgreSQL too
	@tools/packages
	@tools/test

test-all: $(STAMP) ## The slow tests too
	@tools/packages
	@tools/test -m ''

lint: $(STAMP) ## Ruff, its formatter, the templates, bandit
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "error: not formatted; run: make format"; exit 1; }
	@# bandit's low severities are ruff's S rules, answered line by line there
	@$(BIN)/bandit --quiet -ll -r $(CODE)
	@if find templates -name '*.html' | grep -q .; then $(BIN)/djlint --quiet --lint templates; fi

format: $(STAMP) ## Format the code
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

types: $(STAMP) ## Mypy, strict
	@$(BIN)/mypy .

contracts: $(STAMP) ## The layers: who may import whom
	@$(BIN)/lint-imports

migrations: $(STAMP) ## Fail when a model changed without a migration
	@DJANGO_SETTINGS_MODULE=kubecarrier.settings.test $(PYTHON) manage.py makemigrations --check --dry-run --skip-checks

schema: $(STAMP) ## Check the OpenAPI document, without one warning
	@DJANGO_SETTINGS_MODULE=kubecarrier.settings.test $(PYTHON) manage.py spectacular --skip-checks \
		--validate --fail-on-warn --file /dev/null

bench: $(STAMP) ## Measure: make bench NAME=inventory (without a name: list them)
	@$(PYTHON) -m bench $(NAME)

# -- keep -----------------------------------------------------------------------------------

lock: $(STAMP) ## Compile requirements*.in to the hashed locks
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) requirements-ldap.in -c requirements.txt -o requirements-ldap.txt

messages: $(STAMP) ## Gather the console's texts for translators (locale/django.pot); LANGUAGE=zh_Hans begins one
	@$(PYTHON) -m tools.messages $(if $(filter command line,$(origin LANGUAGE)),'$(LANGUAGE)')

clean: ## Remove .venv and caches (not var/: see demo-clean)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
