// Jobs on a user's own flow: a command that is started once per job and answers in JSON
// (host/rtl/README.md states both objects).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/rtl/job_runner.hpp"

namespace polaris {

/// Words of a command line: separated by spaces; '..' and ".." keep theirs, a backslash outside of
/// '..' keeps the next character. Nothing is expanded. Throws Error where there is no word or a
/// quote stays open.
std::vector<std::string> split_command(std::string_view text);

/// The request for a job, one JSON object on one line. Precondition: mapping_refusal is empty.
std::string evaluator_request(std::uint64_t id, const RtlJob& job);

/// What a command's answer means for its job. Anything but the documented object, whatever its size
/// and depth, gives status crashed with what was expected.
RtlResult evaluator_result(const RtlJob& job, const std::string& answer);

/// `command`: program, looked up in PATH, and arguments. Its hash covers the content of the program
/// and of all arguments that are names of files. Throws Error where the program is not found,
/// Failure where a file cannot be read.
std::unique_ptr<JobBackend> make_external_backend(const std::vector<std::string>& command);

}  // namespace polaris
