#include "fer/command_line.h"

#include <algorithm>

namespace fermion::fer {
namespace {

constexpr const char* version = "fer 0.1.0";

CLI::App* add_command(CLI::App& app, const char* name, const char* meaning, const char* example) {
  CLI::App* command = app.add_subcommand(name, meaning);
  command->footer(std::string("Example: ") + example);
  return command;
}

void add_typed(CLI::App* command, Typed& typed) {
  command->add_option("--preset", typed.preset, "lnl-tiny, lnl-48, lnl-base or lnl-large");
  command->add_option("--config", typed.config, "TOML file of options, such as docs/train.toml");
  command->add_option("--set", typed.set, "any option, may be repeated; fer info --options lists them")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

CLI::Option* add_json(CLI::App* command, bool& json) {
  return command->add_flag("--json", json, "one JSON object");
}

void add_compute(CLI::App* command, std::string& device, std::string& precision, const char* of_auto) {
  command->add_option("--device", device, "auto, cpu or cuda; fer devices lists what is there");
  command->add_option("--precision", precision, std::string("auto, fp32 or bf16; auto is ") + of_auto);
}
constexpr const char* of_run = "that of the run where the device has it";

template <class Path>
void add_data(CLI::App* command, Path& data) {
  // An empty name is a mistake, such as a variable of the shell that was not set.
  command->add_option("--data", data, "folder of a data set; without it the program draws faces")
      ->check([](const std::string& name) { return name.empty() ? "the name of the folder is empty" : ""; });
}

void add_train(CLI::App& app, Typed& typed, TrainOptions& options) {
  CLI::App* train = add_command(app, "train", "Train on drawn faces or on a data set",
                                "fer train --data ferplus --set epochs=5 --out runs/first");
  add_typed(train, typed);
  add_data(train, typed.data);
  train->add_option("--out", options.out, "run folder; default runs/PRESET-DATE-TIME");
  train->add_flag("--resume", options.resume, "go on with the run in --out, as if it had never stopped");
  add_compute(train, typed.device, typed.precision, "bf16 on cuda, fp32 on the CPU");
  train->add_option("--seed", typed.seed, "seed of weights, order and augmentation");
  train->add_option("--trace", options.trace, "write a timeline that Perfetto opens");
  train
      ->add_option(
          "--profile-steps", options.profile_steps,
          "no run: take so many steps after a few to warm up, for a profiler or, on the CPU, a table")
      ->check(CLI::Range(1, 1000));
}

void add_eval(CLI::App& app, EvalOptions& options) {
  CLI::App* eval = add_command(app, "eval", "Measure a checkpoint on one split of a data set",
                               "fer eval runs/first/best.safetensors --data ferplus --split valid");
  eval->add_option("checkpoint", options.checkpoint, "best.safetensors or last.safetensors of a run")
      ->required();
  add_data(eval, options.data);
  eval->add_option("--split", options.split,
                   "train, holdout, valid or test; default test if it is there, else valid, else holdout");
  eval->add_flag("--skip-unreadable", options.skip_unreadable,
                 "measure without the images that cannot be read");
  add_compute(eval, options.compute.device, options.compute.precision, of_run);
  add_json(eval, options.json);
}

void add_predict(CLI::App& app, PredictOptions& options, std::string& box) {
  CLI::App* predict = add_command(app, "predict", "Name the expressions in pictures of single faces",
                                  "fer predict --overlay maps --csv faces.csv photos portrait.jpg");
  predict->add_option("images", options.inputs, "pictures, or folders of them")->required();
  predict->add_option("--model", options.model, "checkpoint; default the newest runs/*/best.safetensors");
  predict->add_option("--box", box, "x,y,width,height of the face in each picture, in pixels");
  predict->add_option("--overlay", options.overlay, "folder for the faces with their region weights, as PNG");
  predict->add_option("--csv", options.csv, "file for the predictions as CSV; - is stdout");
  add_compute(predict, options.compute.device, options.compute.precision, of_run);
  add_json(predict, options.json);
}

void add_faces(CLI::App& app, FacesOptions& options, std::optional<std::string>& seed) {
  CLI::App* faces =
      add_command(app, "faces", "Draw a contact sheet of synthetic faces", "fer faces --out faces.png");
  faces->add_option("--out", options.out, "PNG file; - is stdout")->required();
  faces->add_option("--size", options.sheet.size, "side of a face in pixels; default 112");
  faces->add_option("--seed", seed, "which faces; default 1");
  faces->add_option("--rows", options.sheet.rows, "rows of seven faces; default 5");
  faces->add_flag_callback(
      "--no-labels", [&] { options.sheet.labels = false; }, "shuffled and only numbered");
  faces->add_flag("--truth", options.sheet.truth, "below each face, what its action units changed");
  faces->add_flag("--key", options.key, "print the expression of each number");
}

}  // namespace

CommandLine::CommandLine()
    : app("Facial-expression recognition with the local non-local joint network.", "fer") {
  app.require_subcommand(1);
  app.set_version_flag("--version", version, "print the version");
  add_train(app, typed, train);
  add_eval(app, eval);
  add_predict(app, predict, box);
  CLI::App* info = add_command(app, "info", "Print the network, or what a training step launches, as a table",
                               "fer info --preset lnl-base");
  info->add_option("checkpoint", info_checkpoint, "whose network; without it that of the options");
  add_typed(info, typed);
  CLI::Option* options =
      info->add_flag("--options", info_options, "every option of --set and --config: defaults and meaning");
  CLI::Option* step =
      info->add_flag(
              "--step", info_step,
              "what a training step launches on CUDA, and the least time that it takes on an A100, H100 "
              "and H200; default lnl-base, 64 faces")
          ->excludes(options);
  info->add_option("--precision", typed.precision, "of --step: fp32 or bf16; auto is bf16")->needs(step);
  CLI::Option* tiles = info->add_flag("--tiles", info_tiles,
                                      "with --step: how tensor cores cut each layer into tiles and blocks")
                           ->needs(step);
  add_json(info, info_json)->excludes(tiles);
  CLI::App* folder = add_command(app, "data", "Say what a folder of faces holds", "fer data ferplus");
  folder->add_option("folder", data.folder, "folder of a data set")->required();
  add_json(folder, data.json);
  add_json(add_command(app, "devices", "List what this machine can compute on", "fer devices"), devices_json);
  add_faces(app, faces, faces_seed);
}

void CommandLine::parse(int argc, const char* const* argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  if (first.starts_with('-')) {
    if (!app.get_option_no_throw(first))
      throw UsageError("there is no option '{}'; --help lists them", first);
  } else if (argc > 1 && std::ranges::find(commands, first) == commands.end()) {
    throw UsageError("there is no command '{}', only {}", first, fmt::join(commands, ", "));
  }
  app.parse(argc, argv);
}

}  // namespace fermion::fer
