# Tesseract. `make` lists the targets; each one installs what it needs first.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS  += --no-print-directory

GO         ?= go
NPM        ?= npm
MODULE     := github.com/tesseract-desktop/tesseract
EXE        := $(shell $(GO) env GOEXE 2>/dev/null)

# What `make build` embeds: the version, the trust root (a root.json as `vcm init` writes it) and the feed's address.
VERSION    ?= 0.1.0-dev
TRUST_ROOT ?=
FEED       ?=

GOLANGCI   := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

APP_TAGS   := desktop,production,webkit2_41
ROOT64      = $(if $(TRUST_ROOT),$(shell base64 < '$(TRUST_ROOT)' | tr -d '\r\n'))
LDFLAGS     = -s -w -X $(MODULE)/app.Version=$(VERSION) -X $(MODULE)/app.TrustRoot=$(ROOT64) -X $(MODULE)/app.FeedURL=$(FEED)
GOBUILD     = $(GO) build -trimpath -buildvcs=false

FRONTEND_SOURCES := $(shell find frontend -path frontend/node_modules -prune -o -path frontend/dist -prune -o -type f -print 2>/dev/null)
FRONTEND_BUILT   := build/cache/frontend.stamp

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what is missing: system packages, node modules
	@build/scripts/setup.sh

# ---- build ----

$(FRONTEND_BUILT): $(FRONTEND_SOURCES)
	@build/scripts/frontend.sh
	@mkdir -p $(@D) && touch $@

.PHONY: frontend
frontend: setup $(FRONTEND_BUILT) ## build the user interface into frontend/dist

.PHONY: build
build: frontend vcm ## build/bin/tesseract and build/bin/vcm (VERSION= TRUST_ROOT= FEED=)
	$(GOBUILD) -tags $(APP_TAGS) -ldflags "$(LDFLAGS)" -o build/bin/tesseract$(EXE) .

.PHONY: vcm
vcm: ## build/bin/vcm alone, static; needs neither Node nor GTK nor a C compiler
	CGO_ENABLED=0 $(GOBUILD) -ldflags "-s -w -X main.version=$(VERSION)" -o build/bin/vcm$(EXE) ./cmd/vcm

.PHONY: dist
dist: frontend ## stripped binaries for Linux and Windows in build/dist
	@build/scripts/dist.sh "$(APP_TAGS)" "$(LDFLAGS)"

# ---- run ----

.PHONY: demo
demo: setup ## the main job, for real: a running 1.0.0 becomes 1.1.0 while its window is hidden
	@$(GO) run ./e2e/cmd/demo

.PHONY: demo-watch
demo-watch: setup ## the demo at a pace for people
	@$(GO) run ./e2e/cmd/demo -watch

.PHONY: pictures
pictures: setup ## photograph the app anew for docs/
	@$(GO) run ./e2e/cmd/pictures

# ---- prove ----

.PHONY: test
test: test-frontend test-go test-wine test-e2e ## all tests

.PHONY: test-frontend
test-frontend: setup
	cd frontend && $(NPM) run --silent check && $(NPM) run --silent test

.PHONY: test-go
test-go: setup ## Go unit tests
	$(GO) test ./...

# Windows' own files are the updater's: how programs are replaced while they run, pipes, locks, what is known of the network.
.PHONY: test-wine
test-wine: setup ## the updater's tests as Windows programs, under Wine (Linux on amd64); RUN=pattern picks some
	@build/scripts/wine.sh env GOOS=windows GOARCH=amd64 CGO_ENABLED=0 \
	  $(GO) test -exec wine -short -ldflags '-s -w' -timeout 15m $(if $(RUN),-count=1 -run '$(RUN)' -v) ./updater/...

# A handover in front of the user is judged by single frames and keys, which a busy machine spoils: make test-e2e RUN=TestVisible, on a quiet one.
.PHONY: test-e2e
test-e2e: setup ## built binaries in a real window; RUN=pattern picks some
	$(GO) test -tags e2e -count=1 -timeout 30m $(if $(RUN),-run '$(RUN)' -v,-skip TestVisible) ./e2e/...
	$(GO) test -tags e2e -count=1 -timeout 10m -run '$(or $(RUN),S3|Bucket)' ./vcm/sync ./cmd/vcm

.PHONY: bench
bench: setup ## benchmarks; the numbers go to build/bench/go.txt too
	@mkdir -p build/bench
	$(GO) test -run '^$$' -bench . -benchmem ./... | { grep -v 'no test files' || true; } | tee build/bench/go.txt

.PHONY: patcher
patcher:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w" -o build/bin/patcher ./updater/delta/patcher

.PHONY: bench-delta
bench-delta: setup vcm patcher ## patches beside bsdiff, xdelta3 and zstd on real programs; figures in build/bench/delta.json (ARGS=-help)
	@$(GO) run ./e2e/cmd/deltabench $(ARGS)

.PHONY: bench-transport
bench-transport: setup ## downloads beside curl and aria2c over slow and lossy networks; docs/transport.md (ARGS=-help)
	@$(GO) run ./e2e/cmd/transportbench $(ARGS)

.PHONY: kill-matrix
kill-matrix: ## kill an updating program at every call that changes a file, fail each of these calls, cut the power after each (ARGS=-help)
	@$(GO) run ./e2e/killmatrix/run $(ARGS)

.PHONY: lint
lint: setup ## go vet for each system, golangci-lint with staticcheck, eslint, prettier, svelte-check
	$(GO) vet ./...
	GOOS=windows CGO_ENABLED=0 $(GO) vet ./...
	$(GOLANGCI) run
	cd frontend && $(NPM) run --silent lint && $(NPM) run --silent check

.PHONY: clean
clean: ## remove what was built
	rm -rf build/bin build/demo build/bench build/dist build/cache
