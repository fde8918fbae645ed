#include "fer/dataset_loader.h"

#include <algorithm>

#include "engine/error.h"

namespace fermion::fer {
namespace {

namespace fs = std::filesystem;

// Asked in this order: the general layout comes last.
constexpr const Loader* loaders[] = {&ferplus_loader, &folders_loader};

const Loader* loader_of(const fs::path& folder) {
  for (const Loader* loader : loaders)
    if (loader->recognises(folder)) return loader;
  return nullptr;
}

}  // namespace

FoundSet find_set(const fs::path& folder) {
  if (!fs::exists(folder)) throw engine::Error("{}: no such folder", folder.string());
  if (!fs::is_directory(folder)) throw engine::Error("{} is a file, not a folder", folder.string());
  if (fs::is_empty(folder)) throw engine::Error("{} is empty", folder.string());
  if (const Loader* loader = loader_of(folder)) return {loader, folder};

  std::vector<FoundSet> inside;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_directory())
      if (const Loader* loader = loader_of(entry.path())) inside.push_back({loader, entry.path()});
  if (inside.size() == 1) return inside.front();

  std::vector<std::string> names;
  for (const FoundSet& set : inside) names.push_back(set.folder.string());
  std::sort(names.begin(), names.end());
  if (!names.empty())
    throw engine::Error("{} holds several sets, name one of them: {}", folder.string(),
                        fmt::join(names, ", "));
  for (const Loader* loader : loaders) names.push_back(fmt::format("{} ({})", loader->name, loader->layout));
  throw engine::Error("{} holds no set that is known here; looked for {}", folder.string(),
                      fmt::join(names, ", "));
}

}  // namespace fermion::fer
