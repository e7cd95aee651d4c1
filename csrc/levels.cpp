// Which of the compiled instruction sets this machine runs.
#include "kernels.hpp"

namespace specfast {

extern const Level level_baseline;
#ifdef SPECFAST_X86
extern const Level level_avx2;
#ifndef SPECFAST_WITHOUT_AVX512
extern const Level level_avx512;
#endif
#endif

int available_levels(const Level** levels, int capacity) {
    int count = 0;
    if (count < capacity) levels[count++] = &level_baseline;
#ifdef SPECFAST_X86
    __builtin_cpu_init();
    if (count < capacity && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        levels[count++] = &level_avx2;
    }
#ifndef SPECFAST_WITHOUT_AVX512
    if (count < capacity && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
        levels[count++] = &level_avx512;
    }
#endif
#endif
    return count;
}

}  // namespace specfast
