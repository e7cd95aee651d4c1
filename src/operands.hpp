// Tensors as one call is handed them: of one type of element, scale and shift with an axis for the dimensions.
#pragma once
#include <stdexcept>

#include "tensors.hpp"

namespace specfast {
namespace {

TensorReader read_tensor;  // set once, when the module is imported

// Reads tensors of one type of element; remembers which.
class Arguments {
  public:
    Array operator()(py::handle tensor) {
        const Array array = read_tensor(tensor);
        if (known_ && array.is_double != is_double) throw std::invalid_argument("one type of element is expected");
        known_ = true;
        is_double = array.is_double;
        return array;
    }
    bool is_double = false;

  private:
    bool known_ = false;
};

// Scale or shift as Python has them, with an axis for the dimensions: (...,) or a number, and for D > 1 (..., D) or (..., 1).
Array with_axis(Array array, int dim) {
    if (dim > 1 && array.axes > 0) {
        if (array.length() == 1) array.strides[array.axes - 1] = 0;
        return array;
    }
    array.sizes[array.axes] = 1;
    array.strides[array.axes++] = 0;
    return array;
}

}  // namespace
}  // namespace specfast
