# Sets SPECFAST_NVCC to an nvcc that works with this host compiler, or to nothing, and SPECFAST_NVCC_STATE to a sentence.
#
# SPECFAST_CUDA is AUTO (warn and go on without), ON (stop without) or OFF (do not look). The trial is a CMake of its own: an
# nvcc that is too old, or unhappy with the host compiler, fails there.
set(SPECFAST_CUDA AUTO CACHE STRING "AUTO, ON or OFF: whether to look for nvcc")
set_property(CACHE SPECFAST_CUDA PROPERTY STRINGS AUTO ON OFF)

function(specfast_find_nvcc)
  if(SPECFAST_CUDA STREQUAL "OFF")
    set(SPECFAST_NVCC "" PARENT_SCOPE)
    set(SPECFAST_NVCC_STATE "not looked for (SPECFAST_CUDA=OFF)" PARENT_SCOPE)
    return()
  endif()
  find_program(SPECFAST_NVCC_CANDIDATE nvcc HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(NOT SPECFAST_NVCC_CANDIDATE)
    set(state "not found")
  else()
    set(trial "${CMAKE_CURRENT_BINARY_DIR}/nvcc_probe")
    set(log "${trial}.log")
    file(REMOVE_RECURSE "${trial}")
    execute_process(
      COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_SOURCE_DIR}/cmake/nvcc_probe" -B "${trial}" -G "${CMAKE_GENERATOR}"
              "-DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM}" "-DCMAKE_CUDA_COMPILER=${SPECFAST_NVCC_CANDIDATE}"
              "-DCMAKE_CUDA_HOST_COMPILER=${CMAKE_CXX_COMPILER}"
      RESULT_VARIABLE failed OUTPUT_FILE "${log}" ERROR_FILE "${log}")
    if(NOT failed)
      execute_process(COMMAND "${CMAKE_COMMAND}" --build "${trial}"
                      RESULT_VARIABLE failed OUTPUT_FILE "${log}" ERROR_FILE "${log}")
    endif()
    if(NOT failed)
      set(SPECFAST_NVCC "${SPECFAST_NVCC_CANDIDATE}" PARENT_SCOPE)
      set(SPECFAST_NVCC_STATE "works" PARENT_SCOPE)
      message(STATUS "specfast: nvcc works: ${SPECFAST_NVCC_CANDIDATE}")
      return()
    endif()
    set(state "does not work with the host compiler ${CMAKE_CXX_COMPILER} (see nvcc_probe.log in the build folder)")
    message(WARNING "specfast: ${SPECFAST_NVCC_CANDIDATE} ${state}; going on without it")
  endif()
  if(SPECFAST_CUDA STREQUAL "ON")
    message(FATAL_ERROR "specfast: SPECFAST_CUDA=ON, but nvcc was ${state}")
  endif()
  set(SPECFAST_NVCC "" PARENT_SCOPE)
  set(SPECFAST_NVCC_STATE "${state}" PARENT_SCOPE)
endfunction()

specfast_find_nvcc()
