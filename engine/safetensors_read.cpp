#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <span>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

#include "engine/error.h"
#include "engine/safetensors_format.h"

namespace fermion::engine {
namespace {

using namespace safetensors;
using nlohmann::json;

// JSON in which no object has a key twice.
json parse_strictly(const std::string& text) {
  std::vector<std::set<std::string>> open;
  return json::parse(text, [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second)
      throw Error("its header holds {} twice", quoted(parsed.get<std::string>()));
    return true;
  });
}

class File {
 public:
  // Opening a pipe must not wait for a writer.
  explicit File(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    struct stat status {};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0)
      error_ = std::strerror(errno);
    else if (!S_ISREG(status.st_mode))
      error_ = S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file";
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;

  void check() const {
    if (!error_.empty()) throw Error("{}", error_);
  }
  std::uint64_t size() const { return size_; }

  void read(void* to, std::uint64_t bytes, std::uint64_t from) const {
    while (bytes > 0) {
      const ssize_t count = ::pread(fd_, to, bytes, static_cast<off_t>(from));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Error("{}", std::strerror(errno));
      if (count == 0) throw Error("it ends early");
      to = static_cast<char*>(to) + count;
      bytes -= static_cast<std::uint64_t>(count);
      from += static_cast<std::uint64_t>(count);
    }
  }

 private:
  int fd_;
  std::uint64_t size_ = 0;
  std::string error_;
};

struct Entry {
  NamedTensor tensor;
  std::uint64_t begin, end;
};

Shape parse_shape(const json& dims, std::size_t element_bytes, std::uint64_t bytes) {
  if (dims.size() > static_cast<std::size_t>(Shape::max_rank))
    throw Error("has {} dimensions; at most {} are read", dims.size(), Shape::max_rank);
  std::vector<std::int64_t> sizes;
  std::int64_t product = static_cast<std::int64_t>(element_bytes);
  bool empty = false;
  for (const json& dim : dims) {
    if (!dim.is_number_unsigned()) throw Error("has a dimension that is not a number of elements");
    const auto size = dim.get<std::uint64_t>();
    // An empty tensor's other dimensions must multiply without overflow too.
    if (__builtin_mul_overflow(product, std::max<std::uint64_t>(size, 1), &product))
      throw Error("has a shape that overflows");
    empty |= size == 0;
    sizes.push_back(static_cast<std::int64_t>(size));
  }
  const Shape shape{std::span<const std::int64_t>(sizes)};
  if ((empty ? 0 : static_cast<std::uint64_t>(product)) != bytes)
    throw Error("has {} bytes, which is not its shape {}", bytes, shape.text());
  return shape;
}

Entry parse_entry(const std::string& name, const json& value, std::uint64_t data_bytes) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    throw Error("is described by something else than dtype, shape and data_offsets");
  const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2 ||
      !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    throw Error("has a malformed dtype, shape or data_offsets");
  const auto* type = std::find_if(std::begin(format_types), std::end(format_types),
                                  [&](const FormatType& t) { return dtype == t.name; });
  if (type == std::end(format_types))
    throw Error("has dtype {}; F32, BF16, U8 and I32 are read", quoted(dtype.get<std::string>()));
  const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > data_bytes)
    throw Error("lies at {} to {} of {} bytes of data", begin, end, data_bytes);
  return {{name, type->dtype, parse_shape(shape, size_of(type->dtype), end - begin), {}}, begin, end};
}

std::vector<Entry> parse_header(const json& header, std::uint64_t data_bytes, SafeTensors& contents) {
  if (!header.is_object()) throw Error("its header is not a JSON object");
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == metadata_key) {
      if (!value.is_object() ||
          !std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_string(); }))
        throw Error("its metadata is not a map of strings");
      contents.metadata = value.get<std::map<std::string, std::string>>();
      continue;
    }
    try {
      entries.push_back(parse_entry(name, value, data_bytes));
    } catch (const Error& error) {
      throw Error("its tensor {} {}", quoted(name), error.what());
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at)
      throw Error("its tensor {} {}", quoted(entry.tensor.name),
                  entry.begin < at ? "overlaps another one" : "comes after a gap");
    at = entry.end;
  }
  if (at != data_bytes) throw Error("{} bytes of its data belong to no tensor", data_bytes - at);
  return entries;
}

SafeTensors read_file(const File& file) {
  file.check();
  if (file.size() < length_bytes) throw Error("it has {} bytes, too few for a header", file.size());
  std::uint64_t header_bytes = 0;
  file.read(&header_bytes, length_bytes, 0);
  if (header_bytes > file.size() - length_bytes)
    throw Error("it is truncated, or no safetensors file: its header should have {} bytes, but {} are there",
                header_bytes, file.size() - length_bytes);
  if (header_bytes > largest_header)
    throw Error("its header has {} bytes; at most {} are read", header_bytes, largest_header);
  std::string text(header_bytes, '\0');
  file.read(text.data(), header_bytes, length_bytes);
  const std::uint64_t data = length_bytes + header_bytes;
  SafeTensors contents;
  for (Entry& entry : parse_header(parse_strictly(text), file.size() - data, contents)) {
    entry.tensor.bytes.resize(entry.end - entry.begin);
    file.read(entry.tensor.bytes.data(), entry.tensor.bytes.size(), data + entry.begin);
    contents.tensors.push_back(std::move(entry.tensor));
  }
  const json fermion = fermion_json(contents);
  if (fermion.contains("checksum")) {
    if (fermion["checksum"] != checksum_text(contents)) throw Error("it is damaged: its checksum is wrong");
    contents.verified = true;
  }
  return contents;
}

}  // namespace

SafeTensors read_safetensors(const std::filesystem::path& path) {
  try {
    return read_file(File(path));
  } catch (const json::exception&) {
    throw Error("{} cannot be read: its header is not valid JSON; it is damaged or no safetensors file",
                path.string());
  } catch (const std::bad_alloc&) {
    throw Error("{} cannot be read: not enough memory", path.string());
  } catch (const Error& error) {
    throw Error("{} cannot be read: {}", path.string(), error.what());
  }
}

}  // namespace fermion::engine
