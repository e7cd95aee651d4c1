// Memory for results, from PyTorch: with the dtype and device of an argument, whatever is the default elsewhere.
#pragma once
#include <initializer_list>

#include "tensors.hpp"

namespace specfast {

// A tensor and how the kernels see it.
struct Given {
    py::handle tensor;
    Array array;
};

struct Sizes {
    Sizes(const Rows& rows, std::initializer_list<int64_t> own) : axes(rows.axes) {
        std::copy_n(rows.size, rows.axes, of);
        for (const int64_t size : own) of[axes++] = size;
    }
    int axes;
    int64_t of[max_leading_axes + 2];
};

class NewTensors {
  public:
    // Takes torch.empty_like.
    void use(py::object empty_like) { empty_like_ = std::move(empty_like); }

    // A contiguous tensor: like the argument where that is one of this shape, which takes half the time.
    py::object operator()(const Sizes& sizes, const Given& like) const {
        if (contiguous(like.array, sizes)) return empty_like_(like.tensor);
        py::tuple shape(sizes.axes);
        for (int axis = 0; axis < sizes.axes; ++axis) shape[axis] = py::int_(sizes.of[axis]);
        return like.tensor.attr("new_empty")(shape);
    }

  private:
    static bool contiguous(const Array& array, const Sizes& sizes) {
        if (array.axes != sizes.axes) return false;
        int64_t step = 1;
        for (int axis = sizes.axes - 1; axis >= 0; --axis) {
            if (array.sizes[axis] != sizes.of[axis] || (array.sizes[axis] != 1 && array.strides[axis] != step)) {
                return false;
            }
            step *= array.sizes[axis];
        }
        return true;
    }

    py::object empty_like_;
};

}  // namespace specfast
