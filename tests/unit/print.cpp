// SPDX-License-Identifier: BSL-1.0
#include <uk/print.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace uk::literals;

namespace {
struct sink {
    void write(std::string_view s) { text += s; }
    std::string text;
};
template <class... Args>
std::string printed(uk::detail::format_of<std::type_identity_t<Args>...> f, const Args&... args) {
    sink s;
    uk::print<sink, Args...>(s, f, args...);
    return s.text;
}
}  // namespace

TEST_CASE("numbers, text and addresses") {
    CHECK(printed("plain") == "plain");
    CHECK(printed("{}{}", 1, -2) == "1-2");
    CHECK(printed("[{}]", std::numeric_limits<std::int64_t>::min()) == "[-9223372036854775808]");
    CHECK(printed("{}", std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(printed("{} {} {}", true, 'c', std::string_view("s")) == "true c s");
    CHECK(printed("{}/{}", "10.0.0.255"_ip4, "02:00:00:00:0a:ff"_mac) == "10.0.0.255/02:00:00:00:0a:ff");
    CHECK(printed("{} {} {}", uk::hex(0), uk::hex(0xabcdef), uk::hex(5, 4)) == "0 abcdef 0005");
    CHECK(printed("{ {} }", 3) == "{ 3 }");
}

TEST_CASE("a text buffer cuts off and says so") {
    char memory[5];
    uk::text_buffer b(memory, sizeof(memory));
    uk::print(b, "{}", 1234);
    CHECK_FALSE(b.overflowed());
    uk::print(b, "{}", 56);
    CHECK(b.view() == "12345");
    CHECK(b.overflowed());
}
