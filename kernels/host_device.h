// Functions that kernels of every device share.
#pragma once

#ifdef __CUDACC__
#define FERMION_HOST_DEVICE __host__ __device__
#else
#define FERMION_HOST_DEVICE
#endif
