#include "tables.h"

#include <algorithm>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>

namespace ptxi::table {
namespace {

namespace fs = std::filesystem;

// Three digits: 999, 12.3k, 4.56M.
std::string count(std::uint64_t n) {
  double value = static_cast<double>(n);
  const char* unit = "";
  for (const char* larger : {"k", "M", "G", "T"}) {
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  return *unit ? fmt::format("{:.{}f}{}", value,
                             value < 9.995   ? 2
                             : value < 99.95 ? 1
                                             : 0,
                             unit)
               : fmt::format("{}", n);
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string quotient(std::uint64_t part, std::uint64_t whole) {
  return whole ? fmt::format("{:.2f}", ratio(part, whole)) : "-";
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return fmt::format("{:.1f}", 100 * ratio(part, whole));
}

std::string more(std::size_t shown, std::size_t all, const char* what, std::uint64_t rest,
                 std::uint64_t instructions) {
  if (shown >= all) return "";
  return fmt::format("and {} more {}{}: {} % of the instructions\n", all - shown, what,
                     all - shown == 1 ? "" : "s", percent(rest, instructions));
}

std::string counts_table(const std::vector<Kernel>& kernels, std::size_t shown) {
  constexpr const char* row =
      "{:>3} {:>8} {:>7} {:>6} {:>10} {:>9} {:>8} {:>8} {:>7} {:>7} {:>8} {:>9} {:>7} {:>7}  {}\n";
  std::string text =
      fmt::format(row, "", "launches", "instr", "lanes", "requested", "distinct", "sectors", "sectors",
                  "waves", "excess", "barriers", "divergent", "atomics", "mma", "kernel") +
      fmt::format(row, "", "", "", "", "B", "B", "/load", "/store", "", "", "", "branches", "", "", "");
  for (std::size_t i = 0; i < shown; ++i) {
    const Figures& f = kernels[i].figures;
    text +=
        fmt::format(row, i + 1, kernels[i].launches, count(f.instructions),
                    quotient(f.thread_instructions, f.instructions), count(32 * f.sectors()),
                    count(32 * f.distinct_sectors), quotient(f.load_sectors, f.load_requests),
                    quotient(f.store_sectors, f.store_requests), count(f.wavefronts), count(f.excess),
                    count(f.barriers), count(f.divergent), count(f.atomics), count(f.mma), kernels[i].name);
  }
  return text;
}

// Percent of a kernel's instructions by class; classes that occur.
std::string mix_table(const std::vector<Kernel>& kernels, std::size_t shown) {
  std::vector<std::string> classes;
  for (const auto& [name, unused] : kernels.front().figures.classes)
    if (std::any_of(kernels.begin(), kernels.begin() + static_cast<std::ptrdiff_t>(shown),
                    [&name = name](const Kernel& kernel) { return kernel.figures.classes.at(name) > 0; }))
      classes.push_back(name);
  std::string text = fmt::format("\n{:>3}", "%");
  for (const std::string& name : classes) text += fmt::format(" {:>6}", name);
  text += "  kernel\n";
  for (std::size_t i = 0; i < shown; ++i) {
    const Figures& f = kernels[i].figures;
    text += fmt::format("{:>3}", i + 1);
    for (const std::string& name : classes)
      text += fmt::format(" {:>6}", percent(f.classes.at(name), f.instructions));
    text += fmt::format("  {}\n", kernels[i].name);
  }
  return text;
}

// "name:12"; of files elsewhere, without their folder.
std::string name_of(const Place& place) {
  if (place.line == 0) return "(no source line)";
  const fs::path path = place.file;
  return fmt::format("{}:{}", path.is_absolute() ? path.filename().string() : place.file, place.line);
}

class Sources {
 public:
  // name_of() it, and its text where the file can be read.
  std::string show(const Place& place) {
    const std::string at = name_of(place);
    const std::vector<std::string>& lines = read(place.file);
    if (place.line == 0 || static_cast<std::size_t>(place.line) > lines.size()) return at;
    const std::string& text = lines[static_cast<std::size_t>(place.line - 1)];
    const std::size_t begin = text.find_first_not_of(" \t");
    return begin == std::string::npos ? at : fmt::format("{:<28}  {}", at, text.substr(begin, 90));
  }

 private:
  const std::vector<std::string>& read(const std::string& file) {
    const auto [place, is_new] = files_.try_emplace(file);
    if (is_new) {
      std::ifstream stream(file);
      for (std::string line; std::getline(stream, line);) place->second.push_back(line);
    }
    return place->second;
  }

  std::map<std::string, std::vector<std::string>> files_;
};

std::string lines_table(const Kernel& kernel, int limit, Sources& sources) {
  const Figures& all = kernel.figures;
  const auto heat = [&](const Line& line) {
    const Figures& f = line.figures;
    return std::max({ratio(f.instructions, all.instructions), ratio(f.sectors(), all.sectors()),
                     ratio(f.excess, all.excess)});
  };
  std::vector<Line> lines = kernel.lines;
  std::stable_sort(lines.begin(), lines.end(),
                   [&](const Line& a, const Line& b) { return heat(a) > heat(b); });
  const std::size_t shown = std::min(static_cast<std::size_t>(limit), lines.size());
  constexpr const char* row = "    {:>7} {:>10} {:>8} {:>7} {:>7} {:>9}  {}\n";
  std::string text =
      fmt::format(row, "instr %", "requested", "sectors", "waves", "excess", "divergent", "line") +
      fmt::format(row, "", "B", "/request", "", "", "branches", "");
  std::uint64_t rest = all.instructions;
  for (std::size_t i = 0; i < shown; ++i) {
    const Figures& f = lines[i].figures;
    rest -= f.instructions;
    text += fmt::format(row, percent(f.instructions, all.instructions), count(32 * f.sectors()),
                        quotient(f.sectors(), f.requests()), count(f.wavefronts), count(f.excess),
                        count(f.divergent), sources.show(lines[i].place));
    if (lines[i].inlined_at.line)
      text += fmt::format(row, "", "", "", "", "", "", "  in " + sources.show(lines[i].inlined_at));
  }
  const std::string rest_text = more(shown, lines.size(), "line", rest, all.instructions);
  return rest_text.empty() ? text : text + "    " + rest_text;
}

}  // namespace

std::string tables(std::vector<Kernel> kernels, Limits limits) {
  std::stable_sort(kernels.begin(), kernels.end(), [](const Kernel& a, const Kernel& b) {
    return a.figures.instructions > b.figures.instructions;
  });
  const std::size_t shown = std::min(static_cast<std::size_t>(limits.kernels), kernels.size());
  std::uint64_t all = 0, rest = 0;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    all += kernels[i].figures.instructions;
    if (i >= shown) rest += kernels[i].figures.instructions;
  }
  std::string text = counts_table(kernels, shown) + more(shown, kernels.size(), "kernel", rest, all) +
                     mix_table(kernels, shown);
  Sources sources;
  for (std::size_t i = 0; i < shown && limits.lines > 0; ++i)
    text += fmt::format("\n{}. {} in {}\n", i + 1, kernels[i].name, name_of(kernels[i].place)) +
            lines_table(kernels[i], limits.lines, sources);
  return text;
}

}  // namespace ptxi::table
