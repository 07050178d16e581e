# One command per need; `make help` lists them. Everything runs in .venv, which is made from the pinned lock.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BUF_VERSION := 1.75.0
CYCLONEDX_VERSION := 7.5.0
IMAGE ?= quic-p2p-sidecar:dev
BASE_IMAGE ?= python:3.11-slim
# The client on PATH where it can build, else Debian's, which needs no buildx plugin.
DOCKER ?= $(shell docker buildx version >/dev/null 2>&1 && echo docker || echo /usr/bin/docker)
# Tests that need namespaces or an engine of their own, or take long; .ci/run empties this and runs them too.
TESTS_LEFT_OUT ?= not lab and not docker and not slow and not clients
TESTS ?= tests
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test check format proto bench image sbom docker-test lab-test slow-test clients-test conformance clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements-dev.lock pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; name it: make PYTHON=python3.11 ..." >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV) (once)"; $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python -e .
	@touch $@

demo: $(READY) ## three sidecars find each other and apps talk through them
	$(BIN)/python -m demo

test: $(READY) ## the tests, within 10 minutes
	$(PYTEST) -m "$(TESTS_LEFT_OUT)" $(TESTS)

lab-test: $(READY) ## the tests that make network namespaces (root)
	$(PYTEST) -m lab tests

slow-test: $(READY) ## the tests that take long
	$(PYTEST) -m slow tests

clients-test: $(READY) ## the clients of other languages, each with its toolchain
	$(PYTEST) -m clients tests

conformance: $(READY) ## every client against every other; LANGS=go,python plays these, K="messages and lean" some cases
	LANGS="$(LANGS)" $(PYTEST) -q -m clients tests/conformance $(if $(K),-k "$(K)")

docker-test: $(READY) ## the image and docker-compose.yml on a real engine (root)
	$(PYTEST) -m docker tests

check: $(READY) ## ruff, mypy, and buf where npx is
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@if command -v npx >/dev/null; then \
		echo "buf lint"; cd proto && npx --yes @bufbuild/buf@$(BUF_VERSION) lint; \
	elif [ "$$SIDECAR_TESTS_REQUIRE" = all ]; then \
		echo "buf lint needs npx (Node.js)" >&2; exit 1; \
	else \
		echo "buf lint left out: no npx on PATH"; \
	fi

format: $(READY) ## ruff's formatter and its safe fixes
	$(BIN)/ruff check --fix-only --exit-zero
	$(BIN)/ruff format

proto: $(READY) ## print the generated code from proto/
	$(BIN)/python -m tools.generate_proto
	@if command -v go >/dev/null; then $(BIN)/python -m tools.proto_go; else echo "clients/go left out: no go on PATH"; fi
	@if command -v npm >/dev/null; then $(BIN)/python -m tools.proto_typescript; \
		else echo "clients/typescript left out: no npm on PATH"; fi
	@if command -v cargo >/dev/null; then $(BIN)/python -m tools.proto_rust; else echo "clients/rust left out: no cargo on PATH"; fi
	@if command -v mvn >/dev/null; then $(BIN)/python -m tools.proto_java; else echo "clients/java left out: no mvn on PATH"; fi

bench: $(READY) ## how fast, beside what one would take instead (needs Go, some of them cargo); QUICK=1: under 2 minutes
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(DOCS),--docs) $(BENCH_ARGS)

image: ## the container image
	DOCKER_BUILDKIT=1 $(DOCKER) build --build-arg BASE_IMAGE=$(BASE_IMAGE) -t $(IMAGE) .

sbom: $(READY) ## what the image holds, as CycloneDX: dist/sbom.cdx.json
	@# Of its own environment: the tool must not be listed with what it lists.
	$(PYTHON) -m venv --clear $(VENV)-sbom/tool && $(PYTHON) -m venv --clear --without-pip $(VENV)-sbom/image
	$(VENV)-sbom/tool/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==$(CYCLONEDX_VERSION)
	$(BIN)/python -m pip --python $(VENV)-sbom/image/bin/python install --quiet --disable-pip-version-check \
		-r requirements.lock
	PIP_CONSTRAINT=$(CURDIR)/requirements-dev.lock $(BIN)/python -m pip --python $(VENV)-sbom/image/bin/python install \
		--quiet --disable-pip-version-check --no-deps ./clients/python .
	@mkdir -p dist
	$(VENV)-sbom/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
		--output-reproducible --of JSON -o dist/sbom.cdx.json $(VENV)-sbom/image
	@rm -rf $(VENV)-sbom

clean: ## what was made here, .venv included
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist bench/out bench/bin tests/lab/linkemu \
		clients/rust/target
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
