// Every kernel and its name, as entries {"name", entry(name)} of a table: SPECFAST_ALL_KERNELS(entry).
#pragma once

#define SPECFAST_KERNELS_OF_FORM(entry, prefix, suffix)                             \
    entry(prefix##synthesize_##suffix##_1), entry(prefix##synthesize_##suffix##_4), \
        entry(prefix##adjoint_##suffix##_1), entry(prefix##adjoint_##suffix##_4),   \
        entry(prefix##backward_##suffix##_1), entry(prefix##backward_##suffix##_4), \
        entry(prefix##vandermonde_##suffix##_1), entry(prefix##vandermonde_##suffix##_4)

#define SPECFAST_KERNELS_OF_TYPES(entry, suffix)                                                                       \
    entry(prepare_coefficients_##suffix), entry(find_maxima_##suffix), entry(prepare_values_##suffix),                 \
        entry(finish_adjoint_##suffix), entry(finish_vandermonde_##suffix), SPECFAST_KERNELS_OF_FORM(entry, , suffix), \
        SPECFAST_KERNELS_OF_FORM(entry, pairs_, suffix)

#define SPECFAST_ALL_KERNELS(entry)                                                                                   \
    SPECFAST_KERNELS_OF_TYPES(entry, dd), SPECFAST_KERNELS_OF_TYPES(entry, ff), SPECFAST_KERNELS_OF_TYPES(entry, df), \
        entry(differentiate_d), entry(differentiate_f), entry(cross_synthesize_d), entry(cross_synthesize_f),         \
        entry(cross_adjoint_d_2), entry(cross_adjoint_d_8), entry(cross_adjoint_f_2), entry(cross_adjoint_f_8),       \
        entry(run_fma_d), entry(run_fma_f)
