#include "fer/batches.h"

#include <numeric>
#include <pthread.h>
#include <utility>

#include "engine/error.h"
#include "kernels/rng.h"

namespace fermion::fer {

std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::uint32_t epoch, std::int64_t samples) {
  const kernels::Random random{seed, kernels::stream_of("order"), epoch};
  std::vector<std::int64_t> order(static_cast<std::size_t>(samples));
  std::iota(order.begin(), order.end(), 0);
  // Fisher and Yates.
  for (std::size_t i = order.size(); i > 1; --i) {
    const std::uint64_t j = std::uint64_t{random.bits(i)} * i >> 32;
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

Batches::Batches(const Split& split, const BatchOptions& options, std::int64_t first)
    : split_(split),
      options_(options),
      per_epoch_(split.size() / options.batch),
      next_to_gather_(first),
      next_to_hand_out_(first),
      slots_(static_cast<std::size_t>(options.threads) + 1) {
  if (per_epoch_ < 1)
    throw engine::Error("a batch of {} is larger than the {} training faces; set batch to at most {}",
                        options.batch, split.size(), split.size());
  for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
}

Batches::~Batches() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Batch Batches::next() {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[static_cast<std::size_t>(next_to_hand_out_) % slots_.size()];
  changed_.wait(lock, [&] { return slot.full || error_; });
  if (!slot.full) std::rethrow_exception(error_);
  Batch batch = std::move(slot.batch);
  slot.full = false;
  ++next_to_hand_out_;
  changed_.notify_all();
  return batch;
}

void Batches::work() {
  pthread_setname_np(pthread_self(), "fermion loader");  // for profilers and top
  std::unique_lock lock(mutex_);
  while (true) {
    // A step's slot is free once the step that had it before was handed out.
    changed_.wait(lock, [&] {
      return stop_ || error_ ||
             next_to_gather_ < next_to_hand_out_ + static_cast<std::int64_t>(slots_.size());
    });
    if (stop_ || error_) return;
    const std::int64_t step = next_to_gather_++;
    const Order order = order_of(epoch_of(step));
    lock.unlock();
    Batch batch;
    std::exception_ptr error;
    try {
      batch = gather(step, *order);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error)
      error_ = error;
    else
      slots_[static_cast<std::size_t>(step) % slots_.size()] = {std::move(batch), true};
    changed_.notify_all();
  }
}

// Steps are taken one after the other, so that each epoch's order is drawn once. Others that still gather
// hold on to the order before.
Batches::Order Batches::order_of(std::uint32_t epoch) {
  if (!order_ || order_epoch_ != epoch)
    order_ =
        std::make_shared<const std::vector<std::int64_t>>(epoch_order(options_.seed, epoch, split_.size()));
  order_epoch_ = epoch;
  return order_;
}

Batch Batches::gather(std::int64_t step, const std::vector<std::int64_t>& order) const {
  const std::uint32_t epoch = epoch_of(step);
  const FaceSource& faces = *split_.faces;
  const auto face_bytes = static_cast<std::size_t>(faces.bytes_per_face());
  Batch batch;
  batch.faces.resize(face_bytes * static_cast<std::size_t>(options_.batch));
  for (int i = 0; i < options_.batch; ++i) {
    const std::int64_t sample = order[static_cast<std::size_t>(step % per_epoch_ * options_.batch + i)];
    split_.read(sample, std::span(batch.faces).subspan(face_bytes * static_cast<std::size_t>(i), face_bytes));
    batch.augmentation.push_back(draw_augmentation(options_.augment, options_.seed, epoch,
                                                   static_cast<std::uint64_t>(sample), faces.width(),
                                                   faces.height()));
    const std::span<const float> target = split_.target(sample);
    batch.targets.insert(batch.targets.end(), target.begin(), target.end());
    batch.labels.push_back(split_.samples[static_cast<std::size_t>(sample)].label);
  }
  return batch;
}

}  // namespace fermion::fer
