// SPDX-License-Identifier: BSL-1.0
#include "dns_fixture.hpp"

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <vector>

using namespace dns_fixture;

namespace {

bool parses(std::string_view text) {
    net::dns_name n;
    return net::parse_dns_name(text, n);
}

/// A message of a header and `content`; names begin at 12.
std::string behind_header(const std::string& content) { return std::string(12, '\0') + content; }

std::size_t end_of(const std::string& message, std::size_t at = 12) {
    // On the heap to its own size, so that a sanitizer sees the first octet read beyond it.
    const std::vector<char> copy(message.begin(), message.end());
    return net::detail::dns_name_end(std::as_bytes(std::span(copy)), at);
}

constexpr bool parsed_at_compile_time = [] {
    net::dns_name n;
    return net::parse_dns_name("a.bc", n) && n.size == 6 && n.octets[2] == std::byte{2};
}();
static_assert(parsed_at_compile_time);

}  // namespace

TEST_CASE("a name becomes labels behind their lengths") {
    CHECK(name("www.example") == "\3www\7example\0"s);
    CHECK(name("a") == "\1a\0"s);
    CHECK(name("_x-1.EXAMPLE.") == "\4_x-1\7EXAMPLE\0"s);
}

TEST_CASE("BI-20: labels of at most 63 octets, names of at most 253") {
    const std::string label(63, 'x');
    CHECK(parses(label));
    CHECK_FALSE(parses(label + "x"));
    CHECK_FALSE(parses("a." + label + "x.b"));
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y');
    CHECK(longest.size() == 253);
    CHECK(parses(longest));
    CHECK(parses(longest + "."));
    CHECK(name(longest).size() == 255);
    CHECK_FALSE(parses(longest + "y"));
    CHECK_FALSE(parses(std::string(70000, 'a')));
}

TEST_CASE("what is no name is refused") {
    for (std::string_view bad :
         {"", ".", "..", ".a", "a..b", "a..", "a b", "a\tb", "a\n", "\x7f", "\xc3\xa4.example"}) {
        CAPTURE(bad);
        CHECK_FALSE(parses(bad));
    }
    CHECK_FALSE(parses("a\0b"s));
}

TEST_CASE("names compare without regard to the case of ASCII letters") {
    const auto same = [](std::string_view a, std::string_view b) {
        net::dns_name one, other;
        REQUIRE(net::parse_dns_name(a, one));
        REQUIRE(net::parse_dns_name(b, other));
        return net::same_dns_name(one, other);
    };
    CHECK(same("www.Example", "WWW.eXAMPLE"));
    CHECK_FALSE(same("www.example", "www.examplf"));
    CHECK_FALSE(same("www.example", "www.exampl"));
    CHECK_FALSE(same("www.example", "www.example.org"));
    CHECK_FALSE(same("www.example.org", "www.example"));
    CHECK_FALSE(same("a.b", "ab"));
    // Neighbours of letters are none: only 0x20 apart.
    CHECK_FALSE(same("@", "`"));
    CHECK_FALSE(same("[", "{"));
    CHECK(net::dns_lower(std::byte{'-'} ^ std::byte{0x20}) == std::byte{'\r'});
}

TEST_CASE("the case is mixed by the bits given, of letters only") {
    net::dns_name n;
    REQUIRE(net::parse_dns_name("aZ09-_[{@`.zq", n));
    std::array<std::byte, 32> random{};
    const net::dns_name before = n;
    net::mix_case(n, random);
    CHECK(n.octets == before.octets);
    random.fill(std::byte{0xff});
    net::mix_case(n, random);
    CHECK(std::string(uk::as_text(n.wire())) == "\12Az09-_[{@`\2ZQ\0"s);
    random.fill(std::byte{});
    random[0] = std::byte{0x02};  // the octet at 1
    random[1] = std::byte{0x20};  // the octet at 13
    net::mix_case(n, random);
    CHECK(std::string(uk::as_text(n.wire())) == "\12az09-_[{@`\2ZQ\0"s.replace(13, 1, "q"));
}

TEST_CASE("the end of a name is behind its zero or its first pointer") {
    CHECK(end_of(behind_header("\1a\2bc\0x"s)) == 18);
    CHECK(end_of(behind_header("\0"s)) == 13);
    const std::string compressed = behind_header("\1a\0\1b"s + pointer(12) + "x");
    CHECK(end_of(compressed, 15) == 19);
    const std::string twice = behind_header("\1a\0"s + pointer(12) + "\1b"s + pointer(15));
    CHECK(end_of(twice, 17) == 21);
}

TEST_CASE("BI-20: a name without end is refused") {
    CHECK(end_of(behind_header("")) == 0);
    CHECK(end_of(behind_header("\1a"s)) == 0);
    CHECK(end_of(behind_header("\5abc"s)) == 0);
    CHECK(end_of(behind_header("\1a\x3f"s)) == 0);
    CHECK(end_of(behind_header("\1a\xc0"s)) == 0);
    CHECK(end_of(behind_header("\1a\0"s), 400) == 0);
}

TEST_CASE("BI-20: a label of 64 octets or more, or of an unknown kind, is refused") {
    CHECK(end_of(behind_header("\x3f"s + std::string(63, 'a') + "\0"s)) == 12 + 65);
    CHECK(end_of(behind_header("\x40"s + std::string(64, 'a') + "\0"s)) == 0);
    CHECK(end_of(behind_header("\x80"s + std::string(128, 'a') + "\0"s)) == 0);
    CHECK(end_of(behind_header("\xbf"s + std::string(191, 'a') + "\0"s)) == 0);
    // Nor is it a pointer.
    for (const char* kind : {"\x40", "\x80", "\xbf"}) CHECK(end_of(behind_header("\1a\0"s + kind + "\x0c"), 15) == 0);
}

TEST_CASE("BI-20: a name of more than 255 octets is refused, also when pointers hide its length") {
    std::string longest;
    for (int i = 0; i < 3; ++i) longest += "\x3f"s + std::string(63, 'a');
    CHECK(end_of(behind_header(longest + "\x3d"s + std::string(61, 'a') + "\0"s)) == 12 + 255);
    CHECK(end_of(behind_header(longest + "\x3e"s + std::string(62, 'a') + "\0"s)) == 0);
    const std::string hidden = behind_header(longest + "\0"s + "\x3d"s + std::string(61, 'b') + pointer(12));
    CHECK(end_of(hidden, 12 + 193) == hidden.size());
    const std::string too_long = behind_header(longest + "\0"s + "\x3e"s + std::string(62, 'b') + pointer(12));
    CHECK(end_of(too_long, 12 + 193) == 0);
}

TEST_CASE("BI-21: a pointer that does not lead back is refused") {
    CHECK(end_of(behind_header(pointer(12))) == 0);                // to itself
    CHECK(end_of(behind_header("\1a"s + pointer(14))) == 0);       // to itself, behind a label
    CHECK(end_of(behind_header("\1a"s + pointer(12))) == 0);       // to its own name: a loop
    CHECK(end_of(behind_header(pointer(14) + "\1a\0"s)) == 0);     // forward
    CHECK(end_of(behind_header(pointer(14) + pointer(12))) == 0);  // a loop of two
    CHECK(end_of(behind_header(pointer(14) + pointer(12)), 14) == 0);
    CHECK(end_of(behind_header("\1a\0\1b"s + pointer(500)), 15) == 0);  // out of the message
    CHECK(end_of(behind_header("\1a\0\1b"s + pointer(0x3fff)), 15) == 0);
}

TEST_CASE("BI-21: a pointer must lead back from where the last one led to") {
    const std::string m = behind_header(pointer(14) + "\1a\0"s + pointer(12));
    CHECK(end_of(m, 14) == 17);
    CHECK(end_of(m, 17) == 0);
}

TEST_CASE("BI-21: a pointer into the header is refused") {
    CHECK(end_of(behind_header(pointer(0))) == 0);
    CHECK(end_of(behind_header(pointer(11))) == 0);
}

TEST_CASE("BI-21: no more than 127 pointers are followed") {
    const auto chain = [](std::size_t pointers) {
        std::string m = behind_header("\0\0"s);
        for (std::size_t i = 0; i < pointers; ++i) m += pointer(12 + 2 * i);
        return m;
    };
    CHECK(end_of(chain(127), 12 + 2 * 127) == 12 + 2 * 128);
    CHECK(end_of(chain(128), 12 + 2 * 128) == 0);
}

TEST_CASE("names in a message are read and compared through their pointers") {
    const std::string m = behind_header("\3www\7Example\0"s + "\3WWW"s + pointer(16) + "\3ww0"s + pointer(16) +
                                        "\7example\0"s + "\4www0"s + pointer(16) + pointer(25));
    const auto same = [&](std::size_t a, std::size_t b) {
        const std::byte* in = uk::as_bytes(m).data();
        return net::detail::same_dns_name(in, a, in, b);
    };
    CHECK(same(12, 25));
    CHECK(same(16, 37));
    CHECK(same(12, 53));
    CHECK_FALSE(same(12, 31));
    CHECK_FALSE(same(12, 16));
    CHECK_FALSE(same(16, 12));
    CHECK_FALSE(same(12, 46));
    const std::string zeros = behind_header("\3a\0b\0"s + "\3a\0c\0"s);
    CHECK_FALSE(net::detail::same_dns_name(uk::as_bytes(zeros).data(), 12, uk::as_bytes(zeros).data(), 17));
    net::dns_name n;
    net::take_dns_name(uk::as_bytes(m), 25, n);
    CHECK(std::string(uk::as_text(n.wire())) == "\3WWW\7Example\0"s);
}
