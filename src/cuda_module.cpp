// The Python module `_cuda`: kernels for GPUs that were built with the package, launched by name. No arithmetic here.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "../csrc/cuda/launch.hpp"

namespace py = pybind11;

namespace {

void launch(const std::string& name, int64_t blocks, int threads, int64_t memory, const std::vector<int64_t>& arguments,
            uintptr_t stream) {
    const char* const wrong = specfast::gpu_launch(name.c_str(), blocks, threads, memory, arguments.data(),
                                                   static_cast<int>(arguments.size()), reinterpret_cast<void*>(stream));
    if (wrong != nullptr)
        throw std::runtime_error("specfast: the CUDA kernel " + name + " could not be launched: " + wrong);
}

}  // namespace

PYBIND11_MODULE(_cuda, module) {
    module.doc() = "Compiled CUDA kernels of specfast; see specfast.kernels.cuda for their use.";
    module.def("launch", &launch);
    module.def("trouble", []() -> py::object {
        const char* const wrong = specfast::gpu_trouble();
        return wrong == nullptr ? py::object(py::none()) : py::str(wrong);
    });
    module.attr("architectures") = SPECFAST_CUDA_ARCHITECTURES;
}
