// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "host.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/igmp.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/net/tcp_cubic.hpp>
#include <uk/net/udp.hpp>
#include <uk/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

/// A whole host with TCP, and an application that does what the input says.
namespace fuzz {

template <net::tcp_limits Limits, class Congestion>
using tcp_stack = uk::stack<
    fakes::machine, card, uk::loop<uk::loop_limits{.frame_memory = 64 * 1024}>,
    uk::packets<uk::packet_limits{.buffers = 48}>, net::ethernet<>, net::arp<net::arp_limits{.entries = 4}>,
    net::ipv4<net::ipv4_limits{.reassemblies = 2, .groups = 2}>, net::icmp<>, net::igmp<>, net::udp<>,
    net::tcp<Limits, Congestion>,
    uk::uses<uk::port::stream, uk::port::udp, uk::port::tasks, uk::port::clock, uk::port::packets, uk::port::frame>>;

inline constexpr net::tcp_limits full_limits{.connections = 6,
                                             .listeners = 2,
                                             .backlog = 3,
                                             .receive_window = 100'000,
                                             .receive_buffers = 24,
                                             .send_buffers = 12,
                                             .segments = 24,
                                             .keep_alive_ms = 60'000,
                                             .keep_alive_interval_ms = 5'000,
                                             .features = net::tcp_everything};
inline constexpr net::tcp_limits usual_limits{.connections = 6, .backlog = 3, .segments = 16};
inline constexpr net::tcp_limits least_limits{.connections = 4,
                                              .backlog = 2,
                                              .receive_window = 2'920,
                                              .receive_buffers = 3,
                                              .send_buffers = 2,
                                              .features = net::tcp_minimal};

using full_stack = tcp_stack<full_limits, net::cubic>;
using usual_stack = tcp_stack<usual_limits, net::new_reno>;
using least_stack = tcp_stack<least_limits, net::new_reno>;

/// A connection in the application's hands.
template <class Os>
struct session {
    explicit session(net::tcp_connection c) : connection(std::move(c)) {}

    net::tcp_connection connection;
    std::optional<uk::task<>> reader;
    std::optional<uk::task<>> writer;
    std::optional<uk::task<>> waiter;
};

template <class Os>
uk::task<> read_all(Os&, session<Os>& s, bool hold) {
    std::deque<net::tcp_received> held;
    while (true) {
        auto text = co_await (co_await s.connection.read());
        require(!text.contents().empty(), "text that is read is not empty");
        if (hold && held.size() < 3) held.push_back(std::move(text));
    }
}

inline constexpr std::array<std::byte, 9'000> said{std::byte{'u'}, std::byte{'k'}};

template <class Os>
uk::task<> write(Os&, session<Os>& s, std::size_t octets, bool constant) {
    const uk::bytes text = uk::bytes(said).first(std::min(octets, said.size()));
    co_await (co_await (constant ? s.connection.write_constant(text) : s.connection.write(text)));
    co_return {};
}

template <class Os>
uk::task<> watch_marks(Os&, session<Os>& s) {
    while (true) {
        co_await (co_await s.connection.urgent_mark());
        (void)s.connection.urgent();
    }
}

template <class Stack>
struct tcp_host : host<Stack> {
    static constexpr std::uint16_t listening = 80;
    using own_session = session<tcp_host>;

    tcp_host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        listener.emplace(*(*this)[uk::port::stream].listen(listening));
        accepting.emplace(accept());
        require(accepting->start(), "there is memory for a task");
    }

    uk::task<> accept_all(tcp_host&) {
        while (true) {
            auto c = co_await (co_await listener->accept());
            take(std::move(c));
        }
    }
    uk::task<> accept() { return accept_all(*this); }
    uk::task<> connect_to(tcp_host&, uk::ip4_address to, std::uint16_t port) {
        auto c = co_await (co_await (*this)[uk::port::stream].connect(to, port));
        take(std::move(c));
        co_return {};
    }
    void connect(uk::ip4_address to, std::uint16_t port) {
        connecting.emplace(connect_to(*this, to, port));
        if (!connecting->start()) connecting.reset();
    }

    void take(net::tcp_connection c) {
        if (sessions.size() == 5) sessions.pop_front();
        sessions.push_back(std::make_unique<own_session>(std::move(c)));
        read(*sessions.back(), false);
    }
    void read(own_session& s, bool hold) { begin(s.reader, read_all(*this, s, hold)); }
    void write(own_session& s, std::size_t octets, bool constant) {
        s.writer.reset();
        begin(s.writer, fuzz::write(*this, s, octets, constant));
    }
    void watch(own_session& s) {
        s.waiter.reset();
        begin(s.waiter, watch_marks(*this, s));
    }
    void begin(std::optional<uk::task<>>& place, uk::task<> t) {
        place.reset();
        place.emplace(std::move(t));
        if (!place->start()) place.reset();
    }

    /// What must hold of each connection between two turns.
    void look() {
        for (const auto& s : sessions) {
            const net::tcp_record* r = s->connection.record();
            if (r == nullptr) continue;
            const net::tcb& c = r->control;
            require(c.una <= c.nxt && c.nxt <= c.max, "SND.UNA, SND.NXT and what was ever sent are in order");
            require(c.rcv_nxt <= c.rcv_edge, "the receive window does not end before it begins");
            require(c.rcv_edge - c.rcv_nxt <= window_most, "the receive window is no larger than allowed");
            require(c.mss >= 64 - 40 && c.mss <= 1460, "an MSS is one");
            require(c.state == net::tcp_state::closed || c.max - c.una <= (1U << 30) + 2,
                    "what is under way is bounded");
        }
        require((*this)[uk::port::stream].in_use() <= 6, "the table keeps to its size");
    }

    /// The application ends, time passes, and nothing is left.
    template <class Heard>
    void end(Heard heard) {
        this->link().jammed = false;
        accepting.reset();
        connecting.reset();
        sessions.clear();
        listener.reset();
        for (unsigned hours = 0; hours < 4 && (*this)[uk::port::stream].in_use() != 0; ++hours) {
            this->pass(std::chrono::hours(1), heard);
        }
        this->pass(std::chrono::minutes(3), heard);
        require((*this)[uk::port::stream].in_use() == 0, "no connection without an owner stays");
        require(this->store().available() == 48, "all packet buffers are back");
        require(this->scheduler().frames.used() == 0, "all frames of tasks are back");
    }

    static constexpr std::uint32_t window_most = 110'000;
    std::optional<net::tcp_listener> listener;
    std::optional<uk::task<>> accepting;
    std::optional<uk::task<>> connecting;
    std::deque<std::unique_ptr<own_session>> sessions;
};

}  // namespace fuzz
