// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/hosted_console.hpp>

#include <doctest/doctest.h>

#include <string_view>

#include <unistd.h>

TEST_CASE("what is printed goes to standard output, all of it") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const int saved = ::dup(STDOUT_FILENO);
    REQUIRE(::dup2(ends[1], STDOUT_FILENO) >= 0);
    uk::hosted::console{}.print("a {} b\n", 12);
    ::dup2(saved, STDOUT_FILENO);
    ::close(saved);
    char text[32];
    const ssize_t n = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    ::close(ends[1]);
    REQUIRE(n > 0);
    CHECK(std::string_view(text, static_cast<std::size_t>(n)) == "a 12 b\n");
}
