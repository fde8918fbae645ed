// ptxi: a PTX interpreter. Declarations shared by the parser, the interpreter and the runtime shim.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ptxi {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using i32 = int32_t;
using u64 = uint64_t;
using i64 = int64_t;

// ---------------------------------------------------------------------------------------------
// PTX types, state spaces and opcodes
// ---------------------------------------------------------------------------------------------
enum Type : u8 {
  T_NONE,
  T_PRED,
  T_B8,
  T_U8,
  T_S8,
  T_B16,
  T_U16,
  T_S16,
  T_B32,
  T_U32,
  T_S32,
  T_B64,
  T_U64,
  T_S64,
  T_F16,
  T_BF16,
  T_F32,
  T_F64,
  T_F16X2,
  T_BF16X2,
  T_TF32,
  T_B128
};
enum Space : u8 { SP_GENERIC, SP_GLOBAL, SP_SHARED, SP_LOCAL, SP_PARAM, SP_CONST };

// Opcodes; a trailing underscore only avoids a C++ keyword.
#define PTXI_OPS(X)                                                                                          \
  X(mov)                                                                                                     \
  X(cvt)                                                                                                     \
  X(cvta)                                                                                                    \
  X(ld)                                                                                                      \
  X(ldu)                                                                                                     \
  X(st) X(add) X(sub) X(mul) X(mad) X(fma) X(div) X(rem) X(min) X(max) X(abs) X(neg) X(and_) X(or_) X(xor_)  \
      X(not_) X(cnot) X(shl) X(shr) X(shf) X(lop3) X(prmt) X(bfe) X(bfi) X(brev) X(popc) X(clz) X(bfind)     \
          X(setp) X(set) X(selp) X(slct) X(sqrt) X(rsqrt) X(rcp) X(ex2) X(lg2) X(sin) X(cos) X(tanh)         \
              X(testp) X(copysign) X(bra) X(ret) X(exit) X(bar) X(barrier) X(membar) X(fence) X(atom) X(red) \
                  X(shfl) X(vote) X(match) X(activemask) X(redux) X(elect) X(cp) X(ldmatrix) X(stmatrix)     \
                      X(movmatrix) X(mma) X(mul24) X(mad24) X(addc) X(subc) X(madc) X(trap) X(brkpt)         \
                          X(nanosleep) X(prefetch) X(prefetchu) X(discard) X(createpolicy) X(griddepcontrol) \
                              X(applypriority) X(isspacep) X(sad) X(szext) X(bmsk) X(dp4a) X(dp2a)           \
                                  X(pmevent) X(vprintf_) X(assertfail_) X(brx)
enum Op : u8 {
#define X(n) O_##n,
  PTXI_OPS(X)
#undef X
};

// Rounding modifiers, in the order used by Inst::rnd.
enum Rnd : u8 { RND_NONE, RN, RZ, RM, RP, RNI, RZI, RMI, RPI, RNA };

// Classes used by the instruction counters.
enum InstClass : u8 {
  C_FP32,
  C_FP64,
  C_HALF,
  C_INT,
  C_CVT,
  C_MOV,
  C_SFU,
  C_LDST,
  C_BRANCH,
  C_MMA,
  C_OTHER,
  C_COUNT
};
extern const char* const kClassName[C_COUNT];

int type_bits(Type t);
Type parse_type(const std::string& s);
inline bool is_signed(Type t) {
  return t == T_S8 || t == T_S16 || t == T_S32 || t == T_S64;
}

// ---------------------------------------------------------------------------------------------
// Decoded code
// ---------------------------------------------------------------------------------------------
// An operand: a location in one of the two register files of a warp. File 0 is the warp's own;
// file 1 holds the kernel's constants, replicated for 32 lanes. A 32-bit register is 32
// consecutive words, a 64-bit one 64 words, a predicate one word with a bit per lane.
enum RegClass : u8 { RC_PRED = 0, RC_16 = 1, RC_32 = 2, RC_64 = 3 };
struct Ref {
  u32 v = 0;
  Ref() = default;
  Ref(u32 word, RegClass c, bool pool) : v(word << 3 | c << 1 | (pool ? 1 : 0)) {}
  u32 word() const { return v >> 3; }
  RegClass cls() const { return RegClass(v >> 1 & 3); }
  unsigned file() const { return v & 1; }
};

struct Warp;
struct Inst;
using Handler = void (*)(Warp&, const Inst&, u32 mask);

struct Inst {
  Handler fn = nullptr;  // executes the instruction for the lanes in the mask
  i64 off = 0, off2 = 0;
  Op op = O_mov;
  Type t = T_NONE, t2 = T_NONE;
  Space sp = SP_GENERIC;
  InstClass cls = C_OTHER;
  u8 vec = 1, cmp = 0, bop = 0, rnd = 0, mode = 0;  // mode: meaning depends on the opcode
  u8 nd = 0, ns = 0;
  bool ftz = false, sat = false, wide = false, hi = false, to = false, nan = false, relu = false;
  bool carry_out = false, carry_in = false, aligned = false;
  bool pred_neg = false;  // @!p
  bool src_neg = false;   // !p as a source predicate
  bool is_volatile = false, acq_rel = false;
  i32 pred = -1;  // word of the guard predicate, or -1
  Ref base, base2, d[8], s[16];
  i32 target = -1;  // branch target (instruction index), or index into Kernel::tables for brx
  i32 n = 0, k = 0;
};

struct SrcLoc {
  int line = 0, file = 0, src_line = 0;
};  // PTX line, .loc file and line

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
  std::vector<Inst> code;
  std::vector<SrcLoc> loc;                 // per instruction
  std::vector<std::string> text;           // per instruction
  std::vector<std::vector<i32>> tables;    // brx targets
  u32 file_words = 0;                      // size of a warp's register file
  u32* pool = nullptr;                     // constants, 64-byte aligned
  std::vector<std::pair<Ref, int>> sregs;  // special registers to fill in: where, which
  std::vector<u64> param_off, param_size;
  u64 param_bytes = 0, local_bytes = 0, shared_static = 0;
  int maxntid[3] = {0, 0, 0}, reqntid[3] = {0, 0, 0}, minctas = 0;
  int granule = 4;               // smallest shared access, the unit of the shared shadow
  bool global_atomics = false;   // may touch global memory atomically
  bool order_dependent = false;  // its result may depend on the order of blocks
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
  std::map<int, std::string> files;
  std::map<std::string, std::unique_ptr<Kernel>> kernels;  // decoded on first use
  ~Module();
};

// Thrown for anything that ends a launch (or a load). `code` is a cudaError_t value.
struct Fault : std::runtime_error {
  int code;
  Fault(int c, const std::string& s) : std::runtime_error(s), code(c) {}
};
// cudaError_t values used by the interpreter (so that it needs no CUDA header).
enum {
  E_INVALID_CONFIG = 9,
  E_INVALID_DEVICE_FUNCTION = 98,
  E_LAUNCH_OUT_OF_RESOURCES = 701,
  E_LAUNCH_TIMEOUT = 702,
  E_ILLEGAL_ADDRESS = 700,
  E_ASSERT = 710,
  E_ILLEGAL_INSTRUCTION = 715,
  E_MISALIGNED = 716,
  E_LAUNCH_FAILURE = 719,
  E_INVALID_PTX = 218
};
[[noreturn]] void fail(const std::string& s);  // throws Fault(E_INVALID_PTX, s)

std::unique_ptr<Module> load_module(const std::string& ptx);
Kernel* find_kernel(Module& m, const std::string& name);  // decodes it on first use; null if absent
void select_handler(Kernel& k, Inst& in);                 // sets in.fn; throws if unsupported

struct LaunchDims {
  unsigned grid[3], block[3];
  u64 smem;
  bool cooperative;
};
// `params` is the packed parameter buffer (Kernel::param_off gives the layout).
void launch(Kernel& k, const LaunchDims& dims, const u8* params);

// ---------------------------------------------------------------------------------------------
// Options (environment variables; see README)
// ---------------------------------------------------------------------------------------------
struct Options {
  int cc, shared_check, init_check, race_check, strict, order, seed, threads, cp_early, trace;
  int abort_on_error, exit_code, host_guard, fast, fill, tf32_check, counters_launches, max_reports;
  u64 mem_bytes, max_steps;
  std::string counters, dump, regs;
};
const Options& opt();
void report_warning(const std::string& key, const std::string& text);  // once per key
void report_error(const std::string& text);
u64 warnings_reported();

// ---------------------------------------------------------------------------------------------
// Device memory
// ---------------------------------------------------------------------------------------------
enum AllocKind : u8 { A_DEVICE, A_PINNED, A_MANAGED, A_REGISTERED, A_SYMBOL };
struct RaceCell {
  u32 writer, reader, wtime, rtime;
};
struct Alloc {
  u64 base = 0, size = 0;  // as the program sees it
  u8* store = nullptr;     // where the bytes are
  AllocKind kind = A_DEVICE;
  u64 serial = 0;
  bool async = false;
  std::string name;
  u8* init = nullptr;                    // a byte per byte, nonzero once written (global init check)
  u32 *rtag = nullptr, *wtag = nullptr;  // a word per 32-byte sector: last launch that touched it
  RaceCell* race = nullptr;              // a cell per byte (cross-block race check)
};
Alloc* mem_alloc(u64 size, AllocKind kind, const std::string& name = "");  // null: out of memory
bool mem_free(u64 base, AllocKind kind);
Alloc* mem_register(void* p, u64 size);
bool mem_unregister(void* p);
Alloc* mem_find(u64 addr);  // the live allocation that contains addr, or null
std::string mem_describe(u64 addr);
u64 mem_used();
void mem_mark_init(Alloc* a, u64 off, u64 n);
u8* mem_shadow(u64 bytes);  // zeroed, lazily backed pages
void mem_free_all();        // cudaDeviceReset
extern u64 g_launch_id;     // number of the current launch, from 1

// ---------------------------------------------------------------------------------------------
// Counters
// ---------------------------------------------------------------------------------------------
// clang-format off
#define PTXI_COUNTERS(X)                                                                         \
  X(global_ld_requests) X(global_ld_sectors) X(global_ld_lane_bytes) X(global_ld_useful_bytes)   \
  X(global_st_requests) X(global_st_sectors) X(global_st_lane_bytes) X(global_st_useful_bytes)   \
  X(unique_sectors_read) X(unique_sectors_written)                                               \
  X(shared_ld_requests) X(shared_ld_wavefronts) X(shared_ld_ideal)                               \
  X(shared_st_requests) X(shared_st_wavefronts) X(shared_st_ideal)                               \
  X(ldmatrix_requests) X(ldmatrix_wavefronts) X(ldmatrix_ideal)                                  \
  X(stmatrix_requests) X(stmatrix_wavefronts) X(stmatrix_ideal)                                  \
  X(cp_async_requests) X(cp_async_bytes) X(cp_async_wavefronts) X(cp_async_ideal)                \
  X(global_atomic_requests) X(global_atomic_lanes) X(shared_atomic_requests)                     \
  X(shared_atomic_lanes) X(local_ld_requests) X(local_st_requests) X(local_bytes)                \
  X(const_ld_requests) X(barriers) X(warp_syncs) X(shuffles) X(votes) X(fences)                  \
  X(mma_instructions) X(mma_flops) X(branches) X(divergent_branches)
// clang-format on
struct Counters {
  u64 thread_inst[C_COUNT] = {}, warp_inst[C_COUNT] = {};
#define X(n) u64 n = 0;
  PTXI_COUNTERS(X)
#undef X
  void add(const Counters& o);
};
void counters_record(const Kernel& k, const LaunchDims& d, const Counters& c, double seconds);

// PTX images in a fat binary: the text with the highest architecture not above `cc`.
std::string fatbin_ptx(const void* data, int cc);
std::string demangle(const std::string& s);

}  // namespace ptxi
