// Which sums a list of derivatives of one series over an index set needs, axis by axis from the last one.
#pragma once
#include <vector>

#include "kernels.hpp"

namespace specfast {

class DerivativePlan {
  public:
    // slots (results, dim): which of its axis' orders every derivative takes; `series` lists those of axis 0, then 1, ..,
    // `first` (dim + 1) where each axis begins. Throws std::invalid_argument where these do not agree.
    DerivativePlan(int dim, const std::vector<const Series*>& series, const std::vector<int>& first,
                   const std::vector<int32_t>& slots);
    Derivatives orders() const;

  private:
    int dim_;
    std::vector<const Series*> series_;
    std::vector<int> first_;
    std::vector<std::vector<Ending>> endings_;
    std::vector<int32_t> result_;
};

}  // namespace specfast
