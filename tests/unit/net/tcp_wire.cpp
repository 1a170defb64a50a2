// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_wire.hpp>

#include <doctest/doctest.h>

#include <array>
#include <vector>

namespace net = uk::net;
using net::seq;
using net::tcp_fault;

namespace {

uk::result<net::tcp_segment, tcp_fault> parse_tcp(uk::bytes octets) {
    net::tcp_segment s;
    const auto parsed = net::parse_tcp(octets, s);
    if (!parsed) return uk::fail(parsed.error());
    return s;
}

std::vector<std::byte> header(std::size_t octets = 20, unsigned flags = 0x10) {
    std::vector<std::byte> h(octets);
    uk::store_be(h.data(), std::uint16_t{1234});
    uk::store_be(h.data() + 2, std::uint16_t{80});
    uk::store_be(h.data() + 4, std::uint32_t{0xfffffff0});
    uk::store_be(h.data() + 8, std::uint32_t{0x01020304});
    h[12] = static_cast<std::byte>(octets / 4 << 4);
    h[13] = static_cast<std::byte>(flags);
    uk::store_be(h.data() + 14, std::uint16_t{5000});
    return h;
}

std::vector<std::byte> with_options(std::vector<unsigned> options) {
    while (options.size() % 4 != 0) options.push_back(0);
    auto h = header(20 + options.size());
    for (std::size_t i = 0; i < options.size(); ++i) h[20 + i] = static_cast<std::byte>(options[i]);
    return h;
}

static_assert(seq{0xffffffff} < seq{0} && seq{0} > seq{0xfffffff0} && seq{5} <= seq{5});
static_assert(seq{4} - seq{0xfffffffe} == 6 && (seq{0xfffffffe} + 6) == seq{4});
static_assert(net::later(seq{0xfffffffe}, seq{3}) == seq{3});

}  // namespace

TEST_CASE("a header, field by field") {
    auto octets = header(20, 0x12);
    octets.resize(27);
    const auto s = parse_tcp(octets);
    REQUIRE(s);
    CHECK(s->source_port == 1234);
    CHECK(s->destination_port == 80);
    CHECK(s->sequence == seq{0xfffffff0});
    CHECK(s->acknowledgment == seq{0x01020304});
    CHECK(s->has(net::tcp_flag::syn));
    CHECK(s->has(net::tcp_flag::ack));
    CHECK_FALSE(s->has(net::tcp_flag::fin));
    CHECK(s->window == 5000);
    CHECK(s->text == 7);
    CHECK(s->header == 20);
    CHECK(s->length() == 8);
    CHECK(s->options.mss == 0);
}

TEST_CASE("every length below a header, every data offset") {
    const auto whole = header();
    for (std::size_t n = 0; n < 20; ++n) {
        const auto s = parse_tcp(uk::bytes(whole).first(n));
        REQUIRE_FALSE(s);
        CHECK(s.error() == tcp_fault::truncated);
    }
    for (unsigned words = 0; words < 16; ++words) {
        auto h = header();
        h.resize(40);
        h[12] = static_cast<std::byte>(words << 4);
        const auto s = parse_tcp(h);
        CHECK(s.has_value() == (words >= 5 && words <= 10));
        if (!s) CHECK(s.error() == tcp_fault::data_offset);
    }
}

TEST_CASE("port 0 is nobody's") {
    for (std::size_t at : {0U, 2U}) {
        auto h = header();
        uk::store_be(h.data() + at, std::uint16_t{0});
        const auto s = parse_tcp(h);
        REQUIRE_FALSE(s);
        CHECK(s.error() == tcp_fault::port);
    }
}

TEST_CASE("options: known, unknown, padded, broken") {
    CHECK(parse_tcp(with_options({2, 4, 0x05, 0xb4}))->options.mss == 1460);
    CHECK(parse_tcp(with_options({1, 1, 2, 4, 0x02, 0x18}))->options.mss == 536);
    CHECK(parse_tcp(with_options({254, 4, 9, 9, 2, 4, 1, 0}))->options.mss == 256);
    CHECK(parse_tcp(with_options({0, 2, 4, 1, 0, 0, 0, 0}))->options.mss == 0);
    // A known option of another length is skipped.
    CHECK(parse_tcp(with_options({2, 3, 1, 2, 4, 3, 0, 0}))->options.mss == 0x300);
    for (const auto& broken : {std::vector<unsigned>{2, 0, 0, 0},
                               {2, 1, 0, 0},
                               {2, 5, 0, 0},
                               {254, 255, 0, 0},
                               {1, 1, 1, 2},
                               {1, 1, 1, 254}}) {
        const auto s = parse_tcp(with_options(broken));
        REQUIRE_FALSE(s);
        CHECK(s.error() == tcp_fault::options);
    }
}

TEST_CASE("what is emitted is what is parsed") {
    net::tcp_segment s;
    s.source_port = 80;
    s.destination_port = 49152;
    s.sequence = {77};
    s.acknowledgment = {0x80000001};
    s.flags = net::tcp_flag::syn | net::tcp_flag::ack;
    s.window = 65535;
    for (std::uint16_t mss : {std::uint16_t{0}, std::uint16_t{1460}}) {
        s.options.mss = mss;
        std::array<std::byte, 24> octets;
        octets.fill(std::byte{0xee});
        emit(s, octets.data());
        const auto back = parse_tcp(uk::bytes(octets).first(header_octets(s)));
        REQUIRE(back);
        CHECK(back->source_port == 80);
        CHECK(back->destination_port == 49152);
        CHECK(back->sequence == s.sequence);
        CHECK(back->acknowledgment == s.acknowledgment);
        CHECK(back->flags == s.flags);
        CHECK(back->window == 65535);
        CHECK(back->options.mss == mss);
        CHECK(back->text == 0);
        CHECK(uk::load_be<std::uint32_t>(octets.data() + net::tcp_checksum_offset) == 0);
    }
}

TEST_CASE("all options, octet by octet: each with its length, words filled up (RFC 9293 MUST-68, MUST-69)") {
    const std::array<std::byte, 16> blocks{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    net::tcp_segment s;
    s.options.mss = 1460;
    s.options.shift = 7;
    s.options.sack_permitted = true;
    s.options.stamped = true;
    s.options.stamp = 0x11223344;
    s.options.echo = 0x55667788;
    std::array<std::byte, 60> octets{};
    emit(s, octets.data());
    REQUIRE(header_octets(s) == 44);
    const auto is = [&](std::size_t from, std::initializer_list<int> wanted) {
        for (int w : wanted) CHECK(std::to_integer<int>(octets[from++]) == w);
    };
    is(20, {2, 4, 0x05, 0xb4, 1, 3, 3, 7, 1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 1, 1, 4, 2});
    net::tcp_segment told;
    told.options.sack = blocks.data();
    told.options.blocks = 2;
    emit(told, octets.data());
    REQUIRE(header_octets(told) == 40);
    is(20, {1, 1, 5, 18, 1, 2, 3, 4, 0, 0, 0, 0});
}

TEST_CASE("options at any octet, in segments of any kind (RFC 9293 MUST-5, MUST-64)") {
    for (unsigned before = 0; before < 8; ++before) {
        for (unsigned flags = 0; flags < 64; ++flags) {
            std::vector<unsigned> options(before, 1);
            for (unsigned o : {2U, 4U, 0x12U, 0x34U, 254U, 3U, 9U, 8U, 10U, 0U, 0U, 1U, 2U, 3U, 4U, 5U, 6U}) {
                options.push_back(o);
            }
            auto h = with_options(options);
            h[13] = static_cast<std::byte>(flags);
            const auto s = parse_tcp(h);
            REQUIRE(s);
            CHECK(s->options.mss == 0x1234);
            CHECK(s->options.stamp == 0x0000'0102);
            CHECK(s->options.echo == 0x0304'0506);
        }
    }
}
