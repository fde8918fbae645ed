// A module, its functions and variables, and the kernels decoded from them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fault.h"
#include "instruction.h"

namespace ptxi {

// PTX line; .loc file and line; where the function there is inlined, or zeros: of those of the toolkit's
// headers that call each other, the outermost.
struct SrcLoc {
  int line = 0, file = 0, src_line = 0, at_file = 0, at_line = 0;
  // As reports and mutants name it: "file:line", and where that is inlined. Functions of the toolkit's
  // headers count as part of what calls them.
  std::string place, caller;
};

struct Var {
  std::string name;
  Space sp = SP_GENERIC;
  u64 size = 0, align = 1, addr = 0;
  bool dyn = false;      // extern shared array
  std::vector<u8> init;  // initial contents of a global variable
};

struct Module;
struct Kernel {
  std::string name, pretty;  // mangled and demangled name
  Module* module = nullptr;
  std::vector<Instruction> code;
  std::vector<SrcLoc> loc;                 // per instruction
  std::vector<std::string> text;           // per instruction
  std::vector<std::vector<i32>> tables;    // brx targets
  u32 file_words = 0;                      // size of a warp's register file
  u32* pool = nullptr;                     // constants, 64-byte aligned
  std::vector<std::pair<Ref, int>> sregs;  // special registers to fill in: where, which
  std::vector<u64> param_off, param_size;
  u64 param_bytes = 0, local_bytes = 0;
  u64 shared_arrays = 0;   // what static arrays take
  u64 shared_static = 0;   // the same with the padding that ptxas puts before extern arrays
  u64 shared_dynamic = 0;  // offset of the dynamic shared memory
  int maxntid[3] = {0, 0, 0}, reqntid[3] = {0, 0, 0}, minctas = 0;
  int granule = 4;               // smallest shared access, the unit of the shared shadow
  int global_granule = 4;        // smallest global access, the unit of the race check
  bool order_dependent = false;  // its result may depend on the order of blocks
  bool fences = false;           // it has fences, acquires or releases
  bool strong = false;           // and strong accesses
  bool shared_flags = false;     // some of which may be to shared memory
  ~Kernel();
};

struct Function {
  std::string name, attrs, body;
  bool entry = false;
  int line = 1;
  std::vector<std::string> rets, params;
};

struct Module {
  int sm = 0;
  std::map<std::string, Function> funcs;
  std::vector<std::string> entries;
  std::map<std::string, Var> globals;
  std::vector<Var> shared_vars;
  std::map<int, std::string> files;  // their names, from the working folder where they lie below it
  std::map<std::string, std::unique_ptr<Kernel>> kernels;  // decoded on first use
  std::string file(int number) const;                      // its name, or "?"
  ~Module();
};

std::unique_ptr<Module> load_module(const std::string& ptx);
Kernel* find_kernel(Module& m, const std::string& name);  // decodes it on first use; null if absent
void select_handler(Instruction& in);                     // sets in.fn; throws if unsupported
InstClass classify(const Instruction& in);                // what the counters count it as
std::string demangle(const std::string& s);

}  // namespace ptxi
