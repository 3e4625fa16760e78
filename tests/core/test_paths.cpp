// Where files are looked for: never in the current folder because a variable says nothing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "host/core/error.hpp"
#include "host/core/paths.hpp"
#include "tests/core/output_files.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;

/// In an empty current folder, with its own variables; both as before when it ends.
class PathsTest : public testing::Test {
 protected:
  PathsTest() {
    for (const char* name : {"POLARIS_CACHE", "XDG_CACHE_HOME", "HOME", "PATH"})
      if (const char* value = std::getenv(name)) before_[name] = value;
    fs::current_path(here_.path());
  }
  ~PathsTest() override {
    fs::current_path(current_);
    for (const char* name : {"POLARIS_CACHE", "XDG_CACHE_HOME", "HOME", "PATH"}) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }

  /// Sets the three variables that tell the cache; null: not set.
  static void set(const char* polaris, const char* xdg, const char* home) {
    const auto put = [](const char* name, const char* value) {
      value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
    };
    put("POLARIS_CACHE", polaris);
    put("XDG_CACHE_HOME", xdg);
    put("HOME", home);
  }

  std::string folder(const std::string& name) const { return folder_ / name; }

  TemporaryFolder folder_, here_;
  fs::path current_ = fs::current_path();
  std::map<std::string, std::string> before_;
};

TEST_F(PathsTest, TheCacheIsWhereTheFirstUsableVariableSays) {
  const std::string a = folder("a"), b = folder("b"), c = folder("c");
  set(a.c_str(), b.c_str(), c.c_str());
  EXPECT_EQ(cache_dir(), a);
  for (const char* polaris : {static_cast<const char*>(nullptr), ""}) {
    set(polaris, b.c_str(), c.c_str());
    EXPECT_EQ(cache_dir(), b + "/polaris");
    for (const char* xdg : {static_cast<const char*>(nullptr), "", "relative", "./x", "~"}) {
      set(polaris, xdg, c.c_str());
      EXPECT_EQ(cache_dir(), c + "/.cache/polaris");
      for (const char* home : {static_cast<const char*>(nullptr), "", "relative", "."}) {
        set(polaris, xdg, home);
        EXPECT_THROW(cache_dir(), Failure);
      }
    }
  }
  set("relative", b.c_str(), c.c_str());
  EXPECT_THROW(cache_dir(), Error);
  EXPECT_TRUE(fs::is_empty(here_.path()));
}

TEST_F(PathsTest, TheCacheIsPrivate) {
  const std::string cache = folder("a/b");
  set(cache.c_str(), nullptr, nullptr);
  const mode_t before = ::umask(0);
  cache_dir();
  ::umask(before);
  EXPECT_EQ(test::mode_of(cache), 0700u);
  EXPECT_EQ(test::mode_of(folder("a")), 0700u);
  for (const auto open : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(cache, open, fs::perm_options::add);
    EXPECT_THROW(cache_dir(), Failure);
    fs::permissions(cache, open, fs::perm_options::remove);
  }
  EXPECT_EQ(cache_dir(), cache);
}

TEST_F(PathsTest, ProgramsAreFoundInAbsoluteFoldersOnly) {
  for (const fs::path& folder : {here_.path(), folder_.path()}) {
    test::put(folder / "tool", "#!/bin/sh\n");
    fs::permissions(folder / "tool", fs::perms(0755));
  }
  for (const char* path : {"", ":", ".", "::", "./", "relative:", ":/absent:"}) {
    ::setenv("PATH", path, 1);
    EXPECT_EQ(find_program("tool"), "") << path;
  }
  ::setenv("PATH", (":.:" + folder_.path().string() + ":").c_str(), 1);
  EXPECT_EQ(find_program("tool"), folder_.path() / "tool");
  drop_relative_path_entries();
  EXPECT_EQ(std::getenv("PATH"), folder_.path().string());
  ::setenv("PATH", ".:", 1);
  drop_relative_path_entries();
  EXPECT_EQ(std::getenv("PATH"), nullptr);
}

TEST_F(PathsTest, ZooNamesStayInTheZoo) {
  EXPECT_TRUE(fs::is_regular_file(find_zoo_file("spaces", "default")));
  for (const std::string name :
       {"../spaces/default", "..", "", "/", "default\n", ".", "-", std::string(5000, 'x').c_str()})
    EXPECT_THROW(find_zoo_file("spaces", name), Error) << name;
  test::put(here_.path() / "mine.yaml", "polaris: 1\n");
  EXPECT_EQ(find_zoo_file("spaces", "mine.yaml"), "mine.yaml");
}

}  // namespace
}  // namespace polaris
