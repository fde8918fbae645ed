// CUTLASS's attention includes it for dropout, which is compiled only with PyTorch.
#pragma once
