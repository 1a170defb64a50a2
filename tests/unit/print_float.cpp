// SPDX-License-Identifier: BSL-1.0
#include <uk/print_float.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {
struct sink {
    void write(std::string_view s) { text += s; }
    std::string text;
};
}  // namespace

TEST_CASE("the shortest form that reads back") {
    sink s;
    uk::print(s, "{} {} {} {}", uk::decimal(0.1), uk::decimal(-2.5), uk::decimal(1e300), uk::decimal(3));
    CHECK(s.text == "0.1 -2.5 1e+300 3");
}
