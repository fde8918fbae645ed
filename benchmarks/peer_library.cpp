#include "benchmarks/peer_library.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <sstream>
#include <vector>

#include "engine/error.h"

namespace fermion::benchmarks {
namespace {

std::vector<std::string> places(const std::string& name) {
  std::vector<std::string> list{name};
  std::istringstream folders(std::getenv("FERMION_PEERS") ? std::getenv("FERMION_PEERS") : "");
  for (std::string folder; std::getline(folders, folder, ':');) list.push_back(folder + "/" + name);
  if (const char* home = std::getenv("CUDA_HOME"))
    for (const char* lib : {"/lib64/", "/lib/"}) list.push_back(home + (lib + name));
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/local", none))
    if (entry.path().filename().string().starts_with("cuda"))
      list.push_back((entry.path() / "lib64" / name).string());
  return list;
}

}  // namespace

PeerLibrary::PeerLibrary(const std::string& name) : name_(name) {
  for (const std::string& place : places(name)) {
    handle_ = dlopen(place.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (handle_) return;
  }
  throw engine::Error("there is no {} (FERMION_PEERS names folders to look in)", name);
}

void* PeerLibrary::address(const char* name) const {
  void* found = dlsym(handle_, name);
  if (!found) throw engine::Error("{} has no {}", name_, name);
  return found;
}

}  // namespace fermion::benchmarks
