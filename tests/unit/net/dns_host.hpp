// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "dns_fixture.hpp"
#include "link_fixture.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/dns.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/udp.hpp>

#include <doctest/doctest.h>

#include <cctype>
#include <cstdio>
#include <optional>
#include <string>

/// A host that asks for names, whose name servers are the test.
namespace dns_fixture {

using namespace fakes;

/// Randomness that can fail, or be all zero some times.
struct wilful_entropy {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::entropy>;
    bool fill(uk::writable_bytes out) {
        if (broken) return false;
        generator.fill(out);
        if (zeros != 0) {
            --zeros;
            for (std::byte& b : out) b = {};
        }
        return true;
    }
    fakes::entropy generator;
    bool broken = false;
    int zeros = 0;
};

inline constexpr net::dns_limits two_servers{.servers = {peer_ip, router_ip}};

template <net::dns_limits Limits = two_servers, class... More>
struct host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<>, net::udp<>, wilful_entropy,
                                 net::dns<Limits>, More..., uk::uses<uk::port::resolver>>> {
    host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        this->meet_peer(peer_ip);
        this->meet_peer(router_ip);
    }
    auto& dns() { return (*this)[uk::port::resolver]; }
    const auto& counters() { return dns().counters(); }
    std::uint32_t bad(net::dns_fault f) { return counters().bad[static_cast<std::size_t>(f) - 1]; }
};

/// A question that the host has sent.
struct asked_question {
    uk::ip4_address server;
    std::uint16_t from_port = 0;
    std::uint16_t id = 0;
    std::string question;  // name, type, class

    std::string lower_name() const {
        std::string s;
        for (char c : question.substr(0, question.size() - 4)) s += static_cast<char>(std::tolower(c));
        return s;
    }
    message answer() const {
        message m;
        m.id = id;
        m.question = question;
        return m;
    }
};

/// The next one, and nothing if that is no well-formed query. What is not IP is passed over: ARP has its own times.
template <class Host>
std::optional<asked_question> next_question(Host& os) {
    sent_frame f;
    do {
        f = os.take_ip();
    } while (f.link.ethertype == 0x0806);
    if (f.ip.protocol != 17 || f.payload.size() < 8 || f.ip.source != our_ip) return {};
    const auto from_port = uk::load_be<std::uint16_t>(f.payload.data());
    if (uk::load_be<std::uint16_t>(f.payload.data() + 2) != 53) return {};
    const std::string text(uk::as_text(uk::bytes(f.payload).subspan(8)));
    if (text.size() < 12 || text.substr(2, 10) != "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s) return {};
    const auto* at = f.payload.data() + 8;
    return asked_question{f.ip.destination, from_port, uk::load_be<std::uint16_t>(at), text.substr(12)};
}

/// What a host at `from` says.
template <class Host>
void say(Host& os, const asked_question& q, const message& m, std::optional<uk::ip4_address> from = {},
         std::uint16_t from_port = 53) {
    const uk::ip4_address source = from.value_or(q.server);
    os.inject(ip_frame(source, our_ip, 17, udp_payload(source, from_port, our_ip, q.from_port, octets_of(m.text()))));
}
template <class Host>
void say_address(Host& os, const asked_question& q, std::uint32_t value, std::uint32_t ttl = 60) {
    message m = q.answer();
    m.answers = {address(asked, value, ttl)};
    say(os, q, m);
}

inline std::string text_of(uk::ip4_address a) {
    std::string s;
    for (int shift = 24; shift >= 0; shift -= 8) s += std::to_string(a.value >> shift & 255) + (shift != 0 ? "." : "");
    return s;
}
inline std::string text_of(const net::ip6_octets& a) {
    std::string s;
    for (std::byte b : a) {
        char two[3];
        (void)std::snprintf(two, sizeof two, "%02x", std::to_integer<unsigned>(b));
        s += two;
    }
    return s;
}

template <class Result>
std::string text_of(const Result& found) {
    if (!found) return std::string(describe(found.error()));
    std::string s;
    for (const auto& a : *found) s += (s.empty() ? "" : " ") + text_of(a);
    return s;
}

/// The addresses, or the error's sentence.
template <class Host>
uk::task<uk::result<std::string>> look(Host& os, std::string name) {
    co_return text_of(co_await os.dns().resolve(name));
}
template <class Host>
uk::task<uk::result<std::string>> look_ip6(Host& os, std::string name) {
    co_return text_of(co_await os.dns().resolve_ip6(name));
}

/// What a look-up has come to; empty while it goes on.
inline std::string outcome(uk::task<uk::result<std::string>>& t) { return t.done() ? t.take().value() : ""; }

/// Of a look-up that needs nobody's answer.
template <class Host>
std::string at_once(Host& os, std::string_view name) {
    auto t = look(os, std::string(name));
    REQUIRE(t.start());
    os.turn();
    return outcome(t);
}

}  // namespace dns_fixture
