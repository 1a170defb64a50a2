// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp.hpp>

#include <uk/loop.hpp>
#include <uk/packets.hpp>
#include <uk/stack.hpp>

#include "../fakes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

/// Two stacks with real TCP on virtual time, joined by a network that loses, delays and doubles.
namespace world {

using namespace uk::literals;

struct datagram {
    uk::instant due;
    std::uint64_t order = 0;
    uk::ip4_address from;
    uk::ip4_address to;
    std::vector<std::byte> octets;
    std::uint8_t traffic_class = 0;  ///< as in the internet header
};

/// What all hosts of a test share. There is one at a time.
struct network {
    explicit network(std::uint64_t s) : seed(s), random(s) { current = this; }
    network(const network&) = delete;
    ~network() { current = nullptr; }

    bool chance(unsigned per_mille) { return random() % 1000 < per_mille; }

    void carry(datagram d) {
        ++sent;
        if (record) log.push_back(d);
        if (cut || chance(loss)) return;
        if ((d.traffic_class & 3) != 0 && chance(marks)) d.traffic_class |= 3;
        const unsigned copies = chance(doubling) ? 2 : 1;
        for (unsigned i = 0; i < copies; ++i) {
            datagram c = d;
            c.due = now + delay + uk::duration(chance(reorder) ? static_cast<std::int64_t>(random() % 20'000'000) : 0);
            c.order = ++orders;
            flying.push_back(std::move(c));
        }
    }

    std::uint64_t seed;
    std::mt19937_64 random;
    uk::instant now{};
    uk::duration delay = 1ms;
    unsigned loss = 0;  ///< per mille, as all of these
    unsigned reorder = 0;
    unsigned doubling = 0;
    unsigned marks = 0;  ///< of congestion, on what may be marked
    bool cut = false;
    bool record = false;
    std::uint64_t sent = 0;
    std::uint64_t orders = 0;
    std::vector<datagram> flying;
    std::vector<datagram> log;

    static inline network* current = nullptr;
};

struct clock {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock, uk::port::idle>;
    uk::instant now() const { return network::current->now; }
    void idle(uk::instant) {}
};

/// The internet layer: datagrams go into the network and come out of it.
struct ip {
    using needs = uk::ports<uk::port::packets>;
    using provides = uk::ports<uk::port::ip>;

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {}

        uk::result<> send(uk::ip4_address to, std::uint8_t, uk::outgoing out) {
            if (refuse) return uk::fail(uk::error::no_buffers);
            datagram d;
            d.from = own;
            d.to = to;
            d.traffic_class = out.traffic_class;
            const auto head = out.head.contents();
            d.octets.assign(head.begin(), head.end());
            d.octets.insert(d.octets.end(), out.body.begin(), out.body.end());
            network::current->carry(std::move(d));
            return {};
        }
        uk::ip4_address address() const { return own; }
        void configure(uk::cidr c, uk::ip4_address) { own = c.address; }
        std::size_t mtu() const { return 1480; }
        void doubt(uk::ip4_address to) { doubted.push_back(to); }

        bool poll() {
            auto& flying = network::current->flying;
            bool any = false;
            while (true) {
                auto next = flying.end();
                for (auto it = flying.begin(); it != flying.end(); ++it) {
                    if (it->to != own || it->due > network::current->now) continue;
                    const auto rank = [](const auto& d) { return std::pair(d->due, d->order); };
                    if (next == flying.end() || rank(it) < rank(next)) next = it;
                }
                if (next == flying.end()) return any;
                const datagram d = std::move(*next);
                flying.erase(next);
                any = true;
                inject(d);
            }
        }

        void inject(const datagram& d, bool group = false) {
            uk::packet p = os_[uk::port::packets].store().take(36);
            if (!p) {
                ++starved;
                return;
            }
            uk::copy(p.push_back(d.octets.size()), d.octets);
            uk::net::ipv4_datagram h;
            h.source = d.from;
            h.destination = d.to;
            h.protocol = 6;
            h.group = group;
            const std::byte original[]{std::byte{0x45}, std::byte{d.traffic_class}};
            h.original = original;
            os_.each([&](auto& object) {
                if constexpr (requires { object.ip_protocol; }) object.receive_datagram(std::move(p), h);
            });
        }

        uk::ip4_address own;
        unsigned starved = 0;
        bool refuse = false;
        std::vector<uk::ip4_address> doubted;

    private:
        Stack& os_;
    };
};

inline uk::net::tcp_segment parse_tcp(uk::bytes octets) {
    uk::net::tcp_segment s;
    CHECK(uk::net::parse_tcp(octets, s));
    return s;
}

inline constexpr uk::ip4_address left_address = "10.0.0.1"_ip4;
inline constexpr uk::ip4_address right_address = "10.0.0.2"_ip4;

template <uk::net::tcp_limits Limits = {}, std::size_t Buffers = 64, class Congestion = uk::net::new_reno,
          class Ip = ip>
struct host : uk::stack<fakes::console, clock, fakes::entropy, uk::loop<uk::loop_limits{.frame_memory = 512 * 1024}>,
                        uk::packets<uk::packet_limits{.buffers = Buffers}>, Ip, uk::net::tcp<Limits, Congestion>> {
    static constexpr std::size_t buffers = Buffers;
    explicit host(uk::ip4_address own) { (*this)[uk::port::ip].own = own; }

    auto& net() { return (*this)[uk::port::stream]; }
    std::uint32_t count(uk::net::tcp_count c) { return net().counter(c); }
    std::size_t free_buffers() { return (*this)[uk::port::packets].store().available(); }

    bool turn() {
        bool busy = false;
        this->each([&](auto& object) {
            if constexpr (requires { object.poll(); }) busy |= object.poll();
        });
        busy |= this->scheduler().run(network::current->now);
        this->each([&](auto& object) {
            if constexpr (requires { object.flush(); }) object.flush();
        });
        return busy;
    }
};

/// Runs the hosts until `done()` or for `most` of virtual time; says whether it was done.
template <class Done, class... Hosts>
bool run(network& n, uk::duration most, Done done, Hosts&... hosts) {
    const uk::instant end = n.now + most;
    while (true) {
        bool busy = false;
        ((busy |= hosts.turn()), ...);
        if (done()) return true;
        if (n.now >= end) return false;
        if (busy) continue;
        uk::instant next = end;
        ((next = std::min(next, hosts.scheduler().timers.next())), ...);
        for (const datagram& d : n.flying) {
            if (d.due > n.now) next = std::min(next, d.due);  // what is late has no host to take it
        }
        n.now = std::max(next, n.now + uk::duration(1000));
    }
}

template <class... Hosts>
void pass(network& n, uk::duration time, Hosts&... hosts) {
    run(n, time, [] { return false; }, hosts...);
}

/// The octet of a test stream at `at`: long periods, so that a shift shows.
inline std::byte pattern(std::uint64_t at, unsigned salt = 0) {
    return static_cast<std::byte>((at * 2654435761U >> 13 ^ at >> 3 ^ salt) & 0xff);
}

}  // namespace world
