# Fermion's only build file. `make help` lists the targets and variables.
ifneq ($(filter-out auto cpu cuda,$(DEVICE))$(filter-out auto none interpreted,$(GPU)),)
  $(error DEVICE is auto, cpu or cuda; GPU is auto, none or interpreted)
endif
# With a CUDA 13 toolkit everything is built with CUDA: for a GPU (config cuda), or, where there is none, as PTX that
# tests/ptxi interprets (config ptx). Else, and with GPU=none or SAN=1, without it (config release).
ifeq ($(filter none,$(GPU))$(SAN),)
  toolkit := $(shell CUDA_HOME="$(CUDA_HOME)" NVCC="$(NVCC)" scripts/cuda_home.sh $(if $(filter-out 0,$(MAKELEVEL)),2>/dev/null))
endif
gpu := $(if $(filter none interpreted,$(GPU)),,$(wildcard /dev/nvidiactl))
cuda := $(if $(toolkit),$(if $(gpu),cuda,ptx))
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
  # With the checks in between, g++ takes std::regex for uninitialised. Optimised more, it compiles twice as long.
  CXXFLAGS += -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-maybe-uninitialized
  LDFLAGS += -fsanitize=address,undefined
endif
ifneq ($(cuda),)
  cuda_home := $(word 1,$(toolkit))
  nvcc := $(word 2,$(toolkit))
  cuda_lib := $(firstword $(wildcard $(cuda_home)/lib64 $(cuda_home)/lib))
  CXXFLAGS += -DFERMION_CUDA=1 -isystem $(cuda_home)/include
  LDFLAGS += -L$(cuda_lib) -Wl,--enable-new-dtags,-rpath,$(cuda_lib)
  LDLIBS += -l:libcudart.so.13
  NVCCFLAGS := -std=c++20 -O2 -lineinfo -I. -Xcompiler -Wall,-Wextra,-Werror -Werror all-warnings
  ifeq ($(cuda),cuda)  # gpu-bundle makes a shared library of the same objects
    CXXFLAGS += -fPIC
    NVCCFLAGS += -Xcompiler -fPIC
  endif
  targets := -gencode arch=compute_80,code=$(if $(filter ptx,$(cuda)),compute_80,sm_80 -gencode arch=compute_90,code=[sm_90,compute_90] -compress-mode=size)
endif

library := $(filter-out fer/main.cpp,$(wildcard kernels/*.cpp engine/*.cpp engine/ops/*.cpp layers/*.cpp fer/*.cpp fer/datasets/*.cpp fer/synth_faces/*.cpp))
objects := $(library:%.cpp=$(BUILD)/%.o) $(if $(cuda),$(patsubst %,$(BUILD)/%.o,$(wildcard kernels/*.cu)))
harness := $(filter-out %_test.cpp,$(wildcard tests/*.cpp))

# The tests of each device; of one op, its case.
ops := $(sort $(basename $(notdir $(wildcard tests/cases/*.cpp))))
ifneq ($(filter-out $(ops),$(OP)),)
  $(error There is no op '$(filter-out $(ops),$(OP))'; choose one of $(ops))
endif
cases := $(patsubst %,tests/cases/%.cpp,$(or $(OP),$(ops)))
cpu_tests := $(if $(OP)$(LIST),$(cases),$(wildcard tests/*_test.cpp tests/*/*.cpp))
more_cuda_tests := $(addprefix tests/,$(addsuffix _test.cpp,engine/replay engine/staging layers/golden training/device training/profile training/cuda_run training/step_counters))
# Of the kernels' building blocks; on CUDA alone.
block_tests := $(wildcard tests/kernels/*_test.cu)
cuda_tests := $(cases) $(if $(OP)$(LIST),,$(more_cuda_tests) $(block_tests))
devices := $(or $(filter cpu cuda,$(DEVICE)),cpu $(if $(LIST),,$(if $(cuda),cuda)))
tests := $(foreach d,$(devices),$(addprefix $d:$(BUILD)/,$(basename $($d_tests))))
test_programs := $(sort $(patsubst cpu:%,%,$(tests:cuda:%=%)))
# What gpu-bundle carries elsewhere, linked for that.
bundle := build/bundle
bundled := $(addprefix $(bundle)/,bin/fer benchmarks/bench tests/bin/tests lib/libfermion.so)
# A GPU that is not there is interpreted; programs other than tests only where that is asked for.
runner := $(if $(filter ptx,$(cuda)),scripts/run)

.PHONY: all build setup setup-cuda train test test-schedules test-outside mutants source-mutants bench bench-outside profile ptxas sass gpu-report gpu-bundle check clean help
all: setup
	@$(if $(filter interpreted,$(GPU)),scripts/setup_cuda.sh)
	@[ -z "$(gpu)" ] || [ -n "$(cuda)" ] || echo 'GPU found, no CUDA compiler: `make setup-cuda` (270 MB, from PyPI)'
	@$(MAKE) --no-print-directory build
build: $(BUILD)/bin/fer $(if $(filter interpreted,$(GPU)),interpreter)
	@mkdir -p bin && ln -sf ../$< bin/fer
interpreter interpreter-tests interpreter-table:
	@$(MAKE) --no-print-directory -C tests/ptxi CUDA_HOME=$(cuda_home) NVCC=$(nvcc) $(patsubst interpreter-%,%,$(filter-out interpreter,$@))
interpreter-tests interpreter-table: interpreter

setup:
	@scripts/setup.sh
setup-cuda: setup
	@scripts/setup_cuda.sh

train: all
	$(if $(filter interpreted,$(GPU)),$(runner)) bin/fer train $(if $(DATA),--data "$(DATA)") $(if $(DEVICE),--device $(DEVICE)) $(ARGS)

# Without a compiler, the tests of CUDA are left out, unless they are asked for.
test: setup
	@$(if $(SAN)$(filter none,$(GPU))$(filter cpu,$(DEVICE)),,scripts/setup_cuda.sh $(if $(filter cuda,$(DEVICE))$(filter interpreted,$(GPU)),,|| true))
	@$(MAKE) --no-print-directory run-tests
run-tests: $(test_programs) $(if $(OP)$(LIST),,build $(if $(SAN),,$(BUILD)/benchmarks/bench)) $(if $(filter cuda,$(devices)),interpreter$(if $(OP)$(LIST),,-tests))
	@$(if $(SAN),AT_ONCE=1) BENCH=$(BUILD)/benchmarks/bench RUNNER=$(runner) NVCC=$(nvcc) NOTE="$(if $(cuda)$(SAN)$(DEVICE)$(filter none,$(GPU)),,CUDA was not tested: there is no compiler (make setup-cuda))" \
	  scripts/run_tests.sh $(tests) $(if $(OP)$(LIST),,$(if $(SAN),,script:tests/bench_test.sh) script:tests/make_test.sh script:tests/profile_test.sh script:tests/gpu_report_test.sh) $(if $(filter cuda,$(devices)),$(if $(OP)$(LIST),,script:tests/ptxi/tests/run.sh script:tests/mutants_test.sh script:tests/source_mutants_test.sh))

test-schedules: setup-cuda
	@$(MAKE) --no-print-directory GPU=interpreted run-schedules
# What counts or describes launches is of one GPU.
scheduled := $(basename $(cases) $(if $(OP)$(LIST),,$(filter-out %/profile_test.cpp %/step_counters_test.cpp,$(more_cuda_tests))))
run-schedules: $(scheduled:%=$(BUILD)/%) interpreter
	@scripts/test_schedules.sh $(scheduled:%=cuda:$(BUILD)/%)

# Kernels that others wrote, on the interpreter.
test-outside bench-outside: setup-cuda
	@$(MAKE) --no-print-directory GPU=interpreted outside-$(@:-outside=)
outside-test outside-bench: interpreter
	@$(MAKE) --no-print-directory -C tests/outside CUDA_HOME=$(cuda_home) NVCC=$(nvcc) BENCH=$(abspath $(BUILD))/benchmarks/bench $(@:outside-%=%)
outside-bench: $(BUILD)/benchmarks/bench

mutants source-mutants: setup-cuda
	@command -v python3 >/dev/null || scripts/setup.sh --python
	@$(MAKE) --no-print-directory GPU=interpreted run-$@
run-mutants: $(ops:%=$(BUILD)/tests/cases/%) interpreter
	@OP="$(OP)" MUTANTS="$(MUTANTS)" SEED="$(SEED)" TABLE="$(TABLE)" python3 scripts/mutants/synchronisations.py $(ops:%=$(BUILD)/tests/cases/%)

# Without -O2, which is for the host's code alone. LINK and LIBRARIES: for case programs of changed kernels.
run-source-mutants: $(ops:%=$(BUILD)/tests/cases/%) interpreter
	@BUILD=$(BUILD) COMPILE="$(nvcc) $(filter-out -O2 -lineinfo,$(NVCCFLAGS)) $(targets)" LINK="$(CXX) $(LDFLAGS)" \
	  HARNESS="$(harness:%.cpp=$(BUILD)/%.o)" LIBRARIES="$(BUILD)/libfermion.a $(LDLIBS)" \
	  OP="$(OP)" HEADERS="$(HEADERS)" MUTANTS="$(MUTANTS)" SEED="$(SEED)" ONLY="$(ONLY)" TABLE="$(TABLE)" \
	  python3 scripts/mutants/sources.py $(ops:%=$(BUILD)/tests/cases/%)

# An op's kernels lie in files whose names begin with its own; those of these ops in others too.
kernels_of_conv2d := $(filter-out kernels/conv_transpose2d%,$(wildcard kernels/conv_*.cu)) kernels/channel_statistics.cu
kernels_of_adamw := kernels/parameter_step.cu
kernels_of_sgd := $(kernels_of_adamw)
kernel_files := $(if $(OP),$(sort $(foreach op,$(OP),$(wildcard kernels/$(op)*.cu) $(kernels_of_$(op)))),$(wildcard kernels/*.cu))
mma_files := $(filter %_mma.cu,$(kernel_files))

ptxas: setup-cuda
	@command -v python3 >/dev/null || scripts/setup.sh --python
	@$(MAKE) --no-print-directory GPU=interpreted run-ptxas
run-ptxas: $(foreach target,sm_80 sm_90,$(kernel_files:kernels/%.cu=build/ptxas/%.$(target)))
	@awk -f scripts/ptxas_table.awk $(wildcard build/dynamic_shared_bytes) $^
	@python3 scripts/same_ptx.py $(kernel_files:kernels/%.cu=build/ptxas/%.sm_80.ptx)

sass: setup-cuda
	@$(if $(mma_files),,$(error make sass is about tensor cores, which no kernel of $(OP) uses))
	@scripts/nvdisasm.sh $(cuda_home) >/dev/null
	@$(MAKE) --no-print-directory GPU=interpreted run-sass
run-sass: $(foreach target,sm_80 sm_90,$(mma_files:kernels/%.cu=build/ptxas/%.$(target).sass))
	@python3 scripts/sass_table.py $^

bench: all
	@$(MAKE) --no-print-directory $(BUILD)/benchmarks/bench
	@$(if $(filter interpreted,$(GPU)),scripts/bench_interpreted.sh) $(BUILD)/benchmarks/bench $(if $(OP),--op $(OP)) $(if $(COMPARE),--compare "$(COMPARE)") $(ARGS)

# The device: a GPU, the interpreter where that is asked for, else the CPU.
profiled := $(or $(filter interpreted,$(GPU)),$(if $(filter cuda,$(DEVICE))$(if $(filter cpu,$(DEVICE)),,$(filter cuda,$(cuda))),gpu),cpu)
profile: all
	@$(MAKE) --no-print-directory run-profile
run-profile: $(if $(OP),$(BUILD)/benchmarks/bench) $(if $(filter interpreted,$(GPU)),interpreter-table)
	@BUILD=$(BUILD) OP="$(OP)" SHAPE="$(SHAPE)" PRECISION="$(PRECISION)" scripts/profile.sh $(profiled) $(if $(DATA),--data "$(DATA)") $(ARGS)

# Tests, compute-sanitizer, benchmarks and PyTorch on the GPU, in parts.
gpu-report: setup-cuda
	@$(MAKE) --no-print-directory run-gpu-report
run-gpu-report: $(BUILD)/bin/fer $(BUILD)/benchmarks/bench $(BUILD)/tests/bin/tests $(if $(runner),interpreter)
	@BUILD=$(BUILD) PART="$(PART)" OP="$(OP)" PTXI=$(if $(runner),tests/ptxi/build) scripts/gpu_report.sh

# For a GPU that is elsewhere, so whether there is one here does not matter.
gpu-bundle: setup-cuda
	@$(MAKE) --no-print-directory gpu=elsewhere run-gpu-bundle
run-gpu-bundle: $(bundled)
	@scripts/gpu_bundle.sh $(bundle) build/fermion-gpu $(cuda_lib)

check:
	@scripts/setup.sh --check
	@$(MAKE) --no-print-directory build
	+@scripts/check.sh

clean:
	rm -rf build bin tests/ptxi/build

help:
	@echo "make                 install missing packages, then build bin/fer"
	@echo "make build           build bin/fer and install nothing"
	@echo "make setup           install missing packages (as root or through sudo)"
	@echo "make setup-cuda      where there is no CUDA 13 toolkit: bring a compiler from PyPI into .toolkit (270 MB)"
	@echo "make train           train on faces that the program draws; DATA=dir trains on that set; ARGS='--set epochs=2' passes options on"
	@echo "make test            every test, on the CPU and on CUDA, interpreted where there is no GPU; OP=conv2d one op's cases"
	@echo "                     DEVICE=cpu|cuda one device, LIST=1 names the cases, CASE='name' runs one, SEED=2 other numbers,"
	@echo "                     SAN=1 checks addresses and undefined behaviour, FULL=1 takes 50 training steps and all of the goldens' on CUDA too"
	@echo "make test-schedules  cases, goldens and training on interpreted CUDA under many orders of blocks and warps; OP=conv2d one op's cases"
	@echo "make test-outside    CUTLASS and FlashAttention-2, fetched from PyPI, on the interpreter, against float64 loops"
	@echo "make mutants         takes each barrier, wait, fence and member mask of the CUDA kernels away: the cases must notice;"
	@echo "                     OP=conv2d those that one op's cases use, MUTANTS=5 SEED=3 a sample, TABLE=file writes what was found,"
	@echo "                     SCHEDULES='random-1/late forward/early' the orders that are tried; all take a quarter of an hour"
	@echo "make source-mutants  makes one mistake at a time in the CUDA kernels, an operator, constant or index: the cases must notice;"
	@echo "                     in *.cu, HEADERS=1 in *.cuh; OP=sgd files that one op's cases use, MUTANTS=200 SEED=3 which,"
	@echo "                     ONLY=file those listed there, TABLE=file; takes hours, Ctrl-C stops, the same SEED goes on"
	@echo "make ptxas           registers, spills, shared memory and resident warps of each kernel; OP=conv2d one op's"
	@echo "make sass            machine instructions for each mma in the loops of the tensor-core kernels; OP=conv2d one op's"
	@echo "make bench           every op and the train step, beside their peers; OP=conv2d one op;"
	@echo "                     GPU=interpreted counts what the CUDA kernels of lnl-base do, beside what they are to reach;"
	@echo "                     COMPARE=old.json prints quotients to earlier results (ARGS='--json old.json' writes them)"
	@echo "make bench-outside   what CUTLASS and FlashAttention-2 ask of memory and of a warp, counted by the interpreter"
	@echo "make profile         a training step, or OP=conv2d SHAPE='part of a case', under a GPU's profilers, or traced on the CPU;"
	@echo "                     GPU=interpreted counts traffic, bank conflicts and instructions per kernel and source line;"
	@echo "                     docs/profiling.md says how to read them"
	@echo "make gpu-report      on a GPU: tests, compute-sanitizer, benchmarks beside cuDNN, cuBLAS and PyTorch, into benchmarks/results;"
	@echo "                     PART='tests sanitizer bench torch', some of them; OP=conv2d one op"
	@echo "make gpu-bundle      the same for a GPU machine without compiler, packages and network: build/fermion-gpu.tar.gz"
	@echo "make check           format, direction of includes, warnings, commands of the README"
	@echo "make clean           delete build/ and bin/"
	@echo "Variables: DATA=dir ARGS='...' OP=name SAN=1 FULL=1 DEVICE=auto|cpu|cuda GPU=auto|interpreted|none PRECISION=fp32|bf16 PART='...' COMPARE=file CUDA_HOME=dir NVCC=path"

define link
@mkdir -p $(@D)
@echo "link $(@:$(BUILD)/%=%)"
@$(CXX) $(LDFLAGS) $^ $(LDLIBS) -o $@
endef
$(BUILD)/bin/fer: $(BUILD)/fer/main.o $(BUILD)/libfermion.a
	$(link)
$(BUILD)/libfermion.a: $(objects)
	@rm -f $@
	@$(AR) rcs $@ $^
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(harness:%.cpp=$(BUILD)/%.o) $(BUILD)/libfermion.a
	$(link)
$(block_tests:%.cu=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.cu.o $(BUILD)/kernels/launch.cu.o $(BUILD)/tests/main.o
	$(link)
bench_objects := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard benchmarks/*.cpp tests/cases/*.cpp) $(filter-out tests/main.cpp,$(harness)))
$(BUILD)/benchmarks/bench: $(bench_objects) $(BUILD)/libfermion.a
	$(link)
# Every test of CUDA in one program.
cuda_test_objects := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard tests/cases/*.cpp) $(more_cuda_tests) $(harness)) $(block_tests:%=$(BUILD)/%.o)
$(BUILD)/tests/bin/tests: $(cuda_test_objects) $(BUILD)/libfermion.a
	$(link)
# For a folder that is carried elsewhere: the library is shared, and all libraries lie in lib/. There those that libdnnl
# itself needs would not be looked for, so that programs ask for them too.
$(bundle)/lib/libfermion.so: $(objects)
	$(link)
$(bundle)/bin/fer: $(BUILD)/fer/main.o $(bundle)/lib/libfermion.so
	$(link)
$(bundle)/benchmarks/bench: $(bench_objects) $(bundle)/lib/libfermion.so
	$(link)
# A test listens to NVTX, whose variables each program and library has for itself: this program makes the ranges itself.
$(bundle)/tests/bin/tests: $(cuda_test_objects) $(BUILD)/engine/profile_range.o $(bundle)/lib/libfermion.so
	$(link)
$(bundled): LDFLAGS := -fopenmp -L$(cuda_lib) -Wl,--enable-new-dtags,-rpath,'$$ORIGIN/../lib:$$ORIGIN/../../lib'
$(bundled): LDLIBS += -Wl,--no-as-needed -l:libOpenCL.so.1
$(bundle)/lib/libfermion.so: LDFLAGS += -shared -Wl,-z,defs,-soname,libfermion.so
$(BUILD)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo "c++ $<"
	@$(CXX) $(CXXFLAGS) -c $< -o $@
$(BUILD)/%.cu.o: %.cu
	@mkdir -p $(@D)
	@echo "nvcc $<"
	@$(nvcc) $(NVCCFLAGS) $(targets) -MD -MP -MF $(@:.o=.d) -c $< -o $@
# What ptxas says of each kernel, and the launch bounds in its PTX.
build/ptxas/%.sm_80: kernels/%.cu
	$(ask_ptxas)
build/ptxas/%.sm_90: kernels/%.cu
	$(ask_ptxas)
define ask_ptxas
@mkdir -p $(@D)
@echo "ptxas $< ($(subst .,,$(suffix $@)))"
@$(nvcc) $(NVCCFLAGS) -arch=$(subst .sm,compute,$(suffix $@)) -MD -MP -MT $@ -MF $@.d -ptx $< -o $@.ptx
@$(cuda_home)/bin/ptxas -arch=$(subst .,,$(suffix $@)) -v $@.ptx -o $@.cubin >$@.log 2>&1 || { cat $@.log; exit 1; }
@{ grep -E '\.entry|^\.maxntid|^\.extern \.shared' $@.ptx; cat $@.log; } | c++filt >$@
endef
build/ptxas/%.sass: build/ptxas/%
	@$$(scripts/nvdisasm.sh $(cuda_home)) -c $<.cubin >$@.part && mv $@.part $@
# report.html's parts live inside the program.
CHART_JS := /usr/share/javascript/chart.js/chart.min.js
$(BUILD)/fer/assets.o: CXXFLAGS += -DCHART_JS='"$(CHART_JS)"'
$(BUILD)/fer/assets.o: $(wildcard fer/report/*) $(CHART_JS)
# The same faces on every machine: no contraction of a*b+c in the renderer.
$(BUILD)/fer/synth%.o: CXXFLAGS += -ffp-contract=off

.PRECIOUS: $(BUILD)/%.o
-include $(shell find $(BUILD) build/ptxas -name '*.d' 2>/dev/null)
