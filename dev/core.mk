# The core alone, without R: its tests, natively, under sanitizers, and on ARM by an emulator.
#   make -f dev/core.mk test       build and run; `only=kernels` runs some
#   make -f dev/core.mk sanitize   the same under the address and undefined behaviour sanitizers
#   make -f dev/core.mk arm        the same for 64-bit ARM (needs g++-aarch64-linux-gnu, qemu-user)
#   make -f dev/core.mk trust      build the program of dev/trust/core; `variant=sanitize` etc. another way
#   make -f dev/core.mk variant=fuzz fuzz   the same as a target of libFuzzer

export NNCONV_CASES = tests/testthat/cases

eigen := $(shell Rscript -e 'cat(system.file("include", package = "RcppEigen"))')
core := $(shell find src/core -name '*.cpp')
headers := $(shell find src/core tests/core dev/trust/core -name '*.hpp')

# How it is built and run, by variant.
variant := plain
flags_plain := -O2
sanitize := address,undefined,float-cast-overflow -fno-sanitize-recover=all
flags_sanitize := -O1 -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS -fsanitize=$(sanitize)
flags_fuzz := $(flags_sanitize) -fsanitize=fuzzer-no-link
flags_races := -O1 -fsanitize=thread
flags_arm := -O2 -static
compiler_arm := aarch64-linux-gnu-g++
runner_arm := qemu-aarch64
compiler_fuzz := clang++
compiler_races := clang++
CXX := $(or $(compiler_$(variant)),g++)
CXXFLAGS := -std=gnu++17 -g -Wall -Wextra -Wno-maybe-uninitialized -Wno-unknown-warning-option -fopenmp $(flags_$(variant))

folder := build/core/$(variant)
objects_of = $(patsubst %.cpp,$(folder)/%.o,$(core) $(wildcard $(1)/*.cpp))

.PHONY: test sanitize arm trust fuzz races

test: $(folder)/core-tests
	@$(runner_$(variant)) $(folder)/core-tests $(only)

sanitize arm:
	@$(MAKE) --no-print-directory -f dev/core.mk variant=$@ test

trust: $(folder)/trust $(folder)/trust-exact
fuzz: $(folder)/fuzz $(folder)/trust-exact
races: $(folder)/parallel-tests

# With blocks of memory that show what reaches over their ends.
trust_objects := $(call objects_of,dev/trust/core)
exact_objects := $(filter-out %/src/core/blocks.o,$(trust_objects)) $(folder)/dev/trust/exact/blocks.o
$(folder)/core-tests: $(call objects_of,tests/core)
$(folder)/trust: $(trust_objects)
$(folder)/trust-exact: $(exact_objects)
$(folder)/fuzz: $(filter-out %/main.o,$(exact_objects))
# The tests of the one file with threads.
parallel_parts := src/core/cpu src/core/parallel tests/core/main tests/core/test_parallel
$(folder)/parallel-tests: $(parallel_parts:%=$(folder)/%.o)

# The program counts the parallel regions of GCC's OpenMP on their way to it (regions.cpp).
$(folder)/trust $(folder)/trust-exact: link_flags := -Wl,--wrap=GOMP_parallel
$(folder)/fuzz: link_flags := -fsanitize=fuzzer

$(addprefix $(folder)/,core-tests trust trust-exact fuzz parallel-tests):
	@$(CXX) $(CXXFLAGS) $(link_flags) -o $@ $^

$(folder)/%.o: %.cpp $(headers)
	@mkdir -p $(@D)
	@$(CXX) $(CXXFLAGS) -Isrc/core -Itests/core -Idev/trust/core -isystem $(eigen) -c -o $@ $<
