// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_handshake.hpp>

#include <doctest/doctest.h>

namespace net = uk::net;
using net::agree;
using net::offer;
using net::tcb;
using net::tcp_features;
using net::tcp_options;
using net::tcp_state;

namespace {

constexpr tcp_features all{};
constexpr std::uint8_t none = tcp_options::no_shift;

tcp_options options(std::uint8_t shift, bool sack, bool stamped) {
    tcp_options o;
    o.shift = shift;
    o.sack_permitted = sack;
    o.stamped = stamped;
    return o;
}

template <tcp_features F = all>
tcp_options answer_to(const tcp_options& theirs, std::uint8_t own_shift = 3) {
    tcb c;
    c.state = tcp_state::syn_received;
    agree<F>(c, own_shift, theirs);
    tcp_options o;
    offer<F>(c, own_shift, o);
    return o;
}

}  // namespace

static_assert(net::shift_for(65'535) == 0 && net::shift_for(65'536) == 1);
static_assert(net::shift_for(1 << 20) == 5 && net::shift_for((1U << 30) - 1) == 14);

TEST_CASE("a SYN offers all that the type has") {
    tcb c;
    c.state = tcp_state::syn_sent;
    tcp_options o;
    offer<all>(c, 7, o);
    CHECK(o.shift == 7);
    CHECK(o.sack_permitted);
    CHECK(o.stamped);
    tcp_options bare;
    offer<net::tcp_minimal>(c, 7, bare);
    CHECK(bare.shift == none);
    CHECK_FALSE(bare.sack_permitted);
    CHECK_FALSE(bare.stamped);
}

TEST_CASE("an answer offers what the peer offered, each by itself (RFC 7323 section 2.2, RFC 2018 section 2)") {
    for (unsigned bits = 0; bits < 8; ++bits) {
        const auto o = answer_to(options(bits & 1 ? 2 : none, bits & 2, bits & 4));
        CHECK(o.shift == (bits & 1 ? 3 : none));
        CHECK(o.sack_permitted == bool(bits & 2));
        CHECK(o.stamped == bool(bits & 4));
    }
    const auto bare = answer_to<net::tcp_minimal>(options(2, true, true));
    CHECK(bare.shift == none);
    CHECK_FALSE(bare.sack_permitted);
    CHECK_FALSE(bare.stamped);
}

TEST_CASE("shifts count only when both ends have one; 14 is the most (RFC 7323 section 2.3)") {
    tcb c;
    agree<all>(c, 5, options(none, false, false));
    CHECK(c.own_shift == 0);
    CHECK(c.peer_shift == 0);
    agree<all>(c, 5, options(0, false, false));
    CHECK(c.own_shift == 5);
    CHECK(c.peer_shift == 0);
    agree<all>(c, 5, options(200, false, false));
    CHECK(c.peer_shift == 14);
}

TEST_CASE("ECN: both flags ask, one agrees, anything else is no (RFC 3168 section 6.1.1)") {
    namespace flag = net::tcp_flag;
    const auto said = [](unsigned flags) {
        net::tcp_segment s;
        s.flags = static_cast<std::uint8_t>(flags);
        return net::agrees_on_ecn(s);
    };
    CHECK(said(flag::syn | flag::ece | flag::cwr));
    CHECK_FALSE(said(flag::syn | flag::ece));
    CHECK_FALSE(said(flag::syn));
    CHECK(said(flag::syn | flag::ack | flag::ece));
    CHECK_FALSE(said(flag::syn | flag::ack | flag::ece | flag::cwr));  // a peer that echoes what it does not know
    CHECK_FALSE(said(flag::syn | flag::ack));
    tcb c;
    c.state = tcp_state::syn_sent;
    CHECK(net::ecn_flags(c) == (flag::ece | flag::cwr));
    c.state = tcp_state::syn_received;
    CHECK(net::ecn_flags(c) == 0);
    c.ecn = true;
    CHECK(net::ecn_flags(c) == flag::ece);
}

TEST_CASE("timestamps take their room from the text (RFC 6691 section 2)") {
    tcb c;
    c.mss = 1460;
    agree<all>(c, 0, options(none, true, true));
    CHECK(c.mss == 1448);
}
