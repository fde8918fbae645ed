// The synchronisations of a program: their names, the list of them, and what runs in place of one.

#include "mutants.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "handlers.h"
#include "options.h"

namespace ptxi {

using std::string;

namespace {

struct Mutant {
  string name;
  std::set<string> kernels;
};
struct Mutants {
  std::vector<Mutant> found;  // in the order of their numbers, from 1
  bool taken_away = false;
};

bool is_number(const string& s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](unsigned char c) { return std::isdigit(c); });
}

void print_at_exit();
Mutants& mutants() {
  static Mutants& m = *new Mutants;
  static const bool registered = atexit(print_at_exit) == 0;
  (void)registered;
  return m;
}

void print_at_exit() {
  const Mutants& m = mutants();
  const string& wanted = options().mutate;
  if (wanted != "list" && wanted != "used") {
    const size_t count = m.found.size();
    if (is_number(wanted) && (wanted.size() > 9 || std::stoul(wanted) > count))
      refuse("PTXI_MUTATE=" + wanted + ": the program has " + std::to_string(count) + " synchronisations");
    if (!m.taken_away)
      fprintf(stderr, "[ptxi] no kernel that was used has the synchronisation %s (PTXI_MUTATE)\n",
              wanted.c_str());
    return;
  }
  for (size_t i = 0; i < m.found.size(); i++) {
    string kernels;
    for (const string& k : m.found[i].kernels) kernels += " " + k;
    fprintf(stderr, "[ptxi] mutant %zu %s%s\n", i + 1, m.found[i].name.c_str(), kernels.c_str());
  }
}

// Without return type, namespace, template arguments and parameters.
string short_name(string s) {
  const string anonymous = "(anonymous namespace)::";
  for (size_t at; (at = s.find(anonymous)) != string::npos;) s.erase(at, anonymous.size());
  s = s.substr(0, s.find_first_of("<("));
  return s.substr(s.find_last_of(" :") + 1);
}

// Whether this is the one that PTXI_MUTATE names.
bool chosen(const string& kind, const Kernel& k, const string& place) {
  Mutants& m = mutants();
  const string name = kind + "@" + place;
  auto i = std::find_if(m.found.begin(), m.found.end(), [&](const Mutant& x) { return x.name == name; });
  if (i == m.found.end()) i = m.found.insert(i, {name, {}});
  i->kernels.insert(short_name(k.pretty));
  const string& wanted = options().mutate;
  const bool yes = is_number(wanted)
                       ? std::to_string(i - m.found.begin() + 1) == wanted
                       : name == wanted || name.compare(0, wanted.size() + 1, wanted + "@") == 0;
  m.taken_away |= yes;
  return yes;
}

// Of a barrier that reduces, each thread gets what it would if it were the only one.
void h_own_predicate(Warp& w, const Instruction& in, u32 m) {
  FOR_LANES(l, m) w.set(in.d[0], l, (w.get(in.s[in.ns - 1], l) & 1) ^ in.src_neg);
}

void take_away(Instruction& in) {
  in.fn = in.op == O_bar && in.mode == 3 ? h_own_predicate : h_nop;
  in.op = O_pmevent;
}

}  // namespace

void mutate(Instruction& in, const Kernel& k, const string& place) {
  if (masked_warp_op(in)) in.mask_short = chosen("mask", k, place);
  const char* kind = in.op == O_bar                          ? in.mode == 1 ? "syncwarp" : "barrier"
                     : in.op == O_cp && in.mode == 1         ? "commit"
                     : in.op == O_cp && in.mode > 1          ? "wait"
                     : in.op == O_membar || in.op == O_fence ? "fence"
                                                             : nullptr;
  if (kind && chosen(kind, k, place)) take_away(in);
}

void find_mutants(Module& m) {
  if (options().mutate.empty()) return;
  mutants();  // there may be none, which is said at the end
  if (options().mutate != "list" && !is_number(options().mutate)) return;
  for (const string& name : m.entries) try {
      find_kernel(m, name);
    } catch (const Fault& f) {
      fprintf(stderr, "[ptxi] not searched for synchronisations: %s\n", f.what());
    }
}

}  // namespace ptxi
