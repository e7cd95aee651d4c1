// What kernels for GPUs need of the host: how they are launched, and their structs as bytes, filled field by field.
#pragma once
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../csrc/cuda/geometry.hpp"
#include "../csrc/cuda/problem.hpp"

namespace specfast {

namespace py = pybind11;

// Fields of a struct by their names, integers and addresses in the GPU's memory alike; every one has to be taken.
class NamedFields {
  public:
    explicit NamedFields(const py::kwargs& given) : given_(given) {}

    template <class Field>
    void operator()(Field& field, const char* name) {
        if (!given_.contains(name)) throw py::type_error(std::string("a field is missing: ") + name);
        ++taken_;
        const py::object value = given_[name];
        if constexpr (std::is_pointer_v<Field>) {
            field = reinterpret_cast<Field>(py::cast<uintptr_t>(value));
        } else if constexpr (std::is_enum_v<Field>) {
            field = Field(py::cast<int>(value));
        } else {
            field = py::cast<Field>(value);
        }
    }
    void close() const {
        if (py::len(given_) != taken_) throw py::type_error("there is a field that the struct does not have");
    }

  private:
    py::kwargs given_;
    size_t taken_ = 0;
};

template <class Struct>
py::bytes bytes_of(const Struct& own) {
    static_assert(std::is_trivially_copyable_v<Struct>);
    return py::bytes(reinterpret_cast<const char*>(&own), sizeof own);
}

// Zeros first, gaps between fields among them: the same fields make the same bytes.
template <class Struct>
void clear(Struct& own) {
    std::memset(static_cast<void*>(&own), 0, sizeof own);
}

template <class T>
py::bytes series_of(NamedFields read) {
    GpuSeries<T> own;
    clear(own);
    read(own.recurrence.count, "count");
    read(own.recurrence.a, "a");
    read(own.recurrence.b, "b");
    read(own.recurrence.r, "r");
    read(own.recurrence.kappa, "kappa");
    read(own.recurrence.scale, "scale");
    read(own.recurrence.value_at_end, "value_at_end");
    read(own.recurrence.start, "start");
    read(own.recurrence.near_limit, "near_limit");
    read(own.recurrence.far_limit, "far_limit");
    read(own.recurrence.end_limit, "end_limit");
    read(own.g, "g");
    read(own.steps, "steps");
    own.map.count = own.recurrence.count;
    read(own.map.ahead, "ahead");
    read(own.map.leap, "leap");
    read(own.map.lower, "lower");
    read(own.map.middle, "middle");
    read(own.map.upper, "upper");
    read(own.map.far_lower, "far_lower");
    read(own.map.far_upper, "far_upper");
    read(own.map.far, "far");
    read(own.coefficients, "coefficients");
    read(own.derivative, "derivative");
    read.close();
    return bytes_of(own);
}

inline py::bytes gpu_series(bool single, const py::kwargs& fields) {
    return single ? series_of<float>(NamedFields(fields)) : series_of<double>(NamedFields(fields));
}

inline py::bytes gpu_cross(const py::kwargs& fields) {
    NamedFields read(fields);
    GpuCross own;
    clear(own);
    read(own.dim, "dim");
    read(own.split, "split");
    read(own.functions, "functions");
    read(own.products, "products");
    read(own.runs, "runs");
    read(own.rectangles, "rectangles");
    read(own.parts, "parts");
    read(own.columns, "columns");
    read(own.groups, "groups");
    read(own.axes, "axes");
    read(own.entries, "entries");
    read(own.begins, "begins");
    read(own.first, "first");
    read(own.trailing, "trailing");
    read(own.owners, "owners");
    read(own.part_ends, "part_ends");
    read(own.group_ends, "group_ends");
    read(own.factors, "factors");
    read(own.run_ends, "run_ends");
    read(own.places, "places");
    read.close();
    return bytes_of(own);
}

// Leading axes `sizes`, and for every operand its strides along them.
inline py::bytes gpu_rows(const std::vector<int64_t>& sizes, const std::vector<std::vector<int64_t>>& strides) {
    if (sizes.size() > size_t(gpu_leading_axes)) {
        throw std::invalid_argument("at most " + std::to_string(gpu_leading_axes) +
                                    " leading axes are supported, not " + std::to_string(sizes.size()));
    }
    if (strides.size() > size_t(gpu_operands)) throw std::invalid_argument("too many operands");
    GpuRows rows;
    clear(rows);
    rows.axes = static_cast<int64_t>(sizes.size());
    std::copy(sizes.begin(), sizes.end(), rows.size);
    for (size_t operand = 0; operand < strides.size(); ++operand) {
        if (strides[operand].size() != sizes.size()) throw std::invalid_argument("a stride an axis is expected");
        std::copy(strides[operand].begin(), strides[operand].end(), rows.stride[operand]);
    }
    return bytes_of(rows);
}

// How a kernel for GPUs is launched: (blocks, threads, bytes of memory, points a thread, tiles of a row).
inline py::tuple tuple_of(const GpuGeometry& how) {
    return py::make_tuple(how.blocks, how.threads, how.memory, how.points, how.tiles);
}

inline py::tuple geometry_of_gpu(const std::string& operation, int64_t rows, int64_t points, bool is_double) {
    static const std::map<std::string, GpuOperation> operations{{"prepare", GpuOperation::prepare},
                                                                {"values", GpuOperation::values},
                                                                {"synthesize", GpuOperation::synthesize},
                                                                {"sweep", GpuOperation::sweep},
                                                                {"vandermonde", GpuOperation::vandermonde},
                                                                {"finish", GpuOperation::finish},
                                                                {"rows", GpuOperation::rows}};
    return tuple_of(gpu_geometry(operations.at(operation), rows, points, is_double));
}

// `needs`: words, leading, pieces, rows, points.
inline py::tuple cross_geometry_of_gpu(const std::vector<int64_t>& needs, bool adjoint, bool is_double, int64_t limit) {
    return tuple_of(gpu_cross_geometry({needs.at(0), needs.at(1), needs.at(2), needs.at(3), needs.at(4)}, adjoint,
                                       is_double, limit));
}

inline void bind_gpu(py::module_& module) {
    module.def("gpu_geometry", &geometry_of_gpu);
    module.def("gpu_cross_geometry", &cross_geometry_of_gpu);
    module.def("gpu_series", &gpu_series);
    module.def("gpu_cross", &gpu_cross);
    module.def("gpu_rows", &gpu_rows);
    module.attr("gpu_run") = gpu_run;
    module.attr("gpu_cross_height") = cross_height;
}

}  // namespace specfast
