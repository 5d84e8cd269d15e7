# Compiler settings shared by every room: warnings as errors, ccache, sanitizers.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
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

# penumbra_room(NAME SOURCES... [PUBLIC libs...] [PRIVATE libs...]): the static library of one room.
function(penumbra_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(${name} PUBLIC penumbra_options ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
endfunction()
