# The daily work on nnconv. `make help` names the targets.

SHELL := /bin/bash
export LC_COLLATE := C

cpp_files = $(shell find src tests/core dev/trust -regex '.*[.]\(h\|hpp\|cpp\)' ! -name RcppExports.cpp)
pictures = build/demo

.NOTPARALLEL:

.PHONY: all help demo pictures test bench trust trust-quick trust-mutants check lint format document site \
  core-test r-test downstream-test install clean

all: format document lint test  ## format, document, lint and test (the default)

help:  ## name the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: setup-run install  ## set up, install and run the examples on real data; pictures in build/demo
	@for demo in terrain upsampling sunspots; do \
	  R_LIBS="$(CURDIR)/build/lib$${R_LIBS:+:$$R_LIBS}" Rscript "dev/demo/$$demo.R" "$(pictures)" || exit 1; \
	done

pictures: install  ## the pictures of the manual, man/figures, anew; needs pngquant
	@R_LIBS="$(CURDIR)/build/lib$${R_LIBS:+:$$R_LIBS}" Rscript dev/pictures/figures.R

test: setup-test install  ## set up, install and run every test; closes with `N passed, N failed, N skipped`
	@dev/test.sh

core-test:  ## the core's own C++ tests alone
	@$(MAKE) -j2 --no-print-directory -f dev/core.mk test

r-test: install  ## the R tests alone; `make r-test only=threads` runs test-threads.R
	@R_LIBS="$(CURDIR)/build/lib$${R_LIBS:+:$$R_LIBS}" Rscript dev/run-tests.R nnconv $(only)

downstream-test: install  ## the tests of tests/downstream alone, a package that uses nnconv's header
	@dev/downstream.sh

bench: install  ## speed beside PyTorch's and R's packages; `make bench with="only=3x3"`
	@R_LIBS="$(CURDIR)/build/lib$${R_LIBS:+:$$R_LIBS}" Rscript bench/run.R '$(with)'

trust: setup-trust install  ## every risk tried, with a table (hours); `make trust with="9 fork"` some rows
	@$(MAKE) -j2 --no-print-directory -f dev/core.mk trust
	@R_LIBS="$(CURDIR)/build/lib$${R_LIBS:+:$$R_LIBS}" Rscript dev/trust/run.R full $(with)

trust-quick: setup-trust install  ## a sample of every risk, in a few minutes
	@$(MAKE) -j2 --no-print-directory -f dev/core.mk trust
	@R_LIBS="$(CURDIR)/build/lib$${R_LIBS:+:$$R_LIBS}" Rscript dev/trust/run.R quick $(with)

trust-mutants: setup-trust install  ## seeded faults, which the rows must catch
	@dev/trust/mutants.sh $(with)

check: setup-develop  ## R CMD build and R CMD check --as-cran
	@dev/check.sh

lint:  ## the house's rules, one script each in dev/lint
	@dev/lint.sh

format:  ## clang-format on the C++ files, in place
	@clang-format -i $(cpp_files)

document: setup-develop  ## RcppExports, NAMESPACE and man from their sources
	@Rscript dev/document.R .

site: setup-site install  ## the site, into build/site, and every page of it looked at in Chromium
	@R_LIBS="$(CURDIR)/build/lib$${R_LIBS:+:$$R_LIBS}" Rscript dev/site.R
	@/usr/bin/python3 dev/site-check.py

install: setup-run  ## build and install into build/lib
	@dev/install.sh

setup-%:
	@dev/setup.sh $*

clean:  ## remove what was built
	@rm -rf build
	@find src tests/core -name '*.o' -delete -o -name '*.so' -delete
