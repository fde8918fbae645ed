// What each thread has one of.
#pragma once

namespace ptxi {

// Destroyed with the thread. A static destructor of the program, or of another thing of the thread, may use
// it once more after that: it is made anew.
template <class T>
T& of_thread() {
  static thread_local T* own = nullptr;
  static thread_local struct End {
    ~End() {
      delete own;
      own = nullptr;
    }
  } end;
  (void)end;
  if (!own) own = new T;
  return *own;
}

}  // namespace ptxi
