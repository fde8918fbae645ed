// Pageable memory: a copy is done with it when the call returns or, with PTXI_STREAMS=latest, need not be.
#pragma once
#include "common.h"

static void pageable_memory() {
  std::vector<int> host(kCount, 1);
  if (is("pageable_overwrite")) {
    upload(a, host.data(), s);
    host[kCount - 1] = 2;
    result(last(a), 1);
  }
  if (is("pageable_read") || is("ok_pageable_read")) {
    set_on(s, a, 7);
    download(host.data(), a, s);
    if (is("ok_pageable_read")) CK(cudaStreamSynchronize(s));
    result(host[kCount - 1], 7);
    CK(cudaStreamSynchronize(s));
  }
  if (is("pageable_free_source") || is("pageable_free_destination")) {
    int *p = (int*)calloc(1, 64 << 20), *d;
    CK(cudaMalloc(&d, 64 << 20));
    if (is("pageable_free_source"))
      upload(d, p, s, 64 << 20);
    else
      download(p, d, s, 64 << 20);
    free(p);
    CK(cudaStreamSynchronize(s));
    result(0, 0);
  }
  if (is("pageable_to_managed")) {
    int* managed;
    CK(cudaMallocManaged(&managed, kBytes));
    upload(managed, host.data(), s);
    host.assign(kCount, 2);
    CK(cudaStreamSynchronize(s));
    result(managed[0], 1);
  }
  if (is("ok_through_pageable")) {  // there and back through the same buffer
    set_on(s, a, 5);
    download(host.data(), a, s);
    upload(b, host.data(), s);
    result(last(b), 5);
  }
  if (is("ok_pageable_function")) {  // a host function fills what a copy after it reads
    CK(cudaLaunchHostFunc(
        s, [](void* p) { fill((int*)p, 9); }, host.data()));
    upload(a, host.data(), s);
    result(last(a), 9);
  }
}
