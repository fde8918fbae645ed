// Ranges of addresses with something that is kept for each, and which of them overlap another.
#pragma once

#include <algorithm>
#include <bit>
#include <map>

#include "types.h"

namespace ptxi {

template <class T>
class RangeMap {
  struct Entry {
    u64 end;
    T value;
  };
  using ByBegin = std::multimap<u64, Entry>;
  // By the width of their sizes: however long some are, a look at the others goes back no further than the
  // length of those.
  std::map<int, ByBegin> parts_;

 public:
  void add(u64 begin, u64 end, T value) {
    parts_[std::bit_width(end - begin)].emplace(begin, Entry{end, std::move(value)});
  }
  // Of the ranges that overlap this one, those of which f says so.
  template <class F>
  void erase_if(u64 begin, u64 end, F f) {
    for (auto& [width, part] : parts_) {
      const u64 longest = (1ull << width) - 1;
      for (auto i = part.lower_bound(begin - std::min(begin, longest)); i != part.end() && i->first < end;)
        i = i->second.end > begin && f(i->second.value) ? part.erase(i) : std::next(i);
    }
  }
  // Of all.
  template <class F>
  void erase_if(F f) {
    for (auto& [width, part] : parts_) std::erase_if(part, [&](auto& p) { return f(p.second.value); });
  }
  template <class F>
  void for_overlapping(u64 begin, u64 end, F f) {
    erase_if(begin, end, [&](T& value) {
      f(value);
      return false;
    });
  }
  // The oldest such entry, which is there.
  void erase(u64 begin, u64 end, const T& value) {
    ByBegin& part = parts_[std::bit_width(end - begin)];
    part.erase(std::find_if(part.lower_bound(begin), part.end(),
                            [&](const auto& p) { return p.second.value == value; }));
  }
  size_t size() const {
    size_t n = 0;
    for (const auto& [width, part] : parts_) n += part.size();
    return n;
  }
  void clear() { parts_.clear(); }
};

}  // namespace ptxi
