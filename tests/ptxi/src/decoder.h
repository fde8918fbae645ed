// Turns the body of an entry into decoded instructions. Calls are expanded in place.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ptx_text.h"

namespace ptxi {

inline RegClass class_of_bits(int b) {
  return b == 1 ? RC_PRED : b <= 16 ? RC_16 : b <= 32 ? RC_32 : RC_64;
}

template <class T>
using Scopes = std::vector<std::map<std::string, T>>;

// The entry of the innermost scope that has one of this name, or null.
template <class T>
T* lookup(Scopes<T>& scopes, const std::string& name) {
  for (size_t i = scopes.size(); i-- > 0;) {
    auto f = scopes[i].find(name);
    if (f != scopes[i].end()) return &f->second;
  }
  return nullptr;
}

// Of a .loc directive.
struct Place {
  int file = 0, line = 0, column = 0;
  auto operator<=>(const Place&) const = default;
};

struct Decoder {
  Module& m;
  Kernel& k;
  // Scopes: registers, variables and labels (labels are made unique per scope).
  Scopes<Ref> regs;
  Scopes<Var> vars;
  Scopes<std::string> labels;
  std::map<std::string, int> label_pc;
  std::map<std::string, std::vector<std::string>> branch_targets;
  std::vector<std::pair<int, std::string>> fix_bra;               // instruction, label
  std::vector<std::pair<int, std::vector<std::string>>> fix_brx;  // instruction, labels
  std::map<std::pair<u64, int>, Ref> consts;
  std::vector<u32> pool;
  u64 dynamic_align = 1;                        // of dynamic shared memory, if the module has any
  std::vector<std::pair<u32, i64>> dyn_consts;  // pool word (64-bit), offset from the dynamic base
  std::map<std::pair<int, int>, Ref> sreg_refs;
  std::string last_label, ret_label;
  int unique = 0;
  std::vector<std::string> calling;                 // functions being expanded, the innermost last
  std::map<std::string, std::vector<Stmt>> bodies;  // of functions
  std::map<std::string, u64> sizes;                 // instructions that calls of functions expand to, about
  u32 words = 0, pred_next = 0, pred_end = 0;
  SrcLoc loc;
  Place called_from;                            // of `loc`, where that is inlined
  std::map<Place, Place> callers;               // of each .loc so far, the same; no circles
  int min_access = 16, min_global_access = 16;  // of shared and of global memory

  Decoder(Module& module, Kernel& kernel) : m(module), k(kernel) {}

  Place caller(const Place& p) const {
    const auto found = callers.find(p);
    return found == callers.end() ? Place{} : found->second;
  }

  Ref new_reg(int bits);
  Ref const_ref(u64 v, RegClass c);
  Ref dyn_const(i64 off, RegClass c);
  Var* find_var(const std::string& n);
  std::string resolve_label(const std::string& n);
  Ref destination(const std::string& s0, RegClass want);
  Ref operand(const std::string& s0, Type use);
  void address(const std::string& s0, Ref& base, i64& off, Space& sp);
  Var place(Var v);
  void declare(const std::string& s);
  void name_place();
  void emit(Instruction in, const std::string& text, int line);
  void body(const std::vector<Stmt>& b);
  void call(const Stmt& st, Instruction in, const std::vector<std::string>& a);
  const std::vector<Stmt>& body_of(const std::string& fn);
  u64 expanded_size(const std::string& fn);
  void statement(const Stmt& st);
  void directive(const std::string& s);
  void location(const std::string& s);
  void predicate(std::string& s, Instruction& in);
  void finish();  // resolves labels and the address of dynamic shared memory
};

}  // namespace ptxi
