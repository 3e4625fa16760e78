// The three streams that every program expects to be open.
#pragma once

namespace polaris {

/// Makes sure that descriptors 0, 1 and 2 are taken, so that no file that is opened later gets the
/// number of a closed stream and with it what is printed. Reading or writing a stream that was
/// closed still fails.
void hold_standard_streams();

}  // namespace polaris
