// The kernels for GPUs as a library of the host, launched by name, to test their arithmetic where there is no GPU.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "../../csrc/cuda/kernels.cu"
#include "../../csrc/cuda/names.hpp"

namespace {

using Any = void (*)();
using Called = void (*)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                        int64_t, int64_t, int64_t, int64_t);

#define SPECFAST_ENTRY(kernel) {#kernel, reinterpret_cast<Any>(kernel)}
const std::map<std::string, Any> kernels{SPECFAST_ALL_KERNELS(SPECFAST_ENTRY)};

}  // namespace

extern "C" int host_launch(const char* name, int64_t blocks, int threads, int64_t memory, int count,
                           const int64_t* given) {
    const auto found = kernels.find(name);
    if (found == kernels.end() || count > 14) return 1;
    int64_t a[14] = {};
    std::memcpy(a, given, static_cast<size_t>(count) * sizeof(int64_t));
    std::vector<unsigned char> own(static_cast<size_t>(memory) + 64, 0xFF);
    host_gpu::memory = own.data() + (64 - reinterpret_cast<uintptr_t>(own.data()) % 64) % 64;
    pthread_barrier_init(&host_gpu::barrier, nullptr, static_cast<unsigned>(threads));
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread) {
        all.emplace_back([&, thread] {
            threadIdx.x = static_cast<unsigned>(thread);
            blockDim.x = static_cast<unsigned>(threads);
            gridDim.x = static_cast<unsigned>(blocks);
            for (int64_t block = 0; block < blocks; ++block) {
                blockIdx.x = static_cast<unsigned>(block);
                reinterpret_cast<Called>(found->second)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9],
                                                        a[10], a[11], a[12], a[13]);
                __syncthreads();
            }
        });
    }
    for (std::thread& thread : all) thread.join();
    pthread_barrier_destroy(&host_gpu::barrier);
    return 0;
}
