# Finds nvcc where it is wanted; sets POLARIS_HAS_CUDA.
set(POLARIS_HAS_CUDA OFF)
if(NOT POLARIS_CUDA STREQUAL "off")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    # Listed, never `native` (fails without a GPU) and never unset (silently one architecture):
    # 80 = A100, 90 = H100/H200, 100 = B200; the last also as PTX for what comes after.
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 100 CACHE STRING "")
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    set(POLARIS_HAS_CUDA ON)
    # CMake 3.25.1 does not know C++20 for nvcc 13: it is passed as an option.
    target_compile_options(polaris_options INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
  elseif(POLARIS_CUDA STREQUAL "on")
    message(FATAL_ERROR "POLARIS_CUDA=on: expected nvcc on PATH or in CUDACXX, found none")
  endif()
endif()
message(STATUS "CUDA engine: ${POLARIS_HAS_CUDA}")
