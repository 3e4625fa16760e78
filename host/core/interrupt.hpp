// Ctrl-C as a request: the running step ends, state is saved, the program says how to resume.
#pragma once

namespace polaris {

/// Installs the handler for SIGINT, SIGTERM, SIGQUIT and SIGHUP (where the last is not ignored, as
/// under nohup), and forgets signals that came before. First signal:
/// `interrupted()` turns true. Second: `abandoned()` too (running simulations are given up). Third:
/// the process exits with 130.
void install_interrupt_handler();

bool interrupted();
bool abandoned();

}  // namespace polaris
