// A library of NVIDIA's that is there at run time or not, and of which no program asks for when it starts.
#pragma once

#include <string>

namespace fermion::benchmarks {

class PeerLibrary {
 public:
  // Looked for where the system looks, in the folders of FERMION_PEERS (separated by colons), and in toolkits
  // in their usual places. Throws Error where there is none. It stays loaded.
  explicit PeerLibrary(const std::string& name);

  // Throws Error when it has no such function.
  template <class Function>
  Function* get(const char* name) const {
    return reinterpret_cast<Function*>(address(name));
  }

 private:
  void* address(const char* name) const;

  std::string name_;
  void* handle_ = nullptr;
};

}  // namespace fermion::benchmarks
