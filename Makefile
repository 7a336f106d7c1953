# What a developer types. `make demo` and `make test` install what they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: package demo test unit fuzz acceptance build app check bench docs install clean clean-cache fmt lint deny tools

TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
PREFIX ?= /usr/local
# nextest runs each test in a process of its own and says more; plain cargo passes the same tests.
TEST := $(if $(shell cargo nextest --version 2>/dev/null),nextest run,test)
# Everything big that is made once and kept between runs.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dam-build

build: ## Builds the one static binary, target/release/dam.
	@scripts/apt-install gcc=gcc,libc6-dev
	cargo build --release --package dam
	@mkdir -p target/release
	@cp target/$(TARGET)/release/dam target/release/dam

app: build ## Packs the binary as an app, target/app/dam-VERSION.CRC.dam: see docs/products.md.
	@scripts/pack-app target/release/dam target/app

# What is said on make's own command line: a VERSION in the environment is somebody else's.
given = $(1)='$(if $(filter command,$(firstword $(origin $(1)))),$($(1)))'
package: build ## Packages Docker Engine into target/engine, of ARCHIVE= or RECIPE=: see docs/engine.md.
	@env CACHE=$(CACHE) $(foreach name,RECIPE ARCHIVE SHA256 COMPOSE VERSION,$(call given,$(name))) scripts/package target/release/dam

demo: build ## Shows the main job on a real Docker engine, its own if none answers.
	@scripts/apt-install docker=docker.io dockerd=docker.io busybox=busybox-static curl
	@export DAM_BIN=$(CURDIR)/target/release; \
	if docker version >/dev/null 2>&1; then demo/run; else scripts/private-docker demo/run; fi

tools:
	@scripts/apt-install gcc=gcc,libc6-dev docker=docker.io dockerd=docker.io podman busybox=busybox-static docker-registry nginx=nginx-light skopeo umoci zstd openssl file git mkfs.ext4=e2fsprogs shellcheck xz=xz-utils rpm rpmbuild=rpm gpg=gnupg dnf createrepo_c=createrepo-c

test: tools ## Passes all tests that need no booted distribution.
	cargo $(TEST) --workspace --features dam/fault-points --no-fail-fast
	cargo test --workspace --doc --quiet

unit: ## Passes the tests that need nothing but the compiler.
	cargo $(TEST) --workspace --lib --bins

# 10 minutes for each of the parsers, two at a time: an hour for all of them.
SECONDS_EACH ?= 600
fuzz: ## Fuzzes every parser for SECONDS_EACH seconds; fuzz/run does so with one of them.
	fuzz/run --seconds $(SECONDS_EACH)

acceptance: build tools ## Passes the heavy tests: the release binary in an empty chroot, the demo, newer engines, packages on booted Debians.
	@scripts/apt-install mmdebstrap shellcheck
	CACHE=$(CACHE) tests/engines
	CACHE=$(CACHE) tests/packages
	CACHE=$(CACHE) tests/smoke
	CACHE=$(CACHE) tests/lint
	tests/acceptance

check: fmt lint deny ## What CI asks besides the tests.
fmt:
	cargo fmt --all --check
lint:
	cargo clippy --workspace --all-targets --features dam/fault-points -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --quiet
deny:
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --quiet
	cargo deny check bans licenses sources

docs: ## Writes docs/commands and the man pages from the definitions.
	cargo run --quiet --package dam -- docs docs/commands

bench: build tools ## Measures against the peers and prints ratios.
	CACHE=$(CACHE) bench/run

install: build ## Installs dam, its man pages and completions under PREFIX.
	install -D -m 755 target/release/dam $(DESTDIR)$(PREFIX)/bin/dam
	target/release/dam man $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	target/release/dam completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/dam

clean: ## Removes what was built.
	cargo clean
clean-cache: ## Removes what the tests and benchmarks keep between runs.
	rm -rf $(CACHE)
