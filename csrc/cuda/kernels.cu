// The kernels for GPUs by their names: <what>_<type of the arithmetic><type of the data>_<points a thread>, d and f.
//
// Those on one axis that begin with pairs_ are for functions in pairs: kernels of their own, so that neither kind pays for the other's
// registers. All arguments are pointers and 64-bit integers, so that whoever launches them needs no type of ours.
#include "cross_adjoint.hpp"
#include "finish.hpp"
#include "platform.hpp"
#include "rate.hpp"
#include "sweep.hpp"

using namespace specfast;

#define SPECFAST_TYPED(T, Data, suffix)                                                                                \
    SPECFAST_KERNEL prepare_coefficients_##suffix(const GpuSeries<T>* series, int64_t rows, const Data* coef,          \
                                                  double* scratch, T* near_coef, T* end_coef, int* exponents) {        \
        prepare_coefficients(*series, rows, coef, scratch, near_coef, end_coef, exponents);                            \
    }                                                                                                                  \
    SPECFAST_KERNEL find_maxima_##suffix(int64_t rows, int64_t parts, int64_t points, const Data* values,              \
                                         double* maxima) {                                                             \
        find_maxima(rows, parts, points, values, maxima);                                                              \
    }                                                                                                                  \
    SPECFAST_KERNEL prepare_values_##suffix(int64_t rows, int64_t parts, int64_t points, const Data* values,           \
                                            const double* maxima, T* out, int* exponents) {                            \
        prepare_values(rows, parts, points, values, maxima, out, exponents);                                           \
    }                                                                                                                  \
    SPECFAST_KERNEL finish_adjoint_##suffix(const GpuSeries<T>* series, const GpuRows* rows, int64_t row_count,        \
                                            int64_t tiles, int64_t derivative, const T* partial, const int* exponents, \
                                            double* scratch, Data* result) {                                           \
        finish_adjoint(*series, *rows, row_count, tiles, derivative, partial, exponents, scratch, result);             \
    }                                                                                                                  \
    SPECFAST_KERNEL finish_vandermonde_##suffix(const GpuSeries<T>* series, int64_t row_count, const T* functions,     \
                                                double* scratch, Data* result) {                                       \
        finish_vandermonde(*series, row_count, functions, scratch, result);                                            \
    }

#define SPECFAST_TILED(prefix, Climbing, Pairs, T, Data, suffix, Points)                                               \
    SPECFAST_KERNEL prefix##synthesize_##suffix##_##Points(                                                            \
        const GpuSeries<T>* series, const GpuRows* rows, int64_t row_count, int64_t points, int64_t z_stride,          \
        const T* near_coef, const T* end_coef, const int* exponents, const Data* z, Data* values) {                    \
        synthesize<T, Data, Points, Pairs>(*series, *rows, row_count, points, z_stride, near_coef, end_coef,           \
                                           exponents, z, values);                                                      \
    }                                                                                                                  \
    SPECFAST_KERNEL prefix##adjoint_##suffix##_##Points(                                                               \
        const GpuSeries<T>* series, const GpuRows* rows, int64_t row_count, int64_t points, int64_t z_stride,          \
        int64_t parts, const T* weights, const int* weight_exponents, const Data* z, T* partial) {                     \
        adjoint<Climbing<T>, T, Data, Points, false>(*series, *rows, row_count, points, z_stride, parts, weights,      \
                                                     weight_exponents, z, partial, nullptr, nullptr, nullptr,          \
                                                     nullptr);                                                         \
    }                                                                                                                  \
    SPECFAST_KERNEL prefix##backward_##suffix##_##Points(                                                              \
        const GpuSeries<T>* series, const GpuRows* rows, int64_t row_count, int64_t points, int64_t z_stride,          \
        int64_t parts, const T* weights, const int* weight_exponents, const Data* z, T* partial, const T* near_coef,   \
        const T* end_coef, const int* exponents, Data* slopes) {                                                       \
        adjoint<Climbing<T>, T, Data, Points, true>(*series, *rows, row_count, points, z_stride, parts, weights,       \
                                                    weight_exponents, z, partial, near_coef, end_coef, exponents,      \
                                                    slopes);                                                           \
    }                                                                                                                  \
    SPECFAST_KERNEL prefix##vandermonde_##suffix##_##Points(const GpuSeries<T>* series, int64_t points, const Data* z, \
                                                            T* functions) {                                            \
        vandermonde<Climbing<T>, T, Data, Points>(*series, points, z, functions);                                      \
    }

#define SPECFAST_ALL(T, Data, suffix)                             \
    SPECFAST_TYPED(T, Data, suffix)                               \
    SPECFAST_TILED(, Climber, false, T, Data, suffix, 1)          \
    SPECFAST_TILED(, Climber, false, T, Data, suffix, 4)          \
    SPECFAST_TILED(pairs_, PairClimber, true, T, Data, suffix, 1) \
    SPECFAST_TILED(pairs_, PairClimber, true, T, Data, suffix, 4)

SPECFAST_ALL(double, double, dd)
SPECFAST_ALL(float, float, ff)
SPECFAST_ALL(double, float, df)

SPECFAST_KERNEL differentiate_d(const GpuSeries<double>* series, int64_t rows, int64_t transposed, const double* coef,
                                double* scratch, double* result) {
    differentiate_rows(*series, rows, transposed, coef, scratch, result);
}
SPECFAST_KERNEL differentiate_f(const GpuSeries<double>* series, int64_t rows, int64_t transposed, const float* coef,
                                double* scratch, float* result) {
    differentiate_rows(*series, rows, transposed, coef, scratch, result);
}

#define SPECFAST_CROSS(T, suffix)                                                                                     \
    SPECFAST_KERNEL cross_synthesize_##suffix(const GpuCross* cross, const GpuSeries<T>* const* series, int64_t rows, \
                                              int64_t channels, int64_t points, int64_t width, int64_t coef_row,      \
                                              const T* z, const T* coef, T* partial) {                                \
        cross_synthesize<T>(*cross, series, rows, channels, points, width, coef_row, z, coef, partial);               \
    }

SPECFAST_CROSS(double, d)
SPECFAST_CROSS(float, f)

#define SPECFAST_CROSS_ADJOINT(T, suffix, Columns)                                                                    \
    SPECFAST_KERNEL cross_adjoint_##suffix##_##Columns(const GpuCross* cross, const GpuSeries<T>* const* series,      \
                                                       int64_t rows, int64_t channels, int64_t points, int64_t width, \
                                                       int64_t slices, const T* z, const T* values, T* partial) {     \
        cross_adjoint<T, Columns>(*cross, series, rows, channels, points, width, slices, z, values, partial);         \
    }

SPECFAST_CROSS_ADJOINT(double, d, 2)
SPECFAST_CROSS_ADJOINT(double, d, 8)
SPECFAST_CROSS_ADJOINT(float, f, 2)
SPECFAST_CROSS_ADJOINT(float, f, 8)

SPECFAST_KERNEL run_fma_d(int64_t rounds, double* out) { run_fma(rounds, out); }
SPECFAST_KERNEL run_fma_f(int64_t rounds, float* out) { run_fma(rounds, out); }
