// Every vectorised instruction handler against the reference implementation (h_generic), on random
// and special operands, for full and partial warps. Links with the interpreter's objects.
#include <cstdio>
#include <cstring>

#include "handlers.h"
using namespace ptxi;
using std::string;

static u32 g_seed = 12345;
static u32 rnd() {
  return g_seed = g_seed * 1664525u + 1013904223u, g_seed ^ g_seed >> 15;
}
static u64 operand(int i) {
  static const u64 special[] = {0,
                                1,
                                2,
                                31,
                                32,
                                33,
                                63,
                                64,
                                65,
                                0x7fffffff,
                                0x80000000,
                                0xffffffff,
                                0xffff,
                                0x8000,
                                0x7fff,
                                0x3f800000,
                                0xbf800000,
                                0x7f800000,
                                0xff800000,
                                0x7fc00000,
                                0xffc12345,
                                0x00000001,
                                0x80000001,
                                0x007fffff,
                                0x00800000,
                                0x477ff000,
                                0x477fefff,
                                0x38800000,
                                0x387fffff,
                                0x33000000,
                                0x33000001,
                                0x3f808000,
                                0x3f818000,
                                0x7f7fffff,
                                0x7f7f8000,
                                0x8000000000000000ull,
                                0x7fffffffffffffffull,
                                ~0ull};
  u32 k = rnd() >> 8;
  if (k % 4 == 0) return special[(rnd() >> 8) % (sizeof special / sizeof *special)];
  if (k % 4 == 1) return 0x3c000000 + (rnd() & 0x87ffffff);  // floats of moderate size
  if (k % 4 == 2 && i) return rnd() % 70;
  return (u64)rnd() << 32 | rnd();
}

// The operand classes: r 32, d 64, h 16 bits, p predicate; the destination first.
static const struct {
  const char *op, *cls;
} kOps[] = {{"mov.b32", "rr"},           {"mov.b64", "dd"},
            {"mov.b16", "hh"},           {"mov.pred", "pp"},
            {"add.s32", "rrr"},          {"add.u64", "ddd"},
            {"add.f32", "rrr"},          {"add.ftz.f32", "rrr"},
            {"sub.s32", "rrr"},          {"sub.s64", "ddd"},
            {"sub.f32", "rrr"},          {"sub.ftz.f32", "rrr"},
            {"mul.lo.s32", "rrr"},       {"mul.hi.s32", "rrr"},
            {"mul.hi.u32", "rrr"},       {"mul.lo.s64", "ddd"},
            {"mul.f32", "rrr"},          {"mul.ftz.f32", "rrr"},
            {"mul.wide.s32", "drr"},     {"mul.wide.u32", "drr"},
            {"mad.lo.s32", "rrrr"},      {"mad.lo.s64", "dddd"},
            {"mad.wide.s32", "drrd"},    {"mad.wide.u32", "drrd"},
            {"fma.rn.f32", "rrrr"},      {"fma.rn.ftz.f32", "rrrr"},
            {"and.b32", "rrr"},          {"or.b32", "rrr"},
            {"xor.b32", "rrr"},          {"and.b64", "ddd"},
            {"or.b64", "ddd"},           {"xor.b64", "ddd"},
            {"and.b16", "hhh"},          {"or.b16", "hhh"},
            {"xor.b16", "hhh"},          {"and.pred", "ppp"},
            {"or.pred", "ppp"},          {"xor.pred", "ppp"},
            {"not.pred", "pp"},          {"not.b32", "rr"},
            {"neg.s32", "rr"},           {"neg.f32", "rr"},
            {"abs.f32", "rr"},           {"shl.b32", "rrr"},
            {"shr.u32", "rrr"},          {"shr.s32", "rrr"},
            {"shl.b64", "ddr"},          {"shr.u64", "ddr"},
            {"shr.s64", "ddr"},          {"min.s32", "rrr"},
            {"max.s32", "rrr"},          {"min.u32", "rrr"},
            {"max.u32", "rrr"},          {"min.f32", "rrr"},
            {"max.f32", "rrr"},          {"shf.l.wrap.b32", "rrrr"},
            {"shf.r.wrap.b32", "rrrr"},  {"selp.b32", "rrrp"},
            {"selp.b64", "dddp"},        {"selp.b16", "hhhp"},
            {"cvt.s64.s32", "dr"},       {"cvt.u64.u32", "dr"},
            {"cvt.u32.u64", "rd"},       {"cvt.u16.u32", "hr"},
            {"cvt.u32.u16", "rh"},       {"cvt.rn.f32.s32", "rr"},
            {"cvt.rn.f32.u32", "rr"},    {"cvt.rn.bf16x2.f32", "rrr"},
            {"cvt.rn.f16x2.f32", "rrr"}, {"cvt.rn.bf16.f32", "hr"},
            {"cvt.rn.f16.f32", "hr"},    {"cvt.f32.bf16", "rh"},
            {"cvt.f32.f16", "rh"},       {"cvt.rna.tf32.f32", "rr"},
            {"setp.eq.s32", "prr"},      {"setp.ne.s32", "prr"},
            {"setp.lt.s32", "prr"},      {"setp.le.s32", "prr"},
            {"setp.gt.s32", "prr"},      {"setp.ge.s32", "prr"},
            {"setp.lt.u32", "prr"},      {"setp.gt.u32", "prr"},
            {"setp.ge.u32", "prr"},      {"setp.lt.s64", "pdd"},
            {"setp.ge.u64", "pdd"},      {"setp.eq.b64", "pdd"},
            {"setp.eq.f32", "prr"},      {"setp.lt.f32", "prr"},
            {"setp.le.f32", "prr"},      {"setp.gt.f32", "prr"},
            {"setp.ge.f32", "prr"},      {"setp.lt.and.s32", "prrp"},
            {"setp.gt.or.f32", "prrp"},  {"setp.ge.xor.u32", "prrp"},
            {"setp.eq.s16", "phh"},      {"setp.ne.s16", "phh"},
            {"setp.lt.u16", "phh"},      {"setp.ge.u16", "phh"},
            {"div.u32", "rrr"},          {"div.rn.f32", "rrr"},
            {"div.rn.ftz.f32", "rrr"},   {"sqrt.rn.f32", "rr"},
            {"sqrt.rn.ftz.f32", "rr"},   {"add.f64", "ddd"},
            {"sub.f64", "ddd"},          {"mul.f64", "ddd"},
            {"setp.gt.u16", "phh"},      {"cvt.f64.f32", "dr"},
            {"min.s64", "ddd"},          {"max.s64", "ddd"},
            {"min.u64", "ddd"},          {"max.u64", "ddd"},
            {"not.b64", "dd"},           {"neg.s64", "dd"}};

static string program(const string& op, const string& cls, const string& extra) {
  string s =
      ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 pin, .param "
      ".u64 pout)\n{\n"
      ".reg .b32 %r<16>; .reg .b64 %d<32>; .reg .b16 %h<16>; .reg .pred %p<16>;\n"
      "ld.param.u64 %d0,[pin]; ld.param.u64 %d1,[pout]; mov.u32 %r0,%tid.x; mov.u32 %r1,%ctaid.x; "
      "mad.lo.s32 %r0,%r1,64,%r0;\n"
      "mul.wide.u32 %d2,%r0,32; add.s64 %d3,%d0,%d2; add.s64 %d4,%d1,%d2;\n";
  for (int i = 0; i < 4; i++) {  // operand i in all classes: %d8+i, %r8+i, %h8+i, %p8+i
    string n = std::to_string(8 + i);
    s += "ld.global.u64 %d" + n + ",[%d3+" + std::to_string(8 * i) + "]; cvt.u32.u64 %r" + n + ",%d" + n +
         "; cvt.u16.u64 %h" + n + ",%d" + n + "; and.b64 %d20,%d" + n + ",1; setp.ne.u64 %p" + n +
         ",%d20,0;\n";
  }
  s +=
      "and.b64 %d21,%d8,4; setp.ne.u64 %p1,%d21,0; setp.lt.u32 %p2,%r1,3; or.pred %p1,%p1,%p2;\n";  // some
                                                                                                    // blocks:
                                                                                                    // full
                                                                                                    // warps
  string dst = string("%") + cls[0] + "8", args = dst;
  for (size_t i = 1; i < cls.size(); i++)
    args += string(",%") + cls[i] + std::to_string(8 + (i - 1 + (cls[0] == cls[i])) % 4);
  s += "@%p1 " + op + " " + args + extra + ";\n";
  if (cls[0] == 'r') s += "cvt.u64.u32 %d8,%r8;";
  if (cls[0] == 'h') s += "cvt.u64.u16 %d8,%h8;";
  if (cls[0] == 'p') s += "selp.b64 %d8,1,0,%p8;";
  return s + "st.global.u64 [%d4],%d8; ret;\n}\n";
}

int main() {
  const int blocks = 40, n = blocks * 64;
  Alloc *in = mem_alloc(n * 32, A_DEVICE), *out = mem_alloc(n * 32, A_DEVICE);
  int failed = 0, passed = 0;
  auto test = [&](const string& op, const string& cls, const string& extra) {
    auto m = load_module(program(op, cls, extra));
    Kernel* k = find_kernel(*m, "k");
    size_t at = 0;
    for (size_t i = 0; i < k->code.size(); i++)
      if (k->text[i][0] == '@') at = i;
    Instruction& inst = k->code[at];
    const Handler fast = inst.fn;
    if (fast == h_generic) {
      printf("FAIL %s has no vectorised handler\n", op.c_str());
      failed++;
      return;
    }
    for (int i = 0; i < n * 4; i++) ((u64*)in->store)[i] = operand(i % 4);
    u64 params[2] = {in->base, out->base};
    LaunchDims d = {{blocks, 1, 1}, {64, 1, 1}, 0, false, blocks};
    std::vector<u64> got(n), want(n);
    launch(*k, d, (const u8*)params);
    for (int i = 0; i < n; i++) got[i] = ((u64*)out->store)[i * 4];
    inst.fn = h_generic;
    launch(*k, d, (const u8*)params);
    for (int i = 0; i < n; i++) want[i] = ((u64*)out->store)[i * 4];
    for (int i = 0; i < n; i++)
      if (got[i] != want[i]) {
        u64* x = (u64*)in->store + i * 4;
        printf("FAIL %s (%llx, %llx, %llx, %llx): %llx, reference %llx\n", op.c_str(),
               (unsigned long long)x[0], (unsigned long long)x[1], (unsigned long long)x[2],
               (unsigned long long)x[3], (unsigned long long)got[i], (unsigned long long)want[i]);
        failed++;
        return;
      }
    passed++;
  };
  for (auto& o : kOps) test(o.op, o.cls, "");
  for (int lut : {0x00, 0x96, 0xe8, 0xca, 0xff, 0x01, 0x80, 0x3c})
    test("lop3.b32", "rrrr", "," + std::to_string(lut));
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
