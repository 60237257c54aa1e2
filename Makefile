# moulin: bare `make` lists what can be done here.
SHELL := /bin/bash
BUILD := build
PREFIX ?= /usr/local
CACHE := $(or $(MOULIN_CACHE),.cache)

.PHONY: help setup build package-files install archive demo test test-fast interop bench format check-style clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what the build needs (Debian, Ubuntu)
	@tools/setup

build: ## build the program: build/moulin
	@tools/setup --check || tools/setup
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) >$(BUILD)-setup.log 2>&1 || { cat $(BUILD)-setup.log; exit 1; }
	@rm -f $(BUILD)-setup.log
	@ninja -C $(BUILD) --quiet
	@mkdir -p $(BUILD)/lib
	@for file in libduckdb.so httpfs.duckdb_extension; do \
	    cmp -s $(CACHE)/duckdb/$$file $(BUILD)/lib/$$file || cp $(CACHE)/duckdb/$$file $(BUILD)/lib/ || exit 1; done

package-files: build ## make what `moulin package` needs beside the program (a small libcurl); `make install` then installs it
	@tools/setup package
	@install -D -m 755 $(BUILD)/bootstrap $(BUILD)/lib/package/bootstrap
	@install -D -m 755 $(CACHE)/package/libcurl.so.4 $(BUILD)/lib/package/libcurl.so.4

install: build ## install under PREFIX (/usr/local)
	install -D -m 755 $(BUILD)/moulin $(DESTDIR)$(PREFIX)/bin/moulin
	install -D -m 644 $(BUILD)/lib/libduckdb.so $(DESTDIR)$(PREFIX)/lib/moulin/libduckdb.so
	install -D -m 644 $(BUILD)/lib/httpfs.duckdb_extension $(DESTDIR)$(PREFIX)/lib/moulin/httpfs.duckdb_extension
	@if [ -f $(BUILD)/lib/package/libcurl.so.4 ]; then \
	    install -D -m 755 -t $(DESTDIR)$(PREFIX)/lib/moulin/package $(BUILD)/bootstrap $(BUILD)/lib/package/libcurl.so.4; \
	else echo "make package-files, then make install again, for moulin package"; fi

archive: package-files ## write build/moulin-VERSION-linux-ARCH.tar.gz: the program with its libraries, for CI runners
	@BUILD=$(BUILD) tools/archive

demo: build ## write a project into ./demo, run the chess pipeline, show the result (LIVE=1 asks the real API)
	@tools/demo

test: ## everything that decides whether the tree is good (under 15 minutes on 2 cores)
	@tools/setup test
	@tests/run all

test-fast: build ## the inner loop: unit tests, layers, vector suites
	@tests/run fast

interop: ## the heavy counterparts (AWS among them), and the kill loops at full length
	@tools/setup interop
	@tests/run interop

bench: build ## measure against the replaced tools; writes bench/RESULTS.md
	@tools/setup test
	@bench/run

format: ## format all C sources
	@clang-format -i $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]')

clean: ## remove what was built
	rm -rf build build-clang build-asan demo
