#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>

#include "engine/short_waits.h"
#include "fer/data_command.h"
#include "fer/eval_command.h"
#include "fer/faces_command.h"
#include "fer/info.h"
#include "fer/labels.h"
#include "fer/predict_command.h"
#include "fer/train.h"

namespace {

using namespace fermion;
using namespace fermion::fer;

// Options that several commands share, as typed.
struct Typed {
  std::string data, preset, config, device, precision;
  std::vector<std::string> set;
  std::optional<std::int64_t> seed;
};

TrainConfig with_typed(TrainConfig config, const Typed& typed) {
  if (!typed.config.empty()) read_toml(config, typed.config);
  if (!typed.preset.empty()) set_option(config, "preset=" + typed.preset);
  for (const std::string& assignment : typed.set) set_option(config, assignment);
  if (!typed.data.empty()) config.data = typed.data;
  if (!typed.device.empty()) config.device = typed.device;
  if (!typed.precision.empty()) config.precision = typed.precision;
  if (typed.seed) config.seed = *typed.seed;
  return config;
}

TrainConfig resolve(const Typed& typed) {
  TrainConfig config = with_typed(drawn_faces_config(), typed);
  // Options of any kind may name a data set, which has other defaults.
  if (!config.data.empty()) config = with_typed(data_set_config(), typed);
  check(config);
  if (config.device == "cuda") throw engine::Error("this build has no CUDA device; use --device cpu");
  return config;
}

// The run has its options; its data set may have moved.
TrainConfig resumed(const Typed& typed) {
  if (!typed.preset.empty() || !typed.config.empty() || !typed.set.empty() || !typed.device.empty() ||
      !typed.precision.empty() || typed.seed)
    throw UsageError(
        "--resume goes on with the options that the run began with; besides it only --out, --data and "
        "--trace "
        "may be given");
  TrainConfig config;
  config.data = typed.data;
  return config;
}

void add_typed(CLI::App* command, Typed& typed) {
  command->add_option("--preset", typed.preset, "lnl-tiny, lnl-48, lnl-base or lnl-large");
  command->add_option("--config", typed.config, "TOML file of options");
  command->add_option("--set", typed.set, "key=value, any option")->allow_extra_args(false);
}

CLI::App* add_eval(CLI::App& app, EvalOptions& options) {
  CLI::App* eval = app.add_subcommand("eval", "Measure a checkpoint on one split of a data set");
  eval->footer("Example: fer eval runs/first/best.safetensors --data ferplus --split valid");
  eval->add_option("checkpoint", options.checkpoint)->required();
  eval->add_option("--data", options.data, "folder of a data set; without it the program draws faces");
  eval->add_option("--split", options.split,
                   "train, holdout, valid or test; default test if it is there, else valid, else holdout");
  eval->add_flag("--skip-unreadable", options.skip_unreadable,
                 "measure without the images that cannot be read");
  eval->add_flag("--json", options.json, "one JSON object");
  return eval;
}

CLI::App* add_predict(CLI::App& app, PredictOptions& options, std::string& box) {
  CLI::App* predict = app.add_subcommand("predict", "Name the expressions in pictures of single faces");
  predict->footer("Example: fer predict --overlay maps --csv faces.csv photos portrait.jpg");
  predict->add_option("images", options.inputs, "pictures, or folders of them")->required();
  predict->add_option("--model", options.model, "checkpoint; default the newest runs/*/best.safetensors");
  predict->add_option("--box", box, "x,y,width,height of the face in each picture, in pixels");
  predict->add_option("--overlay", options.overlay, "folder for the faces with their region weights, as PNG");
  predict->add_option("--csv", options.csv, "file for the predictions as CSV");
  predict->add_flag("--json", options.json, "one JSON object");
  return predict;
}

int run(int argc, char** argv) {
  CLI::App app("Facial-expression recognition with the local non-local joint network.", "fer");
  app.require_subcommand(1);
  Typed typed;

  CLI::App* train = app.add_subcommand("train", "Train on drawn faces or on a data set");
  train->footer("Example: fer train --data ferplus --set epochs=5 --out runs/first");
  TrainOptions train_options;
  add_typed(train, typed);
  train->add_option("--data", typed.data, "folder of a data set; without it the program draws faces");
  train->add_option("--out", train_options.out, "run folder; default runs/PRESET-DATE-TIME");
  train->add_flag("--resume", train_options.resume,
                  "go on with the run in --out, as if it had never stopped");
  train->add_option("--device", typed.device, "auto, cpu or cuda");
  train->add_option("--precision", typed.precision, "fp32 or bf16");
  train->add_option("--seed", typed.seed, "seed of weights, order and augmentation");
  train->add_option("--trace", train_options.trace, "write a timeline that Perfetto opens");

  EvalOptions eval_options;
  CLI::App* eval = add_eval(app, eval_options);
  PredictOptions predict_options;
  std::string box;
  CLI::App* predict = add_predict(app, predict_options, box);

  CLI::App* info = app.add_subcommand("info", "Print the network as a table");
  info->footer("Example: fer info --preset lnl-base");
  bool json = false;
  add_typed(info, typed);
  info->add_flag("--json", json, "one JSON object");

  CLI::App* data = app.add_subcommand("data", "Say what a folder of faces holds");
  data->footer("Example: fer data ferplus");
  DataOptions data_options;
  data->add_option("folder", data_options.folder)->required();
  data->add_flag("--json", data_options.json, "one JSON object");

  CLI::App* faces = app.add_subcommand("faces", "Draw a contact sheet of synthetic faces");
  faces->footer("Example: fer faces --out faces.png");
  FacesOptions faces_options;
  bool no_labels = false;
  faces->add_option("--out", faces_options.out, "PNG file")->required();
  faces->add_option("--size", faces_options.sheet.size, "side of a face in pixels");
  faces->add_option("--seed", faces_options.sheet.seed);
  faces->add_option("--rows", faces_options.sheet.rows);
  faces->add_flag("--no-labels", no_labels, "shuffled and only numbered");
  faces->add_flag("--truth", faces_options.sheet.truth, "below each face, what its action units changed");
  faces->add_flag("--key", faces_options.key, "print the expression of each number");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*train) {
    for (int i = 0; i < argc; ++i) train_options.command += (i > 0 ? " " : "") + std::string(argv[i]);
    train_options.config = train_options.resume ? resumed(typed) : resolve(typed);
    return train_command(train_options);
  }
  if (*eval) return eval_command(eval_options);
  if (*predict) {
    if (!box.empty()) predict_options.box = parse_box(box);
    return predict_command(predict_options);
  }
  if (*info) return info_command(resolve(typed).model, json);
  if (*data) return data_command(data_options);
  faces_options.sheet.labels = !no_labels;
  return faces_command(faces_options);
}

// What printed to a full disk or a closed stdout has failed.
int with_stdout_written(int status) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
  throw engine::Error("stdout cannot be written: {}", std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  engine::restart_with_short_waits(argv);
  // A file that grows beyond `ulimit -f` is then an error of write() like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return with_stdout_written(run(argc, argv));
  } catch (const UsageError& error) {
    fmt::print(stderr, "fer: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "fer: {}\n", error.what());
    return 1;
  }
}
