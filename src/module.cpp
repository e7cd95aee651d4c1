// The Python module specfast.kernels._cpu: tensors in, one kernel called with the GIL released.
// No arithmetic here, and no PyTorch header: one build serves every PyTorch release.
#include "gpu.hpp"
#include "kernel_calls.hpp"

using namespace specfast;

PYBIND11_MODULE(_cpu, module) {
    module.doc() = "Compiled CPU kernels of specfast; see specfast.kernels.cpu for their use.";
    py::class_<Plan, std::shared_ptr<Plan>>(module, "Plan")
        .def(py::init<const py::dict&, const py::object&, const std::vector<py::object>&, int64_t, int64_t, int>());
    py::class_<TreePlan>(module, "TreePlan").def(py::init<const Table<int32_t>&, const std::vector<int64_t>&>());
    py::class_<OrdersPlan>(module, "OrdersPlan")
        .def(py::init<std::vector<std::vector<std::shared_ptr<Plan>>>, const std::vector<int32_t>&>());
    py::class_<Field>(module, "Field")
        .def(py::init<std::vector<std::shared_ptr<Plan>>, std::vector<std::shared_ptr<Plan>>, const std::vector<int>&,
                      const std::vector<std::vector<double>>&, double, const py::object&>())
        .def_property_readonly("size", [](const Field& field) { return field.plan.size; });
    bind_gpu(module);
    module.def("exchange_by", [](const py::object& table) { read_tensor.use(table); });
    module.def("new_tensors_by", [](const py::object& empty_like) { new_tensor->use(empty_like); });
    py::class_<Kernels>(module, "Kernels")
        .def(py::init<const std::string&>())
        .def_readonly("names", &Kernels::names)
        .def_property_readonly("found", &Kernels::found)
        .def_property_readonly("name", &Kernels::name)
        .def("synthesize", &Kernels::synthesize)
        .def("adjoint", &Kernels::adjoint)
        .def("backward", &Kernels::backward)
        .def("vandermonde", &Kernels::vandermonde)
        .def("run_fma", &Kernels::run_fma)
        .def("cross_synthesize", &Kernels::cross_synthesize)
        .def("cross_adjoint", &Kernels::cross_adjoint)
        .def("cross_gradient", &Kernels::cross_gradient)
        .def("cross_derivatives", &Kernels::cross_derivatives)
        .def("map_field", or_none(&Kernels::map_field))
        .def("synthesize_field", or_none(&Kernels::synthesize_field))
        .def("adjoint_field", or_none(&Kernels::adjoint_field))
        .def("backward_field", or_none(&Kernels::backward_field))
        .def("squares", &Kernels::squares)
        .def("differentiate", &Kernels::differentiate);
    module.attr("nvcc") = SPECFAST_NVCC_STATE;  // what the build found, for those who ask why there is no CUDA
#ifdef _OPENMP
    module.attr("openmp") = true;
#else
    module.attr("openmp") = false;
#endif
}
