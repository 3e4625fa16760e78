#include "host/cli/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace polaris {

void hold_standard_streams() {
  // A new descriptor gets the smallest free number. Opened for the other direction than is used.
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) == -1)
      ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

}  // namespace polaris
