# The core alone, without R: its tests, natively, under sanitizers, and on ARM by an emulator.
#   make -f dev/core.mk test       build and run; `only=kernels` runs some
#   make -f dev/core.mk sanitize   the same under the address and undefined behaviour sanitizers
#   make -f dev/core.mk arm        the same for 64-bit ARM (needs g++-aarch64-linux-gnu, qemu-user)

export NNCONV_CASES = tests/testthat/cases

eigen := $(shell Rscript -e 'cat(system.file("include", package = "RcppEigen"))')
sources := $(shell find src/core tests/core -name '*.cpp')
headers := $(shell find src/core tests/core -name '*.hpp')

variant := plain
CXX := g++
flags_plain := -O2
flags_sanitize := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
flags_arm := -O2 -static
CXXFLAGS := -std=gnu++17 -g -Wall -Wextra -Wno-maybe-uninitialized -fopenmp $(flags_$(variant))

folder := build/core/$(variant)
objects := $(sources:%.cpp=$(folder)/%.o)

.PHONY: test sanitize arm

test: $(folder)/core-tests
	@$(runner) $(folder)/core-tests $(only)

sanitize:
	@$(MAKE) --no-print-directory -f dev/core.mk variant=sanitize test

arm:
	@$(MAKE) --no-print-directory -f dev/core.mk variant=arm CXX=aarch64-linux-gnu-g++ \
	  runner=qemu-aarch64 test

$(folder)/core-tests: $(objects)
	@$(CXX) $(CXXFLAGS) -o $@ $^

$(folder)/%.o: %.cpp $(headers)
	@mkdir -p $(@D)
	@$(CXX) $(CXXFLAGS) -Isrc/core -isystem $(eigen) -c -o $@ $<
