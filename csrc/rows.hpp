// Walking over rows with strides, and scratch memory: what every kernel needs around its arithmetic.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <new>

#include "kernels.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace specfast {
namespace {

inline int64_t row_count(const Rows& rows) {
    int64_t count = 1;
    for (int axis = 0; axis < rows.axes; ++axis) count *= rows.size[axis];
    return count;
}

// Where a row of an operand starts, in elements from its first one.
inline int64_t row_offset(const Rows& rows, const Operand& operand, int64_t row) {
    int64_t offset = 0;
    for (int axis = rows.axes - 1; axis >= 0; --axis) {
        offset += (row % rows.size[axis]) * operand.row_stride[axis];
        row /= rows.size[axis];
    }
    return offset;
}

template <class T>
inline const T* row_start(const Rows& rows, const Operand& operand, int64_t row) {
    return static_cast<const T*>(operand.data) + row_offset(rows, operand, row);
}

// Work is shared out by OpenMP's guided schedule: which thread does a task changes no bit of the result, and where
// another program takes part of a core the others go on with its share.

// Below this many FMAs a call stays on the calling thread.
constexpr int64_t serial_work = 1 << 16;

inline int threads_for(int64_t work) {
#ifdef _OPENMP
    return work < serial_work ? 1 : omp_get_max_threads();
#else
    static_cast<void>(work);
    return 1;
#endif
}

// Memory that a calling thread keeps from one call to the next: fresh pages cost more than a small problem.
class KeptMemory {
  public:
    static constexpr size_t most = size_t(1) << 23;
    double* take(size_t bytes) {
        if (bytes > most || in_use_) return nullptr;
        if (bytes > size_) {
            std::free(memory_);
            memory_ = static_cast<double*>(std::aligned_alloc(64, bytes));
            size_ = memory_ == nullptr ? 0 : bytes;
        }
        in_use_ = memory_ != nullptr;
        return memory_;
    }
    void give_back() { in_use_ = false; }
    ~KeptMemory() { std::free(memory_); }

  private:
    double* memory_ = nullptr;
    size_t size_ = 0;
    bool in_use_ = false;
};

inline KeptMemory& kept_memory() {
    static thread_local KeptMemory memory;
    return memory;
}

// Uninitialised doubles, aligned for any vector, one block a thread; allocated before the threads start, where an
// exception may still be thrown. Not std::vector: its code would be compiled with this file's instruction set and could
// be picked by the linker for all.
class Scratch {
  public:
    Scratch(int64_t count, int blocks) : stride_((count + 7) / 8 * 8) {
        const size_t bytes = static_cast<size_t>(stride_ > 0 ? stride_ * blocks : 8) * sizeof(double);
        memory_ = kept_memory().take(bytes);
        kept_ = memory_ != nullptr;
        if (!kept_) memory_ = static_cast<double*>(std::aligned_alloc(64, bytes));
        if (memory_ == nullptr) throw std::bad_alloc();
    }
    ~Scratch() { kept_ ? kept_memory().give_back() : std::free(memory_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    double* block(int index) const { return memory_ + index * stride_; }
    double* of_this_thread() const {
#ifdef _OPENMP
        return block(omp_get_thread_num());
#else
        return block(0);
#endif
    }

  private:
    int64_t stride_;
    double* memory_;
    bool kept_;
};

// How many functions a series needs: differentiation may raise the degree.
inline int64_t working_count(const Series& series) {
    return series.derivative > 0 ? series.differentiation.count : series.coefficients;
}

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace
}  // namespace specfast
