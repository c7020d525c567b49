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
sanitize := address,undefined -fno-sanitize-recover=undefined
flags_sanitize := -O1 -fsanitize=$(sanitize)
flags_sanitize-clang := $(flags_sanitize)
flags_races := -O1 -fsanitize=thread
flags_memory := -O1 -fsanitize=memory -fno-openmp
flags_fuzz := -O1 -fsanitize=fuzzer-no-link,$(sanitize) -fno-openmp
flags_arm := -O2 -static
compiler_arm := aarch64-linux-gnu-g++
runner_arm := qemu-aarch64
$(foreach variant,sanitize-clang races memory fuzz,$(eval compiler_$(variant) := clang++))
CXX := $(or $(compiler_$(variant)),g++)
CXXFLAGS := -std=gnu++17 -g -Wall -Wextra -Wno-maybe-uninitialized -Wno-unknown-warning-option -fopenmp $(flags_$(variant))

folder := build/core/$(variant)
objects_of = $(patsubst %.cpp,$(folder)/%.o,$(core) $(wildcard $(1)/*.cpp))

.PHONY: test sanitize arm trust fuzz

test: $(folder)/core-tests
	@$(runner_$(variant)) $(folder)/core-tests $(only)

sanitize arm:
	@$(MAKE) --no-print-directory -f dev/core.mk variant=$@ test

trust: $(folder)/trust
fuzz: $(folder)/fuzz

trust_objects := $(call objects_of,dev/trust/core)
$(folder)/core-tests: $(call objects_of,tests/core)
$(folder)/trust: $(trust_objects)
$(folder)/fuzz: $(filter-out %/main.o,$(trust_objects))

# The program counts the parallel regions of GCC's OpenMP on their way to it (regions.cpp).
$(folder)/trust: link_flags := -Wl,--wrap=GOMP_parallel
$(folder)/fuzz: link_flags := -fsanitize=fuzzer

$(folder)/core-tests $(folder)/trust $(folder)/fuzz:
	@$(CXX) $(CXXFLAGS) $(link_flags) -o $@ $^

$(folder)/%.o: %.cpp $(headers)
	@mkdir -p $(@D)
	@$(CXX) $(CXXFLAGS) -Isrc/core -Itests/core -Idev/trust/core -isystem $(eigen) -c -o $@ $<
