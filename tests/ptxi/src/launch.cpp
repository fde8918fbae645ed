// A launch: its blocks, one after the other, on several threads, or, where they may wait for each other, in
// turns.

#include "launch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "block.h"

namespace ptxi {

u64 g_launch_id = 0;
bool g_profiled = false;
u64 g_profiler_starts = 0;

namespace {

using Clock = std::chrono::steady_clock;

// A launch under way.
struct Run {
  Kernel& k;
  const LaunchDims& d;
  const u8* params;
  const bool counting;
  const u64 blocks = (u64)d.grid[0] * d.grid[1] * d.grid[2];
  const Clock::time_point begun = Clock::now();
  Alloc* workspace = nullptr;  // of a cooperative launch
  std::vector<Counters> total = std::vector<Counters>(counting ? k.code.size() : 0);
  u64 steps = 0;
  std::unique_ptr<Fault> fault = nullptr;
  std::mutex mutex = {};  // of the three above

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begun).count(); }

  void setup(Block& b, u64 seed) const {
    memcpy(b.b, d.block, sizeof b.b);
    memcpy(b.g, d.grid, sizeof b.g);
    b.dyn_smem = d.smem;
    b.params = params;
    b.counting = counting;
    b.counters.resize(total.size());
    b.grid_workspace = workspace ? workspace->base : 0;
    b.rng.seed((unsigned)(options().seed * 7919 + seed));
  }
  void start(Block& b, u64 i) const {
    if (options().order) i = blocks - 1 - i;
    b.start((unsigned)(i % d.grid[0]), (unsigned)(i / d.grid[0] % d.grid[1]),
            (unsigned)(i / d.grid[0] / d.grid[1]));
  }
  void finish(const Block& b) {
    std::lock_guard<std::mutex> lock(mutex);
    for (size_t i = 0; i < total.size(); i++) total[i].add(b.counters[i]);
    steps += b.steps;
  }
  void in_turns();
  void in_parallel();
  void trace() const;
};

// At a grid synchronisation that another block has ended without.
[[noreturn]] void waits_forever(Block& b) {
  const Warp& first = b.warps[0];  // whose first thread waits for the other blocks
  b.err(b.k.code[(size_t)first.pc[0]], E_LAUNCH_TIMEOUT,
        "DEADLOCK: a block has ended before a grid synchronisation, at which this one waits", &first, 0);
}

// Blocks take turns, so that one may wait for another: of a cooperative launch all, else those that have
// begun, as many as fit on the device. One begins when no other runs, or all that do have had their turn. In
// a random order turns are short, and few blocks are under way.
void Run::in_turns() {
  std::mt19937 rng(options().seed);
  const bool random = options().order >= 2;
  std::vector<std::unique_ptr<Block>> running, idle;
  u64 next = 0, fewest = ~0ull;  // grid synchronisations of a block that has ended
  auto begin = [&] {
    if (idle.empty()) {
      idle.push_back(std::make_unique<Block>(k));
      setup(*idle.back(), next);
    }
    start(*idle.back(), next++);
    running.push_back(std::move(idle.back()));
    idle.pop_back();
  };
  try {
    while (d.cooperative && next < blocks) begin();
    while (next < blocks || !running.empty()) {
      const bool more = !random || running.size() < 8 || rng() % 16 == 0;
      if (next < blocks && running.size() < d.at_once && more) begin();
      const u64 turn = d.cooperative ? 20000 : std::max<u64>(200000 / running.size(), 1000);
      if (random) std::shuffle(running.begin(), running.end(), rng);
      for (auto& b : running)
        if (b->run(random ? 1 + rng() % (1u << rng() % 15) : turn)) {
          fewest = std::min(fewest, b->grid_arrivals);
          idle.push_back(std::move(b));
        }
      running.erase(std::remove(running.begin(), running.end(), nullptr), running.end());
      for (auto& b : running)
        if (b->grid_arrivals > fewest) waits_forever(*b);
    }
    for (auto& b : idle) finish(*b);
  } catch (Fault& f) {
    fault = std::make_unique<Fault>(f);
  }
}

// Blocks run in parallel only if no result can depend on their order.
void Run::in_parallel() {
  const int threads = options().race_check || options().order >= 2 ? 1 : options().threads;
  std::atomic<u64> next{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> pool;
  std::function<void(int)> work = [&](int id) {
    Block b(k);
    setup(b, (u64)id);
    try {
      while (!stop) {
        u64 i = next++;
        if (i >= blocks) break;
        start(b, i);
        b.run(0);
        if (id != 0 || i != 0 || threads < 2) continue;
        // After the first block: helpers, if the rest is worth starting threads for.
        if (seconds() * (double)(blocks - 1) < 1e-3) continue;
        for (int t = 1; t < threads && (u64)t < blocks; t++) pool.emplace_back(work, t);
      }
    } catch (Fault& f) {
      std::lock_guard<std::mutex> lock(mutex);
      if (!fault) fault = std::make_unique<Fault>(f);
      stop = true;
    }
    finish(b);
  };
  work(0);
  for (auto& t : pool) t.join();
}

void Run::trace() const {
  fprintf(stderr,
          "[ptxi] launch %llu %s grid (%u,%u,%u) block (%u,%u,%u) smem %llu+%llu: %.3g warp "
          "instructions, %.4f s\n",
          (unsigned long long)g_launch_id, k.pretty.c_str(), d.grid[0], d.grid[1], d.grid[2], d.block[0],
          d.block[1], d.block[2], (unsigned long long)k.shared_static, (unsigned long long)d.smem,
          (double)steps, seconds());
}

Alloc* grid_workspace() {
  Alloc* a = mem_alloc(kGridWorkspace, A_SYMBOL, "grid workspace");
  if (!a) throw Fault(E_LAUNCH_OUT_OF_RESOURCES, "no memory for the grid workspace");
  memset(a->store, 0, kGridWorkspace);
  mem_mark_init(a, 0, kGridWorkspace);
  return a;
}

}  // namespace

void launch(Kernel& k, const LaunchDims& d, const u8* params) {
  g_launch_id++;
  const bool file = !options().counters.empty();
  if (file) counters_open();
  Run run{k, d, params, file && (!options().counters_range || g_profiled)};
  if (follows_fences(k)) race_start(run.blocks);
  if (d.cooperative) run.workspace = grid_workspace();
  if (d.cooperative || k.order_dependent)
    run.in_turns();
  else
    run.in_parallel();
  if (run.workspace) mem_free(run.workspace->base, A_SYMBOL);
  if (options().trace) run.trace();
  if (run.counting) counters_record(k, d, run.total);
  if (run.fault) throw Fault(*run.fault);
}

}  // namespace ptxi
