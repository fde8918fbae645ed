# Fermion's only build file. `make help` lists the targets and variables.
# DEVICE=cuda: a build with CUDA, for the GPU that is there (config cuda), else for the interpreter (config ptx).
ifneq ($(filter-out auto cpu cuda,$(DEVICE))$(filter-out auto none interpreted,$(GPU)),)
  $(error DEVICE is auto, cpu or cuda; GPU is auto, none or interpreted)
endif
gpu := $(if $(filter none interpreted,$(GPU)),,$(wildcard /dev/nvidiactl))
cuda := $(if $(filter cuda,$(DEVICE)),$(if $(gpu),cuda,ptx))
CONFIG := $(or $(cuda),release)$(if $(SAN),-san)
BUILD ?= build/$(CONFIG)
CXXFLAGS := -std=c++20 -O2 -g -Wall -Wextra -Werror -fopenmp -I. -MD -MP
LDFLAGS := -fopenmp
LDLIBS := -ldnnl -lhwy -lfmt
# Every core compiles; an own -j wins.
ifeq ($(MAKELEVEL),0)
  MAKEFLAGS += -j$(shell nproc)
endif
ifneq ($(SAN),)
  # With the checks in between, g++ takes std::regex for uninitialised.
  CXXFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-maybe-uninitialized
  LDFLAGS += -fsanitize=address,undefined
endif

export CUDA_HOME ?= /usr/local/cuda
export NVCC ?= $(CUDA_HOME)/bin/nvcc
ifneq ($(cuda),)
  # So far the tests of the ops and of what carries them.
  ifneq ($(filter-out test clean help setup build/%,$(or $(MAKECMDGOALS),all)),)
    $(error DEVICE=cuda is for `make test` so far; the program runs on the CPU)
  endif
  ifeq ($(shell command -v $(NVCC)),)
    $(error DEVICE=cuda needs nvcc of a CUDA 13 toolkit, and there is no $(NVCC); set CUDA_HOME or NVCC)
  endif
  CUDA_LIB := $(firstword $(wildcard $(CUDA_HOME)/lib64 $(CUDA_HOME)/lib))
  CXXFLAGS += -DFERMION_CUDA=1 -isystem $(CUDA_HOME)/include
  LDFLAGS += -L$(CUDA_LIB) -Wl,--enable-new-dtags,-rpath,$(CUDA_LIB)
  LDLIBS += -l:libcudart.so.13
  NVCCFLAGS := -std=c++20 -O2 -lineinfo -I. -Xcompiler -Wall,-Wextra,-Werror -Werror all-warnings \
    -gencode arch=compute_80,code=$(if $(filter ptx,$(cuda)),compute_80,sm_80 -gencode arch=compute_90,code=[sm_90,compute_90])
  library := $(wildcard kernels/*.cpp engine/*.cpp engine/ops/*.cpp)
  cuda_sources := $(wildcard kernels/*.cu)
  tests := $(wildcard tests/cases/*.cpp) tests/engine/replay_test.cpp
  # The interpreter, where there is no GPU.
  runner := $(if $(filter ptx,$(cuda)),scripts/run)
else
  library := $(filter-out fer/main.cpp,$(wildcard kernels/*.cpp engine/*.cpp engine/ops/*.cpp layers/*.cpp fer/*.cpp fer/datasets/*.cpp fer/synth_faces/*.cpp))
  tests := $(wildcard tests/*_test.cpp tests/*/*.cpp)
endif
ifeq ($(if $(OP),$(wildcard tests/cases/$(OP).cpp),every),)
  $(error There is no op '$(OP)'; choose one of $(sort $(basename $(notdir $(wildcard tests/cases/*.cpp)))))
endif

harness := $(filter-out %_test.cpp,$(wildcard tests/*.cpp))
# The interpreter that stands in for a GPU has tests of its own. They need nvcc.
ptxi := $(if $(OP)$(SAN)$(cuda),,$(and $(shell command -v $(NVCC)),tests/ptxi/tests/run.sh))
objects := $(library:%.cpp=$(BUILD)/%.o) $(cuda_sources:%=$(BUILD)/%.o)
test_binaries := $(tests:%.cpp=$(BUILD)/%)

.PHONY: all build setup train test bench check clean help
all: setup
	@$(MAKE) --no-print-directory build
build: bin/fer

setup:
	@scripts/setup.sh

train: all
	bin/fer train $(if $(DATA),--data "$(DATA)") $(if $(DEVICE),--device $(DEVICE)) $(ARGS)

test: setup
	@$(if $(runner),$(MAKE) --no-print-directory -C tests/ptxi)
	@$(MAKE) --no-print-directory $(if $(cuda),,build) $(if $(OP),$(BUILD)/tests/cases/$(OP),$(test_binaries))
	@$(if $(ptxi),$(MAKE) --no-print-directory -C tests/ptxi tests,$(if $(OP)$(SAN)$(cuda),,echo "no $(NVCC): without it the tests of tests/ptxi are left out"))
	@DEVICE="$(DEVICE)" RUNNER="$(runner)" NVCC="$(NVCC)" scripts/run_tests.sh $(if $(OP),$(BUILD)/tests/cases/$(OP),$(test_binaries) $(ptxi))

bench: all
	@$(MAKE) --no-print-directory $(BUILD)/benchmarks/bench
	@$(BUILD)/benchmarks/bench $(if $(OP),--op $(OP)) $(ARGS)

check:
	@scripts/setup.sh --check
	@$(MAKE) --no-print-directory build
	@scripts/check.sh

clean:
	rm -rf build bin tests/ptxi/build

help:
	@echo "make            install missing packages, then build bin/fer"
	@echo "make build      build bin/fer and install nothing"
	@echo "make setup      install missing packages (as root or through sudo)"
	@echo "make train      train on faces that the program draws; DATA=dir trains on that set; ARGS='--set epochs=2' passes options on"
	@echo "make test       every test; OP=softmax_cross_entropy one op's case; SAN=1 checks addresses and undefined behaviour"
	@echo "make bench      every op and the train step, beside their peers; OP=conv2d one op"
	@echo "make check      format, direction of includes, warnings, commands of the README"
	@echo "make clean      delete build/ and bin/"
	@echo "Variables: DATA=dir ARGS='...' OP=name SAN=1 CUDA_HOME=dir NVCC=path DEVICE=auto|cpu GPU=auto|none|interpreted (DEVICE=cuda: make test of the ops so far)"

bin/fer: $(BUILD)/bin/fer
	@mkdir -p bin && ln -sf ../$< $@
$(BUILD)/bin/fer: $(BUILD)/fer/main.o $(BUILD)/libfermion.a
	@mkdir -p $(@D)
	@echo "link $(@:$(BUILD)/%=%)"
	@$(CXX) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(BUILD)/libfermion.a: $(objects)
	@rm -f $@
	@$(AR) rcs $@ $^
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(harness:%.cpp=$(BUILD)/%.o) $(BUILD)/libfermion.a
	@echo "link $(@:$(BUILD)/%=%)"
	@$(CXX) $(LDFLAGS) $^ $(LDLIBS) -o $@
bench_objects := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard benchmarks/*.cpp tests/cases/*.cpp) $(filter-out tests/main.cpp,$(harness)))
$(BUILD)/benchmarks/bench: $(bench_objects) $(BUILD)/libfermion.a
	@echo "link $(@:$(BUILD)/%=%)"
	@$(CXX) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(BUILD)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo "c++ $<"
	@$(CXX) $(CXXFLAGS) -c $< -o $@
$(BUILD)/%.cu.o: %.cu
	@mkdir -p $(@D)
	@echo "nvcc $<"
	@$(NVCC) $(NVCCFLAGS) -MD -MF $(@:.o=.d) -c $< -o $@
# report.html's parts live inside the program.
CHART_JS := /usr/share/javascript/chart.js/chart.min.js
$(BUILD)/fer/assets.o: CXXFLAGS += -DCHART_JS='"$(CHART_JS)"'
$(BUILD)/fer/assets.o: $(wildcard fer/report/*) $(CHART_JS)
# The same faces on every machine: no contraction of a*b+c in the renderer.
$(BUILD)/fer/synth%.o: CXXFLAGS += -ffp-contract=off

.PRECIOUS: $(BUILD)/%.o
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
