// What is to be compiled, once: an nvcc that is too old for it fails here.
#include "../../csrc/cuda/launch.cu"
