#include "engine/safetensors.h"

#include <algorithm>
#include <numeric>

#include "engine/atomic_file.h"
#include "engine/crc32c.h"
#include "engine/error.h"
#include "engine/safetensors_format.h"

namespace fermion::engine {

using nlohmann::json;

namespace safetensors {

std::string quoted(const std::string& text) {
  std::string line = json(text).dump(-1, ' ', true, json::error_handler_t::replace);
  return line.size() <= 100 ? line : line.substr(0, 97) + "...";
}

json fermion_json(const SafeTensors& contents) {
  const auto entry = contents.metadata.find("fermion");
  if (entry == contents.metadata.end()) return json::object();
  json object = json::parse(entry->second, nullptr, false);
  if (!object.is_object()) throw Error("the metadata 'fermion' is not a JSON object");
  return object;
}

std::string checksum_text(const SafeTensors& contents) {
  return fmt::format("crc32c:{:08x}", checksum(contents));
}

}  // namespace safetensors

namespace {

using namespace safetensors;

const char* format_name(DType dtype) {
  return std::find_if(std::begin(format_types), std::end(format_types),
                      [&](const FormatType& type) { return type.dtype == dtype; })
      ->name;
}

json shape_json(const Shape& shape) {
  json dims = json::array();
  for (int i = 0; i < shape.rank(); ++i) dims.push_back(shape[i]);
  return dims;
}

std::string header_text(const SafeTensors& contents, const std::vector<const NamedTensor*>& order) {
  json metadata = json::object(), fermion = fermion_json(contents);
  fermion["checksum"] = checksum_text(contents);
  for (const auto& [key, value] : contents.metadata) metadata[key] = value;
  metadata["fermion"] = fermion.dump();
  json header = {{metadata_key, metadata}};
  std::uint64_t begin = 0;
  for (const NamedTensor* tensor : order) {
    if (header.contains(tensor->name))
      throw Error("{} is {}", quoted(tensor->name),
                  tensor->name == metadata_key ? "reserved" : "there twice");
    if (tensor->bytes.size() != static_cast<std::uint64_t>(tensor->shape.size()) * size_of(tensor->dtype))
      throw Error("{} holds {} bytes, which is not {} of {}", quoted(tensor->name), tensor->bytes.size(),
                  tensor->shape.text(), name_of(tensor->dtype));
    const std::uint64_t end = begin + tensor->bytes.size();
    header[tensor->name] = {{"dtype", format_name(tensor->dtype)},
                            {"shape", shape_json(tensor->shape)},
                            {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void SafeTensors::add(std::string name, const Tensor& tensor) {
  tensors.push_back({std::move(name), tensor.dtype(), tensor.shape(), tensor.bytes_to_host()});
}

const NamedTensor* SafeTensors::find(const std::string& name) const {
  const auto at = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
  return at == tensors.end() ? nullptr : &*at;
}

void SafeTensors::check(const std::string& name, const Tensor& tensor) const {
  const NamedTensor* stored = find(name);
  if (!stored) throw Error("there is no tensor '{}'", name);
  if (stored->dtype != tensor.dtype() || !(stored->shape == tensor.shape()))
    throw Error("'{}' is {} {} instead of {} {}", name, name_of(stored->dtype), stored->shape.text(),
                name_of(tensor.dtype()), tensor.shape().text());
}

void SafeTensors::copy_to(const std::string& name, const Tensor& tensor) const {
  check(name, tensor);
  const NamedTensor* stored = find(name);
  tensor.copy_from(stored->bytes.data(), stored->bytes.size());
}

std::uint32_t checksum(const SafeTensors& contents) {
  json fermion = fermion_json(contents);
  fermion.erase("checksum");
  json metadata = contents.metadata;
  metadata["fermion"] = fermion;
  std::vector<std::size_t> order(contents.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return contents.tensors[a].name < contents.tensors[b].name; });
  Crc32c crc;
  crc.add(metadata.dump());
  for (const std::size_t i : order) {
    const NamedTensor& tensor = contents.tensors[i];
    crc.add(json{tensor.name, format_name(tensor.dtype), shape_json(tensor.shape)}.dump());
    crc.add(tensor.bytes.data(), tensor.bytes.size());
  }
  return crc.value();
}

void write_safetensors(const std::filesystem::path& path, const SafeTensors& contents) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& tensor : contents.tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return size_of(a->dtype) > size_of(b->dtype);
  });
  std::string header;
  try {
    header = header_text(contents, order);
  } catch (const std::exception& error) {  // nlohmann: text that is not UTF-8 or not JSON
    throw Error("{} cannot be written: {}", path.string(), error.what());
  }
  const std::uint64_t header_bytes = header.size();
  std::vector<std::string_view> parts{{reinterpret_cast<const char*>(&header_bytes), length_bytes}, header};
  for (const NamedTensor* tensor : order)
    parts.emplace_back(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  replace_file(path, parts);
}

}  // namespace fermion::engine
