// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/arp_wire.hpp>
#include <uk/net/ethernet_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/part.hpp>
#include <uk/time.hpp>
#include <uk/timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace uk::net {

struct arp_limits {
    /// Neighbours remembered at one time; a new one takes the place of the one unused longest.
    std::size_t entries = 16;
    /// How long an answer is believed before the neighbour is asked again (RFC 1122 section 2.3.2.1).
    unsigned reachable_seconds = 60;
    /// Requests, one a second, before a silent neighbour is given up.
    unsigned tries = 3;
};

/// The address resolution protocol (RFC 826) for IPv4. One packet waits for each neighbour that has not answered yet:
/// the latest (RFC 1122 section 2.3.2.2). An answer past its time is used on while the neighbour is polled.
/// Not obeyed: probing, announcing and defending an address (RFC 5227); a conflict is only counted.
template <arp_limits Limits = {}>
struct arp {
    using needs = ports<port::link, port::packets, port::tasks>;
    using provides = ports<port::neighbour>;
    static constexpr std::string_view name = "net::arp";

    static_assert(Limits.entries > 0 && Limits.tries > 0 && Limits.tries < 256 && Limits.reachable_seconds > 0,
                  "net::arp: entries, tries and reachable_seconds must be positive, tries below 256.");

    template <class Stack>
    class in : timer {
    public:
        static constexpr std::uint16_t ethertype = 0x0806;

        explicit in(Stack& os) : timer(&fire), os_(os) {}

        /// The internet layer says which address to answer for, unspecified for none. Forgets all neighbours and drops
        /// what waits for them: they belonged to another network.
        void set_address(ip4_address own) {
            own_ = own;
            for (entry& e : entries_) e.forget();
        }

        bool send_to(ip4_address next_hop, outgoing&& datagram) {
            entry* e = find(next_hop);
            if (e == nullptr) {
                e = &replace(next_hop);
                e->state = standing::incomplete;
                ask(*e);
                wake(e->until);
            }
            e->used = ++uses_;
            if (e->state == standing::incomplete) {
                if (e->waiting.head) ++counters_.displaced;
                e->waiting = std::move(datagram);
                return true;
            }
            if (e->state == standing::reachable && now() > e->until) {
                e->state = standing::polling;
                ask(*e);
                wake(e->until);
            }
            return os_[port::link].send(e->link, type_ipv4, std::move(datagram));
        }

        [[gnu::noinline]] void receive_frame(packet&& payload, const ethernet_header&) {
            arp_packet p;
            if (!parse_arp(payload.contents(), p)) {
                ++counters_.malformed;
                return;
            }
            if (own_.is_unspecified() || p.sender_link == os_[port::link].address()) return;
            if (p.sender == own_) {
                ++counters_.conflicts;
                return;
            }
            // RFC 826: who is known is brought up to date by any packet; who asks for us is about to hear from us, and
            // is learnt. A reply that nobody asked for is no reason to forget somebody else.
            entry* e = find(p.sender);
            if (e != nullptr) learn(*e, p.sender_link);
            if (p.target != own_) return;
            if (p.operation != arp_operation::request) {
                if (e == nullptr) ++counters_.unasked;
                return;
            }
            if (e == nullptr && !p.sender.is_unspecified()) learn(replace(p.sender), p.sender_link);
            ++counters_.answered;
            send(p.sender_link, arp_operation::reply, p.sender);
        }

        struct counters_type {
            static constexpr std::string_view names =
                "asked answered malformed conflicts unasked displaced unanswered evicted "
                "no_buffer";
            std::uint32_t asked = 0;       ///< requests sent
            std::uint32_t answered = 0;    ///< replies sent
            std::uint32_t malformed = 0;   ///< not a request or reply for IPv4 over Ethernet, or an impossible sender
            std::uint32_t conflicts = 0;   ///< somebody else claims our address
            std::uint32_t unasked = 0;     ///< replies to no request of ours
            std::uint32_t displaced = 0;   ///< packets dropped for a later one to the same neighbour
            std::uint32_t unanswered = 0;  ///< neighbours given up
            std::uint32_t evicted = 0;     ///< neighbours forgotten for others
            std::uint32_t no_buffer = 0;   ///< messages not sent for want of a packet
        };
        const counters_type& counters() const { return counters_; }

    private:
        static constexpr std::uint16_t type_ipv4 = 0x0800;
        static constexpr duration retry = std::chrono::seconds(1);  // RFC 1122 section 2.3.2.1: at most one a second

        enum class standing : std::uint8_t { free, incomplete, reachable, polling };

        struct entry {
            ip4_address address;
            mac link;
            standing state = standing::free;
            std::uint8_t tries = 0;
            std::uint32_t used = 0;  // greater is later
            instant until;           // reachable: when to poll; otherwise when to ask again
            outgoing waiting;

            bool asking() const { return state == standing::incomplete || state == standing::polling; }
            void forget() {
                state = standing::free;
                tries = 0;
                waiting = {};
            }
        };

        instant now() { return os_.scheduler().now(); }

        entry* find(ip4_address a) {
            for (entry& e : entries_) {
                if (e.state != standing::free && e.address == a) return &e;
            }
            return nullptr;
        }

        // An empty entry for `a`: free, or that unused longest, sooner of those that answered than of those asked.
        entry& replace(ip4_address a) {
            entry* best = &entries_[0];
            for (entry& e : entries_) {
                if (rank(e) < rank(*best) || (rank(e) == rank(*best) && e.used - uses_ - 1 < best->used - uses_ - 1)) {
                    best = &e;
                }
            }
            if (best->state != standing::free) ++counters_.evicted;
            best->forget();
            best->address = a;
            best->used = ++uses_;
            return *best;
        }
        static int rank(const entry& e) {
            return e.state == standing::free ? 0 : e.state == standing::incomplete ? 2 : 1;
        }

        void learn(entry& e, const mac& link) {
            e.link = link;
            e.state = standing::reachable;
            e.tries = 0;
            e.until = now() + std::chrono::seconds(Limits.reachable_seconds);
            if (e.waiting.head) os_[port::link].send(link, type_ipv4, std::exchange(e.waiting, {}));
        }

        void ask(entry& e) {
            ++e.tries;
            ++counters_.asked;
            e.until = now() + retry;
            // RFC 1122 section 2.3.2.1: a poll goes to the neighbour alone.
            send(e.state == standing::polling ? e.link : mac::broadcast(), arp_operation::request, e.address);
        }

        void send(const mac& to, arp_operation operation, ip4_address target) {
            packet head = os_[port::packets].store().take();
            if (!head) {
                ++counters_.no_buffer;
                return;
            }
            // A request leaves the address blank that it asks for.
            const mac target_link = operation == arp_operation::reply ? to : mac{};
            emit(arp_packet{operation, os_[port::link].address(), own_, target_link, target},
                 head.push_back(arp_packet::size).data());
            os_[port::link].send(to, ethertype, outgoing{std::move(head)});
        }

        void wake(instant at) {
            if (armed() && wake_ <= at) return;
            wake_ = at;
            os_.scheduler().timers.arm(*this, at);
        }

        static void fire(timer& t) { static_cast<in&>(t).retry_all(); }
        void retry_all() {
            for (entry& e : entries_) {
                if (!e.asking()) continue;
                if (e.until <= now()) {
                    if (e.tries == Limits.tries) {
                        ++counters_.unanswered;
                        e.forget();
                        continue;
                    }
                    ask(e);
                }
                wake(e.until);
            }
        }

        Stack& os_;
        ip4_address own_;
        std::uint32_t uses_ = 0;
        instant wake_;
        counters_type counters_;
        std::array<entry, Limits.entries> entries_;
    };
};

}  // namespace uk::net
