// Reads the operands of one instruction, by kind of instruction.
#pragma once

#include "decoder.h"

namespace ptxi {

struct Operands {
  Decoder& d;
  Instruction& in;
  const std::vector<std::string>& a;     // as written
  const std::vector<std::string>& mods;  // the modifiers
  const std::vector<Type>& types;        // those that are types
  const RegClass ct;                     // class of in.t
  const int tb;                          // bytes of in.t

  Operands(Decoder& decoder, Instruction& instruction, const std::vector<std::string>& operands,
           const std::vector<std::string>& modifiers, const std::vector<Type>& type_modifiers);

  bool has(const char* modifier) const;
  void need(size_t n) const;
  // Adds a destination or source: a register, a {list} of them, for sources also constants; a destination may
  // be "d|p".
  void dst(const std::string& text, RegClass c);
  void src(const std::string& text, Type t);
  void srcs(size_t from, std::initializer_list<Type> types);
  void access(int bytes);  // of shared memory, perhaps: the narrowest one is the unit of its shadow

  // Each returns false if the instruction is not of its kind.
  bool control();
  bool memory();
  bool comparison();
  bool barrier();
  bool matrix();
  bool warp();
  bool bits();
  bool moves();
  void arithmetic();  // the rest

  void atomic();
  void async_copy();
};

}  // namespace ptxi
