# polaris::options: what every target of this project is compiled with.
add_library(polaris_options INTERFACE)
add_library(polaris::options ALIAS polaris_options)
target_compile_features(polaris_options INTERFACE cxx_std_20)
target_include_directories(polaris_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/polaris>)
# No contraction: the analytical model's cycles need IEEE double operations in the stated order.
target_compile_options(polaris_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-march=${POLARIS_MARCH} -ffp-contract=off>)

# Warnings are for our own sources only, so they are not exported to users.
add_library(polaris_warnings INTERFACE)
target_compile_options(polaris_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${POLARIS_WERROR}>>:-Werror>)

if(POLARIS_SANITIZE)
  target_compile_options(polaris_options INTERFACE
    -fsanitize=${POLARIS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(polaris_options INTERFACE -fsanitize=${POLARIS_SANITIZE})
endif()

# polaris_library(NAME SOURCES... [LINK targets...]): static library polaris_NAME, alias polaris::NAME.
function(polaris_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(polaris_${name} STATIC ${arg_SOURCES})
  add_library(polaris::${name} ALIAS polaris_${name})
  set_target_properties(polaris_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(polaris_${name}
    PUBLIC polaris::options ${arg_LINK}
    PRIVATE $<BUILD_INTERFACE:polaris_warnings> ${arg_PRIVATE_LINK})
  set_property(GLOBAL APPEND PROPERTY POLARIS_TARGETS polaris_${name})
endfunction()
