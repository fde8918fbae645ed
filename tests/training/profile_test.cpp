// --profile-steps, and the ranges that profilers show.
#include <algorithm>
#include <doctest/doctest.h>

#include "fer/synth_dataset.h"
#include "fer/training_loop.h"
#include "tests/fer/answer.h"
#include "tests/harness.h"
#include "tests/training/small_runs.h"
#if FERMION_CUDA
#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtCudaRt.h>
#endif

using namespace fermion;
using namespace fermion::fer;

namespace {

const Words small{
    "train",    "--set",    "size=16",
    "--set",    "width=4",  "--set",
    "depth=1",  "--set",    "grid=2",
    "--set",    "faces=64", "--set",
    "batch=16", "--device", test::tested_device().kind == engine::DeviceOptions::Kind::cuda ? "cuda" : "cpu"};

Words with(Words more) {
  more.insert(more.begin(), small.begin(), small.end());
  return more;
}

}  // namespace

TEST_CASE("--profile-steps takes steps, prints what they took, and leaves no run") {
  const Answer answer = answer_to(with({"--profile-steps", "2"}));
  INFO(answer.text);
  CHECK(answer.status == 0);
  CHECK(contains(answer.text, "2 steps of 16 faces on "));
  CHECK(contains(answer.text, " ms each\n"));
  const bool cuda = test::tested_device().kind == engine::DeviceOptions::Kind::cuda;
  CHECK(contains(answer.text, cuda ? ", bf16: " : ", fp32: "));
  // A table would need to wait after every call.
  CHECK(contains(answer.text, "\nconv2d backward ") == !cuda);
  CHECK(!contains(answer.text, "writing "));
}

TEST_CASE("--profile-steps with --trace writes the timeline of these steps alone") {
  const TemporaryFolder folder;
  const Answer answer = answer_to(with({"--profile-steps", "2", "--trace", folder / "trace.json"}));
  INFO(answer.text);
  CHECK(answer.status == 0);
  CHECK(contains(answer.text, "\nconv2d backward "));
  const std::string trace = text_of(folder / "trace.json"), update = "\"name\":\"optimizer/adamw\"";
  std::size_t updates = 0;
  for (std::size_t at = trace.find(update); at != std::string::npos; at = trace.find(update, at + 1))
    ++updates;
  CHECK(updates == 2);
}

TEST_CASE("--profile-steps makes no run, so that it takes no folder for one") {
  const TemporaryFolder folder;
  const std::string out = folder / "run";
  check_refused(with({"--profile-steps", "2", "--out", out}), 2,
                "fer: --profile-steps makes no run; leave out --out and --resume\n");
  CHECK(answer_to(with({"--profile-steps", "0"})).status == 2);
  CHECK(!fs::exists(out));
}

#if FERMION_CUDA
namespace {

// The ranges as a tool would see them that NVTX hands its calls to: "step > forward > ...".
struct Ranges {
  std::vector<std::string> open, seen;
  int unbalanced = 0;
} ranges;

int NVTX_API push(nvtxDomainHandle_t, const nvtxEventAttributes_t* event) {
  ranges.open.push_back(ranges.open.empty() ? event->message.ascii
                                            : ranges.open.back() + " > " + event->message.ascii);
  ranges.seen.push_back(ranges.open.back());
  return 0;
}

int NVTX_API pop(nvtxDomainHandle_t) {
  if (ranges.open.empty())
    ++ranges.unbalanced;
  else
    ranges.open.pop_back();
  return 0;
}

std::vector<std::string> streams;

void NVTX_API name_stream(cudaStream_t, const char* name) {
  streams.push_back(name);
}

int NVTX_API inject(NvtxGetExportTableFunc_t tables) {
  const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(tables(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable functions = nullptr;
  unsigned int size = 0;
  if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &functions, &size)) return 0;
  *functions[NVTX_CBID_CORE2_DomainRangePushEx] = reinterpret_cast<NvtxFunctionPointer>(push);
  *functions[NVTX_CBID_CORE2_DomainRangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
  if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CUDART, &functions, &size)) return 0;
  *functions[NVTX_CBID_CUDART_NameCudaStreamA] = reinterpret_cast<NvtxFunctionPointer>(name_stream);
  return 1;
}

// Before the first range.
const bool injected = (InitializeInjectionNvtx2_fnptr = inject, true);

}  // namespace

TEST_CASE("ranges nest: step, forward, backward and optimizer, module paths, ops") {
  const TrainConfig config = small_config();
  const Dataset data = draw_dataset(0, config.faces, config.model.size, 1);
  streams.clear();
  engine::Device device(test::tested_device());
  TrainingStep training(device, config, measure_pixels(data.train, config.model.size), {});
  REQUIRE(injected);
  ranges = {};
  training.run(Batches(data.train, batch_options(config), 0).next(), 1e-3);
  CHECK(ranges.open.empty());
  CHECK(ranges.unbalanced == 0);
  const auto times = [](const std::string& path) {
    return std::count(ranges.seen.begin(), ranges.seen.end(), path);
  };
  CHECK(ranges.seen.front() == "step");
  for (const char* path :
       {"step > forward", "step > backward", "step > optimizer", "step > optimizer > optimizer/adamw",
        "step > forward > input > input/augment",
        "step > forward > unet > unet.enc.0 > unet.enc.0.conv2 > unet.enc.0.conv2/conv2d",
        "step > forward > unet > unet.enc.1 > unet.enc.1/max_pool2d",
        "step > forward > unet > unet.dec.0 > unet.dec.0.up > unet.dec.0.up/conv_transpose2d",
        "step > forward > unet > unet.dec.0 > unet.dec.0.conv1 > unet.dec.0.conv1/conv2d",
        "step > forward > local > local/region_split",
        "step > forward > non_local > non_local.block1 > non_local.block1.out > non_local.block1.out/conv2d",
        "step > forward > head > head > head/linear", "step > forward > loss > loss/weighted_sum",
        "step > backward > unet.enc.0.conv1/conv2d backward"})
    CHECK_MESSAGE(times(path) == 1, path);
  const std::vector<std::string> named{"fermion compute", "fermion copies"};
  CHECK(streams == (device.is_cuda() ? named : std::vector<std::string>{}));
}
#endif
