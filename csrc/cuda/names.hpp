// Every kernel and its name, as entries {"name", entry(name)} of a table: SPECFAST_ALL_KERNELS(entry).
#pragma once

#define SPECFAST_KERNELS_OF_TYPES(entry, suffix)                                                            \
    entry(prepare_coefficients_##suffix), entry(find_maxima_##suffix), entry(prepare_values_##suffix),      \
        entry(finish_adjoint_##suffix), entry(finish_vandermonde_##suffix), entry(synthesize_##suffix##_1), \
        entry(synthesize_##suffix##_4), entry(adjoint_##suffix##_1), entry(adjoint_##suffix##_4),           \
        entry(backward_##suffix##_1), entry(backward_##suffix##_4), entry(vandermonde_##suffix##_1),        \
        entry(vandermonde_##suffix##_4)

#define SPECFAST_ALL_KERNELS(entry)                                                                                   \
    SPECFAST_KERNELS_OF_TYPES(entry, dd), SPECFAST_KERNELS_OF_TYPES(entry, ff), SPECFAST_KERNELS_OF_TYPES(entry, df), \
        entry(differentiate_d), entry(differentiate_f), entry(cross_synthesize_d), entry(cross_synthesize_f),         \
        entry(cross_adjoint_d_2), entry(cross_adjoint_d_8), entry(cross_adjoint_f_2), entry(cross_adjoint_f_8),       \
        entry(run_fma_d), entry(run_fma_f)
