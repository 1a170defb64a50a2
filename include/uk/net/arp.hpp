// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/event.hpp>
#include <uk/net/arp_guard.hpp>
#include <uk/net/arp_wire.hpp>
#include <uk/net/ethernet_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/offload.hpp>
#include <uk/part.hpp>
#include <uk/stack_link.hpp>
#include <uk/time.hpp>
#include <uk/timer.hpp>
#include <uk/zeroed.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace uk::net {

struct arp_limits {
    /// Neighbours remembered at one time; a new one takes the place of the one unused longest.
    std::size_t entries = 16;
    /// How long an answer is believed before the neighbour is asked again (RFC 1122 section 2.3.2.1).
    unsigned reachable_seconds = 60;
    /// Requests, one a second, before a silent neighbour is given up.
    unsigned tries = 3;
    /// Probes before an address is used, which take some seconds; 3 is RFC 5227's number. With 0 addresses are neither
    /// probed for, announced nor defended, and a conflict is only counted.
    unsigned probes = 0;
};

/// The address resolution protocol (RFC 826) for IPv4. One packet waits for each neighbour that has not answered yet:
/// the latest (RFC 1122 section 2.3.2.2). An answer past its time is used on while the neighbour is polled.
/// With `probes` an address is probed for, announced and defended (RFC 5227) as arp_guard.hpp says.
template <arp_limits Limits = {}>
struct arp {
    using needs = ports<port::link, port::packets, port::tasks>;
    using provides = ports<port::neighbour>;
    static constexpr std::string_view name = "net::arp";

    static_assert(Limits.entries > 0 && Limits.tries > 0 && Limits.tries < 256 && Limits.reachable_seconds > 0 &&
                      Limits.probes < 256,
                  "net::arp: entries, tries and reachable_seconds must be positive, tries and probes below 256.");

    template <class Stack>
    class in : timer {
    public:
        static constexpr std::uint16_t ethertype = 0x0806;

        explicit in(Stack& os) : timer(&fire), os_(os) {}

        /// The internet layer says which address to answer for, unspecified for none. Forgets all neighbours and drops
        /// what waits for them: they belonged to another network.
        void set_address(ip4_address own) {
            own_ = own;
            if constexpr (guarded) {
                if (!guard_.probing() && own != guard_.address()) guard_.stop();
            }
            for (entry& e : *entries_) e.forget();
        }

        /// The link has come up, perhaps another one: all neighbours are forgotten, and our address is announced anew.
        void link_changed() {
            set_address(own_);
            if constexpr (guarded) {
                if (!own_.is_unspecified()) announce();
            }
        }

        /// Begins to find out whether somebody has `a`; see `probes_addresses`. Meanwhile we have no address.
        void probe(ip4_address a)
            requires(Limits.probes > 0)
        {
            guard_.begin(a, Limits.probes, number_of(os_[port::link].address()) ^ now().ns, now());
            wake(guard_.next());
        }

        bool probing() const
            requires(Limits.probes > 0)
        {
            return guard_.probing();
        }
        event& probed()
            requires(Limits.probes > 0)
        {
            return guard_.probed;
        }

        bool send_to(ip4_address next_hop, outgoing&& datagram) {
            entry& e = *find(next_hop, true);
            e.used = ++uses_;
            if (!e.known) {
                const bool kept = may_be_kept(datagram);
                if (kept) {
                    if (e.waiting.head) ++counters_->displaced;
                    e.waiting = std::move(datagram);
                }
                if (e.tries == 0) ask(e);
                return kept;
            }
            if (e.tries == 0 && now() > e.until) ask(e);
            return os_[port::link].send(e.link, type_ipv4, std::move(datagram));
        }

        /// A neighbour may be gone or have moved: it is asked now, used on meanwhile, and forgotten if it is silent.
        void doubt(ip4_address next_hop) {
            entry* e = find(next_hop, false);
            if (e != nullptr && e->known && e->tries == 0) ask(*e);
        }

        [[gnu::noinline]] void receive_frame(packet&& payload, const ethernet_header&) {
            arp_packet p;
            if (!parse_arp(payload.contents(), p)) {
                ++counters_->malformed;
                return;
            }
            const mac link = p.sender_link;
            if (number_of(link) == number_of(os_[port::link].address())) return;
            if constexpr (guarded) {
                if (guard_.is_conflict(p)) {
                    ++counters_->conflicts;
                    return tell(guard_.address(), false);
                }
            }
            if (own_.is_unspecified()) return;
            if (p.sender == own_) {
                ++counters_->conflicts;
                if constexpr (guarded) guard_.may_defend(now()) ? announce() : tell(own_, false);
                return;
            }
            // RFC 826: who is known is brought up to date by any packet; who asks for us is about to hear from us, and
            // is learnt. A reply that nobody asked for is no reason to forget somebody else.
            const bool asks_us = p.target == own_ && p.operation == arp_operation::request;
            entry* e = nullptr;
            if (!p.sender.is_unspecified()) e = find(p.sender, asks_us);
            if (e != nullptr) {
                learn(*e, link);
            } else if (p.target == own_ && !asks_us) {
                ++counters_->unasked;
            }
            if (!asks_us) return;
            ++counters_->answered;
            send(link, arp_operation::reply, own_, p.sender);
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
        const counters_type& counters() const { return *counters_; }

    private:
        static constexpr std::uint16_t type_ipv4 = 0x0800;
        static constexpr bool guarded = Limits.probes > 0;
        static constexpr duration retry = std::chrono::seconds(1);  // RFC 1122 section 2.3.2.1: at most one a second

        // Not what is to be cut into segments: see packet_pieces.hpp.
        static bool may_be_kept(const outgoing& datagram) {
            if constexpr (may_segment<provider_of<Stack, port::link>>) return datagram.head.segment() == 0;
            return true;
        }

        struct nothing {};
        struct guard : arp_guard {
            event probed;
        };

        struct entry {
            ip4_address address;  // unspecified: free
            mac link;
            bool known = false;      // `link` has been learnt
            std::uint8_t tries = 0;  // requests without an answer yet
            std::uint32_t used = 0;  // greater is later
            instant until;           // when to ask again
            outgoing waiting;        // while it is not known

            void drop_waiting() {
                waiting.head.drop();
                waiting.owner.drop();
            }
            void forget() {
                address = {};
                known = false;
                tries = 0;
                drop_waiting();
            }
        };

        instant now() { return os_.scheduler().now(); }

        // The entry for `a`. If there is none, null, or with `make` an empty one: free, or that unused
        // longest, sooner of those that answered than of those asked.
        [[gnu::noinline]] entry* find(ip4_address a, bool make) {
            entry* best = nullptr;
            std::uint64_t best_age = 0;
            for (entry& e : *entries_) {
                if (e.address == a) return &e;
                std::uint64_t age = uses_ - e.used + 1;
                if (e.known) age += std::uint64_t{1} << 32;
                if (e.address.is_unspecified()) age = ~std::uint64_t{0};
                if (age > best_age) {
                    best_age = age;
                    best = &e;
                }
            }
            if (!make) return nullptr;
            if (!best->address.is_unspecified()) ++counters_->evicted;
            best->forget();
            best->address = a;
            best->used = ++uses_;
            return best;
        }

        void learn(entry& e, const mac& link) {
            e.link = link;
            e.known = true;
            e.tries = 0;
            e.until = now() + std::chrono::seconds(std::uint32_t{Limits.reachable_seconds});
            if (e.waiting.head) os_[port::link].send(link, type_ipv4, std::move(e.waiting));
            e.drop_waiting();
        }

        void ask(entry& e) {
            ++e.tries;
            ++counters_->asked;
            e.until = now() + retry;
            // RFC 1122 section 2.3.2.1: a poll goes to the neighbour alone.
            send(e.known ? e.link : mac::broadcast(), arp_operation::request, own_, e.address);
            wake(e.until);
        }

        void announce() { send(mac::broadcast(), arp_operation::request, own_, own_); }

        void tell(ip4_address a, bool ours) {
            os_.each([&](auto& object) {
                if constexpr (requires { object.address_claimed(a, ours); }) object.address_claimed(a, ours);
            });
            guard_.probed.notify_all(os_.scheduler());
        }

        void guard_on_time() {
            switch (guard_.on_time(now())) {
                case arp_guard::act::probe: send(mac::broadcast(), arp_operation::request, {}, guard_.address()); break;
                case arp_guard::act::claim: tell(guard_.address(), true); break;
                case arp_guard::act::announce: announce(); break;
                case arp_guard::act::none: break;
            }
            if (guard_.next() != instant::never()) wake(guard_.next());
        }

        void send(const mac& to, arp_operation operation, ip4_address sender, ip4_address target) {
            outgoing message = os_[port::packets].store().take_outgoing();
            if (!message.head) {
                ++counters_->no_buffer;
                return;
            }
            // A request leaves the address blank that it asks for.
            const mac target_link = operation == arp_operation::reply ? to : mac{};
            emit(arp_packet{operation, os_[port::link].address(), sender, target_link, target},
                 message.head.push_back(arp_packet::size).data());
            os_[port::link].send(to, ethertype, std::move(message));
        }

        void wake(instant at) {
            if (armed() && wake_ <= at) return;
            wake_ = at;
            os_.scheduler().timers.arm(*this, at);
        }

        static void fire(timer& t) { static_cast<in&>(t).retry_all(); }
        void retry_all() {
            if constexpr (guarded) guard_on_time();
            for (entry& e : *entries_) {
                if (e.tries == 0) continue;
                if (e.until > now()) {
                    wake(e.until);
                } else if (e.tries == Limits.tries) {
                    ++counters_->unanswered;
                    e.forget();
                } else {
                    ask(e);
                }
            }
        }

        [[no_unique_address]] stack_link<Stack> os_;
        ip4_address own_;
        std::uint32_t uses_ = 0;
        instant wake_;
        zeroed<counters_type> counters_;
        [[no_unique_address]] std::conditional_t<guarded, guard, nothing> guard_;
        zeroed<std::array<entry, Limits.entries>> entries_;
    };
};

}  // namespace uk::net
