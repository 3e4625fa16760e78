#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>

#include "host/core/read_file.hpp"
#include "tests/refusal.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {
namespace {

TEST(ReadFile, WhatCannotBeReadIsWrongInput) {
  const TemporaryFolder folder;
  std::ofstream(folder / "text") << "four";
  EXPECT_EQ(read_file(folder / "text"), "four");
  EXPECT_EQ(read_file(folder / "text", 4), "four");
  EXPECT_EQ(refusal_of([&] { read_file(folder / "text", 3); }),
            (folder / "text") + ": expected at most 3 bytes, got 4 bytes");
  EXPECT_EQ(refusal_of([&] { read_file(folder / "absent"); }),
            (folder / "absent") + ": expected a readable file, got No such file or directory");
  EXPECT_EQ(refusal_of([&] { read_file(folder.path()); }),
            folder.path().string() + ": expected a readable file, got a folder");
  EXPECT_EQ(refusal_of([&] { read_file("/dev/zero"); }),
            "/dev/zero: expected a file or a pipe, got a device");
}

// Another file would be refused just so: the machine has failed, not its input.
TEST(ReadFile, WithoutDescriptorsTheMachineHasFailed) {
  const TemporaryFolder folder;
  const std::string file = folder / "text";
  std::ofstream(file) << "four";
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string message = refusal_of<Failure>([&] { read_file(file); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(message, file + ": expected a readable file, got Too many open files");
  EXPECT_EQ(read_file(file), "four");
}

}  // namespace
}  // namespace polaris
