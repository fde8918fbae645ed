// Batches of training faces, gathered ahead of time by a few threads.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "fer/augment.h"
#include "fer/dataset.h"

namespace fermion::fer {

struct Batch {
  std::vector<std::uint8_t> faces;                       // [batch, H, W, 3]
  std::vector<kernels::AugmentParameters> augmentation;  // [batch]
  std::vector<float> targets;                            // [batch, classes]
  std::vector<int> labels;                               // [batch]; -1 where taggers disagree
};

// The order of the samples in an epoch: a permutation drawn from Philox by (seed, epoch).
std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::uint32_t epoch, std::int64_t samples);

struct BatchOptions {
  int batch = 64;
  std::uint64_t seed = 0;
  AugmentOptions augment = {};
  int threads = 1;
};

// Batches of step `first`, first + 1, ...; an epoch has samples / batch of them, the rest of its order is
// dropped. Which faces a step sees, and how they are augmented, depends on (seed, step) alone: not on
// threads, not on where one began.
class Batches {
 public:
  // Throws when the split holds less than one batch. The split outlives this.
  Batches(const Split& split, const BatchOptions& options, std::int64_t first);
  ~Batches();
  Batches(const Batches&) = delete;

  std::int64_t per_epoch() const { return per_epoch_; }
  // The next step's. Throws what a thread could not read.
  Batch next();

 private:
  void work();
  std::uint32_t epoch_of(std::int64_t step) const { return static_cast<std::uint32_t>(step / per_epoch_); }
  using Order = std::shared_ptr<const std::vector<std::int64_t>>;
  Order order_of(std::uint32_t epoch);
  Batch gather(std::int64_t step, const std::vector<std::int64_t>& order) const;

  const Split& split_;
  BatchOptions options_;
  std::int64_t per_epoch_;
  std::int64_t next_to_gather_, next_to_hand_out_;
  struct Slot {
    Batch batch;
    bool full = false;
  };
  std::vector<Slot> slots_;  // step s in slot s mod their count
  Order order_;              // of the epoch that is being gathered
  std::uint32_t order_epoch_ = 0;
  std::exception_ptr error_;
  bool stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace fermion::fer
