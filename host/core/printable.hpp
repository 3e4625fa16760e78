// Foreign text where people see it: names in files, words of other programs, paths.
#pragma once

#include <string>
#include <string_view>

namespace polaris {

/// `text` as a terminal may show it, on one line: every control character (C0, DEL, C1), line end,
/// mark that turns the direction of writing, and byte that is not UTF-8 becomes a question mark.
std::string printable(std::string_view text);

/// The same with tabs and line ends kept.
std::string printable_lines(std::string_view text);

/// `text` is not empty, at most 256 bytes long, and equal to printable(text): what a name in a file
/// may be.
bool is_name(std::string_view text);

/// A name as part of a file's name: letters, digits, '.', '_' and '-', the first one no '.' or '-';
/// all else becomes '_'. Different names may give the same.
std::string file_name_of(std::string_view name);

}  // namespace polaris
