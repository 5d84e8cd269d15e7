# Compiler settings shared by every room: warnings as errors, ccache, sanitizers.

# In depend mode ccache reads the headers from the compiler's dependency file. It does not preprocess every unit first,
# which would slow a cold build. Paths below the clone are hashed relative to it.
find_program(CCACHE ccache)
if(CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

add_library(penumbra_options INTERFACE)
target_include_directories(penumbra_options INTERFACE ${PROJECT_SOURCE_DIR})
# Error messages of LibTorch's headers contain file names. The prefixes of this machine's folders are left out.
target_compile_options(penumbra_options INTERFACE
  -fmacro-prefix-map=${PROJECT_BINARY_DIR}/= -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual $<$<BOOL:${PENUMBRA_WERROR}>:-Werror>)

if(PENUMBRA_BATCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC takes the files of a batch for headers, and warns about types in their unnamed namespaces.
  target_compile_options(penumbra_options INTERFACE -Wno-subobject-linkage)
endif()

if(PENUMBRA_SANITIZE)
  add_compile_options(-fsanitize=${PENUMBRA_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${PENUMBRA_SANITIZE})
  if(PENUMBRA_SANITIZE STREQUAL "thread")
    # Debian's protobuf was built without it; its headers change a layout under it.
    add_compile_options(-U__SANITIZE_THREAD__)
  endif()
endif()

# penumbra_room(NAME SOURCES... [PUBLIC libs...] [PRIVATE libs...]): the static library of one room.
function(penumbra_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${PENUMBRA_BATCH} UNITY_BUILD_BATCH_SIZE 8)
  target_link_libraries(${name} PUBLIC penumbra_options ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
endfunction()
