# Everything Penumbra links, found once. scripts/setup installs it.
include(PenumbraLibraries)
find_package(LibTorch 2.11 QUIET OPTIONAL_COMPONENTS cuda)
if(NOT LibTorch_FOUND)
  penumbra_lacks("LibTorch 2.11"
    "scripts/setup fetches it, or LIBTORCH_ROOT names the torch/ of pip install torch==2.11.0")
endif()
penumbra_require_all()

# cuda_runtime.h includes this header, which is a package of its own.
find_path(LIBTORCH_CUDA_INCLUDE_DIR crt/host_config.h
  HINTS ${LIBTORCH_ROOT}/../nvidia/cu13/include ${LIBTORCH_ROOT}/../nvidia/cuda_runtime/include /usr/local/cuda/include NO_DEFAULT_PATH NO_CACHE)
if(NOT LIBTORCH_CUDA_INCLUDE_DIR OR NOT TARGET LibTorch::cuda)
  message(STATUS "no CUDA half of LibTorch, or no headers of its runtime: penumbra train will have no CUDA graphs")
endif()
set(PENUMBRA_MODULE_DIR ${CMAKE_BINARY_DIR}/lib)  # what is loaded when it is asked for
set(CMAKE_BUILD_RPATH ${PENUMBRA_MODULE_DIR} ${LibTorch_RUNTIME_DIRS})
