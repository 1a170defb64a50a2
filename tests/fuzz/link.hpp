// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "host.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/igmp.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/udp.hpp>
#include <uk/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

/// The layers below TCP, with a small application, for the targets of single layers: those differ in what the octets of
/// a piece of input become.
namespace fuzz {

using namespace std::chrono_literals;

template <unsigned Probes = 0>
using link_stack =
    uk::stack<fakes::machine, card, uk::packets<uk::packet_limits{.buffers = 24}>, net::ethernet<>,
              net::arp<net::arp_limits{.entries = 4, .probes = Probes}>,
              net::ipv4<net::ipv4_limits{.reassemblies = 3, .groups = 3}>,
              net::icmp<net::icmp_limits{.parameter_problems = true}>, net::igmp<net::igmp_limits{.groups = 2}>,
              net::udp<net::udp_limits{.sockets = 3, .queued = 2, .groups = 2}>,
              uk::uses<uk::port::udp, uk::port::tasks, uk::port::clock, uk::port::packets, uk::port::frame>>;

inline constexpr std::uint16_t echo_port = 7;
inline constexpr std::uint16_t talk_port = 9;

template <class Os, class Socket>
uk::task<> echo(Os&, Socket& s) {
    while (true) {
        auto d = co_await co_await s.receive();
        (void)s.send(d.from, d.from_port, d.contents.contents());
    }
}

template <unsigned Probes = 0>
struct link_host : host<link_stack<Probes>> {
    using udp_socket = std::remove_cvref_t<decltype(*std::declval<link_stack<Probes>&>()[uk::port::udp].bind(1))>;

    link_host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        server.emplace(*(*this)[uk::port::udp].bind(echo_port));
        talker.emplace(*(*this)[uk::port::udp].bind(talk_port));
        talker->connect(peer_ip, talk_port);
        (void)server->join(our_group);
        task.emplace(echo(*this, *server));
        require(task->start(), "there is memory for a task");
    }

    /// Frames that the stack may have sent for `input` of them at most: it answers what it gets, and asks a bounded
    /// number of questions of its own.
    void look_at_amplification(std::uint64_t inputs) {
        require(this->frames_sent <= 200 + 8 * inputs, "no storm is made of little");
    }

    /// Everything comes to its end, and nothing is left.
    template <class Heard>
    void end(Heard heard) {
        this->link().jammed = false;
        task.reset();
        server.reset();
        talker.reset();
        this->pass(5min, heard);
        require(this->store().available() == 24, "all packet buffers are back");
        require(this->scheduler().frames.used() == 0, "all frames of tasks are back");
    }

    std::optional<udp_socket> server;
    std::optional<udp_socket> talker;
    std::optional<uk::task<>> task;
};

/// What a piece of input becomes: bit 0 of `how` is clear where checksums are to be right; the others are the target's.
using shaper = octets (*)(uk::bytes piece, unsigned how);
/// What else is looked at in what the stack sends.
using watcher = void (*)(const sent_frame&);

/// Runs a link target. Each step begins with an octet: below 0xc0 a frame; then time, something to send, or the card.
template <unsigned Probes = 0>
void run_link(const std::uint8_t* data, std::size_t size, shaper shape, watcher watch = nullptr) {
    input in(data, size);
    link_host<Probes> os;
    const unsigned mode = in.octet();
    const auto heard = [&](const octets& frame, const sent_frame& parts) {
        if (watch != nullptr) watch(parts);
        if (const octets answer = arp_answer(frame); (mode & 1) == 0 && !answer.empty()) {
            os.link().arrived.push_back(answer);
        }
    };
    std::uint64_t inputs = 0;
    while (!in.empty() && inputs < 200) {
        const unsigned what = in.octet();
        ++inputs;
        if (what < 0xc0) {
            octets frame = shape(in.piece(), what);
            if ((what & 1) == 0) seal_frame(frame);
            if (frame.size() <= 1514) os.link().arrived.push_back(std::move(frame));
        } else if (what < 0xd8) {
            os.pass(uk::duration(std::int64_t{1'000'000} << (what - 0xc0) % 18), heard);
        } else if (what < 0xe8) {
            const uk::bytes text = in.piece();
            (void)os.talker->send((what & 1) != 0 ? peer_ip : uk::ip4_address{our_net.address.value + what}, 9, text);
        } else if (what < 0xf0) {
            os.link().jammed = (what & 1) != 0;
        } else if (what < 0xf4) {
            (void)((what & 1) != 0 ? os.server->join({0xef000000U | what}) : os.server->join(our_group));
        } else if (what < 0xf8) {
            os.server->leave((what & 1) != 0 ? uk::ip4_address{0xef000000U | what} : our_group);
        } else {
            os.link().came_up = true;
        }
        if ((what & 2) == 0) os.settle(heard);
    }
    os.settle(heard);
    os.look_at_amplification(inputs);
    os.end(heard);
}

}  // namespace fuzz
