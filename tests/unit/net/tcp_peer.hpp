// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tcp_world.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace world {

/// The datagram of a segment from `from` to `to` with its text: `s` needs neither ports nor lengths.
inline datagram make_datagram(uk::net::tcp_segment s, uk::ip4_address from, uk::ip4_address to,
                              std::string_view text = {}) {
    const std::size_t header = uk::net::header_octets(s);
    datagram d;
    d.from = from;
    d.to = to;
    d.octets.resize(header + text.size());
    emit(s, d.octets.data());
    uk::copy(std::span(d.octets).subspan(header), uk::as_bytes(text));
    auto sum = uk::net::pseudo_header(d.from, d.to, 6, d.octets.size());
    uk::store_be(d.octets.data() + 16, sum.add(d.octets).value());
    return d;
}

/// Accepts all connections to port 80.
template <class Host>
uk::task<> accept_into(Host& os, std::vector<uk::net::tcp_connection>& out) {
    auto listener = co_await os.net().listen(80);
    while (true) out.push_back(co_await co_await listener.accept());
}

/// Reads until there is nothing more to come, and why.
template <class Host>
uk::task<> read_into(Host&, uk::net::tcp_connection& c, std::string& out, std::optional<uk::error>& end) {
    while (true) {
        auto got = co_await c.read();
        if (!got) {
            end = got.error();
            co_return {};
        }
        out += uk::as_text(got->contents());
    }
}

/// Writes text that outlives the connection.
template <class Host>
uk::task<> write(Host&, uk::net::tcp_connection& c, std::string_view text) {
    co_await co_await c.write_constant(uk::as_bytes(text));
    co_return {};
}

/// A peer by hand of a host's port 80: segments as it likes, and what came back.
template <class Host>
struct peer {
    peer(network& net, Host& h) : n(net), to(h) {}

    void send(uk::net::tcp_segment s, std::string_view text = {}) {
        if (s.source_port == 0) s.source_port = 5000;
        s.destination_port = 80;
        n.record = true;
        to[uk::port::ip].inject(make_datagram(s, left_address, right_address, text));
    }
    void send(unsigned flags, uk::net::seq at, uk::net::seq ack, std::string_view text = {},
              std::uint16_t from_port = 5000) {
        send(segment(flags, at, ack, from_port), text);
    }
    static uk::net::tcp_segment segment(unsigned flags, uk::net::seq at, uk::net::seq ack,
                                        std::uint16_t from_port = 5000) {
        uk::net::tcp_segment s;
        s.source_port = from_port;
        s.flags = static_cast<std::uint8_t>(flags);
        s.sequence = at;
        s.acknowledgment = ack;
        s.window = 10'000;
        return s;
    }
    /// All segments that have come back since the last call; `last` keeps their octets.
    std::vector<uk::net::tcp_segment> answers(uk::duration wait = 1ms) {
        pass(n, wait, to);
        last = std::move(n.log);
        n.log.clear();
        std::vector<uk::net::tcp_segment> all;
        for (const datagram& d : last) all.push_back(parse_tcp(d.octets));
        return all;
    }
    /// The last of them.
    std::optional<uk::net::tcp_segment> answer(uk::duration wait = 1ms) {
        const auto all = answers(wait);
        if (all.empty()) return {};
        return all.back();
    }
    /// Opens a connection; the host's first sequence number.
    uk::net::seq open(std::uint16_t from_port = 5000, uk::net::seq at = {100}) {
        namespace flag = uk::net::tcp_flag;
        send(flag::syn, at, {0}, {}, from_port);
        const auto a = answer();
        REQUIRE(a);
        REQUIRE(a->flags == (flag::syn | flag::ack));
        REQUIRE(a->acknowledgment == at + 1);
        CHECK(a->options.mss == 1460);
        send(flag::ack, at + 1, a->sequence + 1, {}, from_port);
        return a->sequence;
    }

    network& n;
    Host& to;
    std::vector<datagram> last;
};

}  // namespace world
