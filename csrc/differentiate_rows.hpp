// Rows of coefficients -> those of the derivative, or the transpose of that map.
//
// Method    differentiation.hpp, a row at a time, in double.
// Layout    Rows of any strides; results contiguous.
// Cost      four FMAs an entry at most; once through the rows.
#pragma once
#include "differentiation.hpp"
#include "rows.hpp"

namespace specfast {
namespace {

// coef -> coefficients of the derivative, row by row (or the transpose of that map).
template <class Data>
void differentiate_rows(const Differentiation& table, const Rows& rows, const Operand& coef, Data* result,
                        bool transposed) {
    const int64_t count = table.count, total = row_count(rows);
    const int threads = threads_for(total * count);
    const Scratch scratch(2 * count, threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t row = 0; row < total; ++row) {
        double* const input = scratch.of_this_thread();
        double* const output = input + count;
        const Data* source = row_start<Data>(rows, coef, row);
        for (int64_t n = 0; n < count; ++n) input[n] = static_cast<double>(source[n * coef.stride]);
        const ContiguousRow<double> from{input}, to{output};
        transposed ? differentiate_transposed(table, from, to) : differentiate(table, from, to);
        for (int64_t n = 0; n < count; ++n) result[row * count + n] = static_cast<Data>(output[n]);
    }
}

void differentiate_series(const Differentiation& table, const Rows& rows, const Operand& coef, void* result,
                          bool transposed, bool is_double) {
    if (is_double) {
        differentiate_rows(table, rows, coef, static_cast<double*>(result), transposed);
    } else {
        differentiate_rows(table, rows, coef, static_cast<float*>(result), transposed);
    }
}

}  // namespace
}  // namespace specfast
