// How tensors reach the kernels: where they start, their sizes and strides. Through DLPack's table of C functions where
// the tensor's type has one (DLPack 1.3, PyTorch 2.11), in a tenth of the time that Python's attributes take; otherwise
// through these. Host memory and float or double only.
#pragma once
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "../csrc/kernels.hpp"

namespace specfast {

namespace py = pybind11;

// What DLPack fixes for good; its own header is not needed for these.
namespace dlpack {

struct Tensor {
    void* data;
    int32_t device_type, device_id;
    int32_t ndim;
    uint8_t type_code, type_bits;
    uint16_t type_lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

struct ExchangeTable {
    uint32_t major, minor;
    void* previous;
    int (*allocate)();
    int (*own_from_object)();
    int (*object_from_own)();
    int (*view_of_object)(void* object, Tensor* out);
    int (*stream)();
};

constexpr int32_t cpu = 1;
constexpr uint8_t floating = 2;

}  // namespace dlpack

class TensorReader;

// A tensor as the kernels see it; valid as long as the tensor is.
struct Array {
    char* data;
    bool is_double;
    int axes;
    int64_t sizes[max_leading_axes + 3], strides[max_leading_axes + 3];  // room for one more

    int leading() const {
        if (axes < 1) throw std::invalid_argument("an axis is expected");
        return axes - 1;
    }
    int64_t length() const { return sizes[leading()]; }
};

class TensorReader {
  public:
    // Takes the table of a tensor type, or None.
    void use(const py::object& capsule) {
        table_ = nullptr;
        if (capsule.is_none()) return;
        const auto* table =
            static_cast<const dlpack::ExchangeTable*>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
        if (table == nullptr) throw py::error_already_set();
        if (table->major == 1) table_ = table;
    }

    Array operator()(py::handle tensor) const { return table_ == nullptr ? by_attributes(tensor) : by_table(tensor); }

  private:
    static void check_axes(int64_t axes) {
        if (axes > max_leading_axes + 2) throw std::invalid_argument("at most 16 leading axes are supported");
    }

    Array by_table(py::handle tensor) const {
        dlpack::Tensor view;
        if (table_->view_of_object(tensor.ptr(), &view) != 0) throw py::error_already_set();
        if (view.device_type != dlpack::cpu || view.type_code != dlpack::floating || view.type_lanes != 1 ||
            (view.type_bits != 32 && view.type_bits != 64)) {
            throw std::invalid_argument("float32 or float64 in host memory is expected");
        }
        check_axes(view.ndim);
        Array array;
        array.data = static_cast<char*>(view.data) + view.byte_offset;
        array.is_double = view.type_bits == 64;
        array.axes = view.ndim;
        std::copy_n(view.shape, view.ndim, array.sizes);
        const bool some = std::find(array.sizes, array.sizes + array.axes, 0) == array.sizes + array.axes;
        if (some && view.data == nullptr) throw std::invalid_argument("a tensor with memory is expected");
        std::copy_n(view.strides, view.ndim, array.strides);
        return array;
    }

    static Array by_attributes(py::handle tensor) {
        const auto sizes = py::cast<py::tuple>(tensor.attr("shape"));
        const auto strides = py::cast<py::tuple>(tensor.attr("stride")());
        const auto bytes = py::cast<int>(tensor.attr("element_size")());
        if (!py::cast<bool>(tensor.attr("is_cpu")) || !py::cast<bool>(tensor.attr("is_floating_point")()) ||
            (bytes != 4 && bytes != 8)) {
            throw std::invalid_argument("float32 or float64 in host memory is expected");
        }
        check_axes(static_cast<int64_t>(sizes.size()));
        Array array;
        array.data = reinterpret_cast<char*>(py::cast<uintptr_t>(tensor.attr("data_ptr")()));
        array.is_double = bytes == 8;
        array.axes = static_cast<int>(sizes.size());
        for (size_t i = 0; i < sizes.size(); ++i) {
            array.sizes[i] = py::cast<int64_t>(sizes[i]);
            array.strides[i] = py::cast<int64_t>(strides[i]);
        }
        return array;
    }

    const dlpack::ExchangeTable* table_ = nullptr;
};

// Leading axes that broadcast; false where they do not.
template <class... Arrays>
bool rows_of(Rows& rows, const Arrays&... arrays) {
    rows.axes = std::max({arrays.leading()...});
    if (rows.axes > max_leading_axes) throw std::invalid_argument("at most 16 leading axes are supported");
    for (int axis = 0; axis < rows.axes; ++axis) rows.size[axis] = 1;
    bool agree = true;
    const auto widen = [&rows, &agree](const Array& array) {
        const int missing = rows.axes - array.leading();
        for (int axis = missing; axis < rows.axes; ++axis) {
            const int64_t size = array.sizes[axis - missing];
            agree = agree && (size == 1 || rows.size[axis] == 1 || size == rows.size[axis]);
            if (size != 1) rows.size[axis] = size;
        }
    };
    (widen(arrays), ...);
    return agree;
}

template <class... Arrays>
Rows rows_of(const Arrays&... arrays) {
    Rows rows{};
    if (!rows_of(rows, arrays...)) throw std::invalid_argument("leading axes do not broadcast");
    return rows;
}

inline Operand operand_of(const Array& array, const Rows& rows) {
    Operand operand{};
    operand.data = array.data;
    const int own = array.leading(), missing = rows.axes - own;
    for (int axis = 0; axis < own; ++axis) {
        operand.row_stride[missing + axis] = array.sizes[axis] == 1 ? 0 : array.strides[axis];
    }
    operand.stride = array.strides[own];
    return operand;
}

// Whether a result's leading axes are those of the rows, and it is contiguous.
inline bool fits(const Array& result, const Rows& rows) {
    if (result.leading() != rows.axes) return false;
    int64_t step = 1;
    for (int axis = rows.axes; axis >= 0; --axis) {
        const int64_t size = result.sizes[axis];
        if (axis < rows.axes && size != rows.size[axis]) return false;
        if (size != 1 && result.strides[axis] != step) return false;
        step *= std::max<int64_t>(size, 1);
    }
    return true;
}

}  // namespace specfast
