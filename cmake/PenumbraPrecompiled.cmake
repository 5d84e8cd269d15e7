# LibTorch's tensors take most of the compiler's time: units that see them get them precompiled. A unit still includes
# what it uses; it compiles without the set, too.
set(PENUMBRA_TENSOR_HEADERS <algorithm> <cstdint> <filesystem> <functional> <map> <memory> <optional> <span>
  <stdexcept> <string> <utility> <vector> <ATen/core/Tensor.h> <ATen/TensorOperators.h>)

# penumbra_precompile(TARGET HEADERS...): compiles the headers once for the target's units.
# penumbra_precompile(TARGET FROM OTHER): takes those of another target. The compiler refuses them where a macro that
# the other target had is missing.
function(penumbra_precompile target)
  if(NOT PENUMBRA_PRECOMPILE)
    return()
  endif()
  if(ARGV1 STREQUAL "FROM")
    target_precompile_headers(${target} REUSE_FROM ${ARGV2})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# A target that has nothing but the precompiled headers.
add_library(penumbra_tensor_headers OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp)
target_link_libraries(penumbra_tensor_headers PRIVATE penumbra_options LibTorch::cpu)
penumbra_precompile(penumbra_tensor_headers ${PENUMBRA_TENSOR_HEADERS})
