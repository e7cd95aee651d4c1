// Puts a kernel for GPUs into a stream, by its name. Plain C++ to include.
#pragma once
#include <cstdint>

namespace specfast {

// Arguments are 64-bit integers, addresses among them. Returns null, or what is wrong in words.
const char* gpu_launch(const char* name, int64_t blocks, int threads, int64_t memory, const int64_t* arguments,
                       int count, void* stream);

// Null, or why this machine's driver cannot run what was built.
const char* gpu_trouble();

}  // namespace specfast
