#include <cstring>

#include "kernels.cu"
#include "launch.hpp"
#include "names.hpp"

namespace specfast {
namespace {

struct Named {
    const char* name;
    const void* kernel;
};

#define SPECFAST_ENTRY(kernel) {#kernel, reinterpret_cast<const void*>(kernel)}
const Named kernels[] = {SPECFAST_ALL_KERNELS(SPECFAST_ENTRY)};

constexpr int most_arguments = 16;
constexpr int64_t usual_memory = 48 * 1024;  // of a block; more is to be asked for

}  // namespace

const char* gpu_trouble() {
    int driver = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) return "there is no CUDA driver";
    // Within a major version drivers run what is newer than they are.
    return driver / 1000 < CUDART_VERSION / 1000
               ? "the CUDA driver is older than the CUDA these kernels were built with"
               : nullptr;
}

const char* gpu_launch(const char* name, int64_t blocks, int threads, int64_t memory, const int64_t* arguments,
                       int count, void* stream) {
    if (count > most_arguments) return "too many arguments";
    for (const Named& own : kernels) {
        if (std::strcmp(own.name, name) != 0) continue;
        int64_t values[most_arguments];
        void* places[most_arguments];
        for (int i = 0; i < count; ++i) {
            values[i] = arguments[i];
            places[i] = &values[i];
        }
        cudaError_t error = cudaSuccess;
        if (memory > usual_memory)
            error = cudaFuncSetAttribute(own.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(memory));
        if (error == cudaSuccess)
            error =
                cudaLaunchKernel(own.kernel, dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(threads)),
                                 places, static_cast<size_t>(memory), static_cast<cudaStream_t>(stream));
        return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
    }
    return "there is no kernel of this name";
}

}  // namespace specfast
