# The core alone, without R: its tests, natively, under sanitizers, and on ARM by an emulator.
#   make -f dev/core.mk test       build and run; `only=kernels` runs some
#   make -f dev/core.mk sanitize   the same under the address and undefined behaviour sanitizers
#   make -f dev/core.mk arm        the same for 64-bit ARM (needs g++-aarch64-linux-gnu, qemu-user)
#   make -f dev/core.mk trust      build the program of dev/trust/core; `variant=sanitize` etc. another way

export NNCONV_CASES = tests/testthat/cases

eigen := $(shell Rscript -e 'cat(system.file("include", package = "RcppEigen"))')
core := $(shell find src/core -name '*.cpp')
headers := $(shell find src/core tests/core dev/trust/core -name '*.hpp')

# How it is built and run, by variant.
variant := plain
flags_plain := -O2
flags_sanitize := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
flags_arm := -O2 -static
compiler_arm := aarch64-linux-gnu-g++
runner_arm := qemu-aarch64
CXX := $(or $(compiler_$(variant)),g++)
CXXFLAGS := -std=gnu++17 -g -Wall -Wextra -Wno-maybe-uninitialized -fopenmp $(flags_$(variant))

folder := build/core/$(variant)
objects_of = $(patsubst %.cpp,$(folder)/%.o,$(core) $(wildcard $(1)/*.cpp))

.PHONY: test sanitize arm trust

test: $(folder)/core-tests
	@$(runner_$(variant)) $(folder)/core-tests $(only)

sanitize arm:
	@$(MAKE) --no-print-directory -f dev/core.mk variant=$@ test

trust: $(folder)/trust

$(folder)/core-tests: $(call objects_of,tests/core)
$(folder)/trust: $(call objects_of,dev/trust/core)

# The program counts the parallel regions of GCC's OpenMP on their way to it (regions.cpp).
$(folder)/trust: LDFLAGS := -Wl,--wrap=GOMP_parallel

$(folder)/core-tests $(folder)/trust:
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^

$(folder)/%.o: %.cpp $(headers)
	@mkdir -p $(@D)
	@$(CXX) $(CXXFLAGS) -Isrc/core -Itests/core -Idev/trust/core -isystem $(eigen) -c -o $@ $<
