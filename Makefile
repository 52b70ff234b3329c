# SPDX-License-Identifier: MIT OR Apache-2.0
#
# All that a person types. Each target brings what it needs; the work is done by
# small scripts in scripts/. The module's own makefile is Kbuild.

# Paths with a space cannot be handed through the kernel's makefiles.
ifneq ($(words $(CURDIR)),1)
$(error the path of this checkout, '$(CURDIR)', has a space in it, which the kernel's build cannot handle: move the checkout)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory --no-builtin-rules
# Our flags and jobs are no business of the kernel's make and of cargo.
unexport MAKEFLAGS MFLAGS MAKELEVEL

PREFIX ?= /usr/local
export DESTDIR PREFIX KDIR MINUTES PLOT

## See it work
.PHONY: demo
demo: ## Run the wiki's example in a VM: two nodes, a bridge, a ping, the counters
	@scripts/with-vm scripts/demo

.PHONY: vm
vm: vm-possible ## Open a shell in the VM, with the module loaded and the tool at hand
	@scripts/with-vm scripts/vm/shell

# Before anything is built for it.
.PHONY: vm-possible
vm-possible:
	@scripts/vm/shell --possible

## Build
.PHONY: kernel
kernel: ## Fetch and build the kernel for the VM, and say where it is
	@scripts/setup/kernel --describe

.PHONY: kmod
kmod: ## Build the kernel module
	@scripts/kmod $(if $(CLIPPY),clippy,build)

.PHONY: kdoc
kdoc: ## Render the module's documentation from its sources, private items too
	@scripts/kmod doc

.PHONY: cli
cli: ## Build the command-line tool
	@scripts/cli

.PHONY: spec
spec: ## Generate from docs/netlink/pernet.yaml: constants of both sides, syzkaller's description, a reference
	@scripts/spec

.PHONY: docs
docs: ## Build the guide in docs/guide, and check its links
	@scripts/docs

## Test
.PHONY: test
test: ## Run every test and end with the count: check, test-cli, test-setup, test-vm
	@scripts/test

.PHONY: check
check: ## Formatting, clippy for both sides, rustdoc, shellcheck: warnings are errors
	@scripts/check

.PHONY: test-cli
test-cli: ## The tool's tests, which need no module
	@scripts/test cli

.PHONY: test-setup
test-setup: ## The tests of set-up and of the VM's harness
	@scripts/test setup

.PHONY: test-vm
test-vm: ## The tests in the VM: the module, and the tool with it
	@scripts/test vm

.PHONY: test-debug
test-debug: ## The module under stress, in kernels that check themselves; apart from the others, and long
	@scripts/test debug

.PHONY: test-debian
test-debian: ## The tests in the VM with Debian's kernel as it is (KDIR=debian:RELEASE); apart from the others
	@scripts/test debian

.PHONY: test-deb
test-deb: ## The packages in a clean Debian 13, and in the VM with its kernel; root; apart from the others
	@scripts/test deb

.PHONY: test-bare
test-bare: ## Run `make demo` in a Debian with nothing but make (SUITE=trixie, AS=user); root, 20 minutes
	@tests/setup/debian-root $(if $(filter user,$(AS)),--user) $(or $(SUITE),trixie)

.PHONY: fuzz
fuzz: ## Feed the control channel's decoder with packets (MINUTES=5)
	@scripts/fuzz

.PHONY: bench
bench: cli ## Measure the tool beside ip, CORE (CORE_BIN=its folder) and C that does the least
	@tests/bench/run

.PHONY: bench-kernel
bench-kernel: ## Measure the module, in User-mode Linux, beside nftables and /proc/net/dev (PLOT=its file)
	@tests/bench/kernel/run

## Around it
.PHONY: rust-analyzer
rust-analyzer: ## Write rust-project.json, from which editors understand kmod/
	@scripts/kmod rust-analyzer

.PHONY: install
install: ## Install the tool, its manuals, CORE's names for it, and the module where the kernel fits (DESTDIR, PREFIX)
	@scripts/install

.PHONY: deb
deb: ## Make Debian packages in build/deb: pernet, and pernet-dkms, which builds the module for each kernel
	@scripts/deb

.PHONY: clean
clean: ## Remove what was built in this checkout
	@scripts/clean

.PHONY: distclean
distclean: clean ## Remove also the kernels and tools in the cache
	@scripts/clean --cache

.PHONY: help
help: ## Show this
	@scripts/help $(firstword $(MAKEFILE_LIST))
