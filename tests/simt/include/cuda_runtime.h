// Stand-in for the CUDA toolkit's header of this name, found first on the emulated build's include
// path. It declares what the kernels and their launchers use, and nothing else: a call that is not
// emulated does not compile.
#pragma once

#include "simt/device.hpp"
#include "simt/runtime.hpp"
