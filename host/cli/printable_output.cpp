#include "host/cli/printable_output.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>
#include <utility>

#include "host/core/printable.hpp"

namespace polaris {
namespace {

/// The text of a log line, in a pattern.
class PrintablePayload : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        printable(std::string_view(message.payload.data(), message.payload.size()));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PrintablePayload>();
  }
};

}  // namespace

PrintableOutput::PrintableOutput() : stdout_(std::cout.rdbuf(this)) {}

PrintableOutput::~PrintableOutput() {
  sync();
  std::cout.rdbuf(stdout_);
}

bool PrintableOutput::pass(std::size_t size) {
  const std::string out = printable_lines(std::string_view(pending_).substr(0, size));
  pending_.erase(0, size);
  const auto length = static_cast<std::streamsize>(out.size());
  return stdout_->sputn(out.data(), length) == length;
}

std::streamsize PrintableOutput::xsputn(const char* text, std::streamsize size) {
  if (!filters_) return stdout_->sputn(text, size);
  pending_.append(text, static_cast<std::size_t>(size));
  return pass(pending_.rfind('\n') + 1) ? size : 0;
}

PrintableOutput::int_type PrintableOutput::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char character = traits_type::to_char_type(c);
  return xsputn(&character, 1) == 1 ? c : traits_type::eof();
}

int PrintableOutput::sync() {
  return pass(pending_.size()) ? stdout_->pubsync() : -1;  // a line without its end, too
}

void stdout_carries_data() {
  auto* output = dynamic_cast<PrintableOutput*>(std::cout.rdbuf());
  if (output != nullptr) output->filters_ = ::isatty(STDOUT_FILENO) == 1;
}

void configure_logging(bool quiet) {
  const auto mode = std::getenv("NO_COLOR") != nullptr ? spdlog::color_mode::never
                                                       : spdlog::color_mode::automatic;
  const auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(mode);
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PrintablePayload>('*').set_pattern("%^%l%$: %*");
  const auto logger = std::make_shared<spdlog::logger>("polaris", sink);
  logger->set_formatter(std::move(formatter));
  logger->set_level(quiet ? spdlog::level::warn : spdlog::level::info);
  spdlog::set_default_logger(logger);
}

}  // namespace polaris
