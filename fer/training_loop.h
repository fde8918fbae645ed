// Epochs of training steps, with what happens between them.
#pragma once

#include "fer/batches.h"
#include "fer/interruption.h"
#include "fer/progress.h"
#include "fer/run.h"
#include "layers/schedule.h"

namespace fermion::fer {

// Which batches a configuration trains on.
BatchOptions batch_options(const TrainConfig& config);

// What is left of a run: `steps` of training, each of `batch` faces, and the measuring of `measured` faces.
// Forward only, a face takes about a third of its time in a step.
double seconds_left(double seconds_per_step, std::int64_t steps, int batch, std::int64_t measured);

// After every epoch the averaged weights are measured on holdout; metrics.jsonl and last.safetensors are
// written, and best.safetensors where the accuracy is the best so far. A run that is stopped and resumed,
// wherever that was, goes through the same bits as one that was not.
class TrainingLoop {
 public:
  // Goes on from where the run is; its configuration then names the warm-up. `stop_after`: stop when so many
  // steps are done in all; -1: never. Throws when the data set holds less than a batch or the warm-up does
  // not fit into the run.
  TrainingLoop(Run& run, std::int64_t stop_after);

  // True when the last epoch is done or patience has run out. False, with everything to go on saved, after an
  // interruption or at `stop_after`. A step that is not finite throws and leaves the checkpoints as they are.
  bool run(const Interruption& interruption);

  // Takes so many steps call by call, after three to warm up, within what profilers record
  // (engine/profile_range.h); with `traced` the device's trace records them too. Returns the seconds of a
  // step. Saves nothing.
  double profile(int steps, bool traced);

 private:
  bool finished() const;
  bool out_of_patience() const;
  void step();
  void finish_epoch(Progress& progress);
  void show(Progress& progress);
  double seconds_left() const;

  Run& run_;
  CheckpointInfo& info_;
  const TrainConfig& config_;
  std::int64_t stop_after_;
  Batches batches_;
  layers::Schedule schedule_;
  bool staged_ = false;          // the next step's batch is on its way
  std::int64_t steps_here_ = 0;  // of this process
  double seconds_per_step_ = 0;  // their mean; the first, which allocates, only counts while it is alone
};

}  // namespace fermion::fer
