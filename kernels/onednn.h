// oneDNN primitives by shape.
#pragma once

namespace fermion::kernels {

class Primitives {};

}  // namespace fermion::kernels
