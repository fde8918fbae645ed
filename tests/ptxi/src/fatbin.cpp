// Extracts PTX from the fat binary that nvcc embeds in a program.
#include "fatbin.h"

#include <cstdio>
#include <cstring>
#include <zstd.h>

#include "fault.h"
#include "options.h"

namespace ptxi {

using std::string;

// LZ4 block format
static string lz4(const u8* s, size_t n, size_t out) {
  string o;
  o.reserve(out);
  size_t i = 0;
  auto length = [&](size_t base) {
    if (base != 15) return base;
    u8 c;
    do {
      c = s[i++];
      base += c;
    } while (c == 255);
    return base;
  };
  while (i < n) {
    unsigned token = s[i++];
    size_t lit = length(token >> 4);
    o.append((const char*)s + i, lit);
    i += lit;
    if (i >= n) break;
    size_t offset = s[i] | (size_t)s[i + 1] << 8;
    i += 2;
    size_t match = length(token & 15) + 4, p = o.size() - offset;
    for (size_t k = 0; k < match; k++) o += o[p + k];
  }
  return o;
}

template <class T>
static T get(const u8* p) {
  T v;
  memcpy(&v, p, sizeof v);
  return v;
}

// Layout: a 16-byte header (magic, version, header size, total size), then entries, each with its
// own header: kind at 0 (1: PTX), header size at 4, payload size at 8, compressed size at 16,
// architecture at 28, flags at 40 (0x2000: LZ4), uncompressed size at 56.
string fatbin_ptx(const void* data, int cc) {
  const u8* d = (const u8*)data;
  if (get<u32>(d) != 0xBA55ED50) fail("not a fat binary");
  const u8 *p = d + get<u16>(d + 6), *end = p + get<u64>(d + 8);
  string best;
  int best_arch = -1;
  while (p < end) {
    const u32 header = get<u32>(p + 4), compressed = get<u32>(p + 16), arch = get<u32>(p + 28);
    const u64 payload = get<u64>(p + 8), flags = get<u64>(p + 40);
    const u64 full = header >= 64 ? get<u64>(p + 56) : 0;
    if (get<u16>(p) == 1 && (int)arch <= cc && (int)arch > best_arch) {
      const u8* b = p + header;
      const size_t stored = compressed ? compressed : payload;
      string t;
      if (get<u32>(b) == 0xFD2FB528) {  // zstd
        unsigned long long size = ZSTD_getFrameContentSize(b, stored);
        if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
          size = full ? full : payload * 50;
        t.resize(size);
        size_t r = ZSTD_decompress(&t[0], size, b, stored);
        if (ZSTD_isError(r)) fail("cannot decompress the fat binary");
        t.resize(r);
      } else if (flags & 0x2000) {
        t = lz4(b, compressed, full);
      } else {
        t.assign((const char*)b, strnlen((const char*)b, payload));
      }
      best = t.c_str();  // up to the terminating zero
      best_arch = (int)arch;
    }
    p += header + payload;
  }
  if (!options().dump.empty() && !best.empty()) {
    static int n = 0;
    string f = options().dump + "/module" + std::to_string(n++) + ".ptx";
    if (FILE* o = fopen(f.c_str(), "w")) {
      fwrite(best.data(), 1, best.size(), o);
      fclose(o);
    }
  }
  return best;
}

}  // namespace ptxi
