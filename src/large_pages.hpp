// Pages of 2 MiB for large results. Memory that the system has only just given is zeroed page by page when it is first
// written; 4 KiB at a time that takes several times as long as the kernels need to fill it.
#pragma once
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "tensors.hpp"

namespace specfast {

// Where the system leaves the choice to programs; it may say no, and nothing is lost.
inline void ask_for_large_pages(const Array& result) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    constexpr uintptr_t least = uintptr_t(1) << 22, page = 4096;
    uintptr_t bytes = result.is_double ? 8 : 4;
    for (int axis = 0; axis < result.axes; ++axis) bytes *= static_cast<uintptr_t>(result.sizes[axis]);
    if (bytes < least) return;
    const uintptr_t begin = reinterpret_cast<uintptr_t>(result.data), first = (begin + page - 1) / page * page;
    madvise(reinterpret_cast<void*>(first), (begin + bytes - first) / page * page, MADV_HUGEPAGE);
#else
    static_cast<void>(result);
#endif
}

}  // namespace specfast
