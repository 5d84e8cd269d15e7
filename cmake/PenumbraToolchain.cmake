# Compiler settings shared by every room: warnings as errors, ccache, sanitizers, precompiled headers.

# In depend mode ccache takes the headers from the compiler's dependency file instead of preprocessing every unit
# first, so that a cold build does not pay for it. Paths below the clone are hashed relative to it.
find_program(CCACHE ccache)
if(CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

add_library(penumbra_options INTERFACE)
target_include_directories(penumbra_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(penumbra_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual $<$<BOOL:${PENUMBRA_WERROR}>:-Werror>)

if(PENUMBRA_SANITIZE)
  add_compile_options(-fsanitize=${PENUMBRA_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${PENUMBRA_SANITIZE})
  if(PENUMBRA_SANITIZE STREQUAL "thread")
    # Debian's protobuf was built without it; its headers change a layout under it.
    add_compile_options(-U__SANITIZE_THREAD__)
  endif()
endif()

# Two sets of headers take most of the compiler's time: LibTorch's tensors, and what the program reads and prints with.
# A unit still includes what it uses; it compiles without the sets, too.
set(PENUMBRA_STANDARD_HEADERS <algorithm> <cstdint> <filesystem> <functional> <map> <memory> <optional> <span>
  <stdexcept> <string> <utility> <vector>)
set(PENUMBRA_TENSOR_HEADERS ${PENUMBRA_STANDARD_HEADERS} <ATen/core/Tensor.h> <ATen/TensorOperators.h>)
set(PENUMBRA_PROGRAM_HEADERS ${PENUMBRA_TENSOR_HEADERS} <CLI/CLI.hpp> <fmt/format.h> <nlohmann/json.hpp>
  <spdlog/spdlog.h>)

# penumbra_precompile(TARGET HEADERS...): compiles the headers once for the target's units.
# penumbra_precompile(TARGET FROM OTHER): takes those of another target, which must be compiled with the same flags.
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

# penumbra_room(NAME SOURCES... [PUBLIC libs...] [PRIVATE libs...]): the static library of one room.
function(penumbra_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(${name} PUBLIC penumbra_options ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
endfunction()
