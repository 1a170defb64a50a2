// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/hosted_arguments.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

namespace {

// Runs this program again with `words`, which only counts its test cases, and asks the kernel's view of it.
std::string heard(const char* one, const char* two) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::close(STDOUT_FILENO);
        ::execl("/proc/self/exe", "program", "--test-case=says its arguments", one, two, static_cast<char*>(nullptr));
        ::_exit(1);
    }
    ::close(ends[1]);
    std::string text;
    char piece[256];
    for (ssize_t n = 0; (n = ::read(ends[0], piece, sizeof piece)) > 0;)
        text.append(piece, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    return text;
}

}  // namespace

TEST_CASE("says its arguments") {
    uk::hosted::arguments all;
    if (!all.argument(0).starts_with("--test-case")) return;  // the parent
    std::string text;
    for (std::size_t i = 1; i != 5; ++i) text += std::string(all.argument(i)) + ";";
    REQUIRE(::write(STDERR_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

TEST_CASE("the arguments are those that the process was started with") {
    CHECK(heard("one", "two words") == "one;two words;;;");
    CHECK(heard("", "http://a.b/c") == ";http://a.b/c;;;");
}
