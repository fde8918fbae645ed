// Which device a command computes with, and what `fer devices` says of them.
#include "fer/device_choice.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/safetensors.h"
#include "fer/config.h"
#include "fer/devices_command.h"
#include "tests/fer/answer.h"
#include "tests/fer/minute_run.h"

using namespace fermion;
using namespace fermion::fer;
using engine::CudaDeviceInfo;
using engine::CudaDevices;

namespace {

const CudaDeviceInfo h100{2, "NVIDIA H100", 9, 0, 132, std::size_t{80} << 30, false},
    t4{0, "NVIDIA T4", 7, 5, 40, std::size_t{16} << 30, false},
    ptxi{1, "ptxi A100", 8, 0, 108, std::size_t{8} << 30, true};

CudaDevices with(std::vector<CudaDeviceInfo> devices) {
  return {true, 13000, 13000, std::move(devices), ""};
}

CudaDevices without(std::string why) {
  return {true, 0, 13000, {}, std::move(why)};
}

}  // namespace

TEST_CASE("auto is the first real device that is new enough, never an interpreted one") {
  CHECK(choose_device("auto", with({t4, ptxi, h100})).ordinal == 2);
  CHECK(choose_device("auto", with({t4, ptxi, h100})).is_cuda());
  CHECK(choose_device("auto", with({t4, ptxi, h100})).why_not == "");
  const DeviceChoice interpreted = choose_device("auto", with({ptxi})),
                     old = choose_device("auto", with({t4}));
  CHECK(!interpreted.is_cuda());
  CHECK(interpreted.why_not == "ptxi A100 is interpreted; --device cuda takes it");
  CHECK(!old.is_cuda());
  CHECK(old.why_not == "NVIDIA T4 is sm_75, and Fermion needs sm_80 or newer");
  CHECK(choose_device("auto", without("no driver is installed")).why_not ==
        "there is no CUDA device: no driver is installed");
}

TEST_CASE("cuda takes an interpreted device where there is no other, cpu none") {
  CHECK(choose_device("cuda", with({ptxi, h100})).ordinal == 2);
  CHECK(choose_device("cuda", with({t4, ptxi})).ordinal == 1);
  CHECK(choose_device("cuda", with({t4, ptxi})).is_cuda());
  CHECK(!choose_device("cuda", with({t4})).is_cuda());
  CHECK(!choose_device("cpu", with({h100})).is_cuda());
  CHECK(choose_device("cpu", with({h100})).why_not == "");
  CHECK_THROWS_AS(choose_device("tpu", with({h100})), UsageError);
}

TEST_CASE("precision: bf16 on CUDA unless another is asked for, fp32 alone on the CPU") {
  CHECK(choose_precision("auto", true) == "bf16");
  CHECK(choose_precision("fp32", true) == "fp32");
  CHECK(choose_precision("auto", false) == "fp32");
  CHECK(choose_precision("fp32", false) == "fp32");
  CHECK_THROWS_AS(choose_precision("bf16", false), UsageError);
  CHECK_THROWS_AS(choose_precision("fp8", true), UsageError);
  CHECK(activations_in("bf16") == engine::DType::bf16);
  CHECK(activations_in("fp32") == engine::DType::f32);
}

TEST_CASE("fer devices names every device in the table and in JSON") {
  const nlohmann::ordered_json json = devices_json(with({t4, ptxi, h100}));
  CHECK(json["default"] == "cuda");
  CHECK(json["cpu"]["threads"].get<int>() >= 1);
  CHECK(!json["cpu"]["name"].get<std::string>().empty());
  CHECK(!json["cpu"]["instruction_set"].get<std::string>().empty());
  CHECK(json["cuda"]["driver"] == "13.0");
  CHECK(json["cuda"]["why_none"].is_null());
  const auto& devices = json["cuda"]["devices"];
  REQUIRE(devices.size() == 3);
  CHECK(devices[0]["supported"] == false);
  CHECK(devices[1]["interpreted"] == true);
  CHECK(devices[2] == nlohmann::ordered_json{{"ordinal", 2},
                                             {"name", "NVIDIA H100"},
                                             {"compute_capability", "9.0"},
                                             {"multiprocessors", 132},
                                             {"memory_bytes", std::size_t{80} << 30},
                                             {"interpreted", false},
                                             {"supported", true}});
  const std::string table = devices_table(json);
  for (const char* part :
       {"cuda 0   NVIDIA T4, compute capability 7.5, 40 multiprocessors, 16.00 GiB; too old",
        "cuda 1   ptxi A100, compute capability 8.0, 108 multiprocessors, 8.00 GiB, interpreted",
        "cuda 2   NVIDIA H100", "driver for CUDA 13.0, runtime 13.0", "auto takes cuda"})
    CHECK_MESSAGE(contains(table, part), table);
  const auto none = devices_json(without("no driver is installed"));
  CHECK(none["default"] == "cpu");
  CHECK(none["cuda"]["driver"].is_null());
  CHECK(contains(devices_table(none), "cuda     none: no driver is installed\n"));
}

TEST_CASE("the program lists the devices of this machine") {
  const Answer table = answer_to({"devices"}), json = answer_to({"devices", "--json"});
  CHECK(table.status == 0);
  CHECK(contains(table.text, "cpu      "));
  CHECK(json.status == 0);
  CHECK(nlohmann::ordered_json::parse(json.text) == devices_json(engine::cuda_devices()));
}

TEST_CASE("without a GPU auto computes on the CPU and a program with CUDA says why, in one line") {
  const TemporaryFolder folder;
  const Words train{"train",   "--set", "faces=32", "--set",    "epochs=1", "--set",
                    "size=16", "--set", "batch=16", "--device", "auto",     "--out"};
  Words all = train;
  all.push_back(folder / "run");
  const Answer answer = answer_to(all, hide_gpus);
  INFO(answer.text);
  CHECK(answer.status == 0);
  const bool built = engine::cuda_devices().built;
  const std::string line = "computing on the CPU: there is no CUDA device: ";
  CHECK(contains(answer.text, line) == built);
  CHECK(contains(answer.text, "parameters on cpu, "));
  // Once, and not where the CPU was asked for.
  const std::size_t at = answer.text.find(line);
  CHECK((!built || answer.text.find(line, at + 1) == std::string::npos));
  const std::string best = folder / "run" / "best.safetensors";
  const Answer cpu = answer_to({"eval", best, "--device", "cpu"}, hide_gpus);
  CHECK(cpu.status == 0);
  CHECK(!contains(cpu.text, "computing on"));
}

TEST_CASE("cuda without a device ends with status 1 and one sentence, for every command that computes") {
  const TemporaryFolder folder;
  const std::string run = folder / "run", best = minute_run().best;
  for (const Words& words :
       {Words{"train", "--device", "cuda", "--out", run},
        Words{"train", "--set", "device=cuda", "--out", run}, Words{"eval", best, "--device", "cuda"},
        Words{"predict", "--model", best, "--device", "cuda", folder / "face.png"}}) {
    const Answer answer = answer_to(words, hide_gpus);
    INFO(answer.text);
    CHECK(answer.status == 1);
    CHECK(answer.text.starts_with("fer: there is no CUDA device: "));
    CHECK(answer.text.ends_with("; use --device cpu\n"));
    CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') == 1);
  }
  CHECK(!std::filesystem::exists(run));
}

TEST_CASE("a run on CUDA goes on only there, and says so; its checkpoints are read anywhere") {
  const TemporaryFolder folder;
  const std::filesystem::path run = folder / "run";
  std::filesystem::copy(minute_run().run, run);
  for (const char* name : {"last.safetensors", "best.safetensors"}) {
    engine::SafeTensors file = engine::read_safetensors(run / name);
    nlohmann::json info = nlohmann::json::parse(file.metadata.at("fermion"));
    info["config"]["device"] = "cuda";
    info["config"]["precision"] = "bf16";
    file.metadata["fermion"] = info.dump();
    engine::write_safetensors(run / name, file);
  }
  const Answer resumed = answer_to({"train", "--resume", "--out", run}, hide_gpus);
  INFO(resumed.text);
  CHECK(resumed.status == 1);
  CHECK(contains(resumed.text, "fer: the run in '" + run.string() +
                                   "' computes on cuda in bf16 and can go on only there; there is no CUDA "
                                   "device: "));
  const Answer evaluated = answer_to({"eval", run / "best.safetensors", "--json"}, hide_gpus),
               original = answer_to({"eval", minute_run().best, "--json"}, hide_gpus);
  CHECK(evaluated.status == 0);
  CHECK(evaluated.text == original.text);
}

TEST_CASE("another device or precision than there is ends with status 2") {
  const std::string best = minute_run().best;
  check_refused({"eval", best, "--device", "tpu"}, 2,
                "fer: option 'device' is one of auto, cpu, cuda, not 'tpu'\n");
  check_refused({"eval", best, "--device", "cpu", "--precision", "fp8"}, 2,
                "fer: option 'precision' is one of auto, fp32, bf16, not 'fp8'\n");
  check_refused({"predict", "--model", best, "--device", "cpu", "--precision", "bf16", best}, 2,
                "fer: --precision bf16 needs a CUDA device; the CPU computes in fp32\n");
}
