// SPDX-License-Identifier: BSL-1.0
#include "dns_fake_stream.hpp"

#include <uk/net/dns_stream.hpp>

#include <vector>

using namespace dns_fixture;

namespace {

constexpr net::dns_limits with_tcp{.servers = {peer_ip}, .addresses = 40, .tries = 1, .tcp = true};

message truncated(const asked_question& q) {
    message m = q.answer();
    m.flags = 0x8380;
    return m;
}
std::string behind_length(const message& m) { return number16(static_cast<std::uint32_t>(m.text().size())) + m.text(); }
/// What has many addresses: more than a datagram holds.
message long_answer(const asked_question& q) {
    message m = q.answer();
    for (std::uint32_t i = 0; i < 40; ++i) m.answers.push_back(address(asked, i));
    return m;
}

}  // namespace

TEST_CASE("an answer too long for a datagram is asked for again by TCP, whose octets come as they like") {
    for (std::size_t size : {1U, 2U, 7U, 4096U}) {
        stream_host<with_tcp> os;
        auto t = look(os, "www.example");
        REQUIRE(t.start());
        const auto q = next_question(os);
        REQUIRE(q);
        say(os, *q, truncated(*q));
        CHECK(os.stream().connected == peer_ip);
        CHECK(os.stream().connected_port == 53);
        CHECK(os.stream().received == number16(static_cast<std::uint32_t>(q->question.size() + 12)) + number16(q->id) +
                                          "\1\0\0\1\0\0\0\0\0\0"s + q->question);
        const std::string all = behind_length(long_answer(*q)) + "what follows is not read";
        for (std::size_t at = 0; at < all.size(); at += size) os.stream_says(all.substr(at, size));
        const std::string found = outcome(t);
        CHECK(found.starts_with("0.0.0.0 0.0.0.1 "));
        CHECK(found.ends_with(" 0.0.0.39"));
        CHECK(os.counters().by_stream == 1);
        CHECK(os.stream().open == 0);
        CHECK(at_once(os, "www.example") == found);
    }
}

TEST_CASE("where TCP fails, so does this server") {
    const std::vector<void (*)(stream_host<with_tcp>&, const asked_question&)> ways{
        [](auto& os, auto&) { os.stream().refuses = true; },
        [](auto& os, auto&) { os.stream().closes = true; },
        [](auto& os, auto& q) { os.stream().to_send = {behind_length(truncated(q))}; },
        [](auto& os, auto& q) { os.stream().to_send = {behind_length(long_answer(q)).replace(3, 1, "x")}; },
        [](auto& os, auto&) { os.stream().to_send = {"\xff\xff"s + std::string(5000, 'x')}; },
        [](auto& os, auto&) { os.stream().to_send = {"\0\0"s}; },
        [](auto& os, auto&) { os.stream().to_send = {"\0"s}; },
    };
    for (std::size_t i = 0; i < ways.size(); ++i) {
        CAPTURE(i);
        stream_host<with_tcp> os;
        auto t = look(os, "www.example");
        REQUIRE(t.start());
        const auto q = next_question(os);
        REQUIRE(q);
        ways[i](os, *q);
        say(os, *q, truncated(*q));
        os.run_for(6s);
        CHECK(outcome(t) == "the answer is too long for UDP");
        CHECK(os.stream().open == 0);
        CHECK(os.silent());
    }
}

TEST_CASE("what TCP says may be that there is nothing, or an alias to follow") {
    stream_host<with_tcp> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    auto q = next_question(os);
    message m = q->answer();
    m.answers = {alias(asked, name("b.example"))};
    os.stream().to_send = {behind_length(m)};
    say(os, *q, truncated(*q));
    q = next_question(os);
    REQUIRE(q);
    CHECK(q->lower_name() == name("b.example"));
    m = q->answer();
    m.flags = 0x8183;
    os.stream().to_send = {behind_length(m)};
    say(os, *q, truncated(*q));
    CHECK(outcome(t) == "no such name");
}

namespace {

/// What comes of asking with room for `Octets` in all.
template <std::size_t Octets>
uk::task<uk::result<std::string>> ask(stream_host<with_tcp>& os) {
    const net::dns_query q = query();
    std::string said;
    co_await co_await net::ask_by_stream<Octets>(os, peer_ip, q, [&](uk::bytes m) { said = uk::as_text(m); });
    co_return said;
}

}  // namespace

TEST_CASE("a message may fill the room that there is for it, not more") {
    for (std::size_t more : {0U, 1U}) {
        stream_host<with_tcp> os;
        os.stream().to_send = {number16(static_cast<std::uint32_t>(298 + more)), std::string(298 + more, 'x')};
        auto t = ask<300>(os);
        REQUIRE(t.start());
        os.turn();
        REQUIRE(t.done());
        const auto said = t.take();
        CHECK(said.has_value() == (more == 0));
        if (said) CHECK(said->size() == 298);
        if (!said) CHECK(said.error() == uk::error::too_large);
    }
}
