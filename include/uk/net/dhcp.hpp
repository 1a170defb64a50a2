// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/event.hpp>
#include <uk/net/arp_guard.hpp>
#include <uk/net/count.hpp>
#include <uk/net/dhcp_state.hpp>
#include <uk/net/dhcp_wire.hpp>
#include <uk/net/resolvers.hpp>
#include <uk/net/udp.hpp>
#include <uk/part.hpp>
#include <uk/result.hpp>
#include <uk/stack_link.hpp>
#include <uk/task.hpp>
#include <uk/timer.hpp>
#include <uk/zeroed.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace uk::net {

struct dhcp_limits {
    /// Octets of the domain's name that are remembered; a longer one is taken as none.
    std::size_t domain = 0;
};

/// The host's address by DHCP (RFC 2131): the application starts when there is a lease, which is renewed in the
/// background; when it ends, the host is without an address until there is another one. A link that comes up anew has
/// the lease confirmed. With `net::arp<{.probes = 3}>` an address is used when nobody else has it, and declined
/// otherwise. What else the server says (name servers, MTU and the rest of dhcp_reply) is in `lease()`.
template <dhcp_limits Limits>
struct dhcp_with {
    using needs = ports<port::link, port::ip, port::udp, port::packets, port::tasks, port::entropy>;
    using provides = ports<port::resolvers>;
    static constexpr std::string_view name = "net::dhcp";

    template <class Stack>
    class in : timer {
    public:
        static constexpr std::uint16_t udp_port_number = dhcp_client_port;

        explicit in(Stack& os) : timer(&fire), os_(os) {}

        uk::scheduler& scheduler() { return os_.scheduler(); }

        /// `uk::run` awaits it before the application starts. Waits for the first lease as long as it takes; fails with
        /// `no_entropy`.
        task<> start() {
            if (!begin()) co_return fail(error::no_entropy);
            while (os_[port::ip].address().is_unspecified()) co_await os_[port::ip].configured();
            co_return {};
        }

        /// What the server gave us, name servers included; not valid while there is no lease.
        dhcp_lease lease() const { return client_->has_lease() ? client_->lease() : dhcp_lease{}; }

        std::span<const ip4_address> resolvers() const {
            const auto& dns = client_->lease().dns;
            std::size_t n = 0;
            while (client_->has_lease() && n < dns.size() && !dns[n].is_unspecified()) ++n;
            return {dns.data(), n};
        }
        std::string_view domain() const {
            if constexpr (Limits.domain != 0) {
                if (client_->has_lease()) return as_text(bytes(domain_.text).first(domain_.size));
            }
            return {};
        }

        /// Gives the address back. For the end of an application that wants to: let the loop run on for a moment, so
        /// that the message leaves. `renew` begins again.
        void release() {
            if (!client_->has_lease()) return;
            dhcp_client::step s = client_->release();
            // From the address itself, as long as we have it.
            ++(send(s.send, s.to) ? counters_->sent : counters_->not_sent);
            s.send.type = dhcp_type::none;
            apply(s);
        }
        /// Asks for the lease to be renewed, or for another one, now.
        void renew() { go_on(); }

        /// Called by the layers below; see ethernet.hpp and arp_guard.hpp.
        void link_changed() {
            if (client_->now_in() != dhcp_client::state::init) apply(client_->on_link_change(scheduler().now()));
        }
        void address_claimed(ip4_address a, bool ours)
            requires(probes_addresses<Stack>())
        {
            if (!client_->has_lease()) return;
            if (a != client_->lease().address) return put_into_effect();
            if (ours) return os_[port::ip].configure(client_->lease().own(), client_->lease().router);
            ++counters_->declined;
            apply(client_->decline(scheduler().now()));
        }

        [[gnu::noinline]] void receive_udp(packet&& payload, const udp_datagram& d) {
            dhcp_reply r;
            if (!parse_dhcp(payload.contents(), r) || d.from_port != dhcp_server_port) {
                ++counters_->malformed;
                return;
            }
            const auto* step = config::in_register(*client_).on_reply(r, scheduler().now());
            if (step == nullptr) {
                ++counters_->ignored;
                return;
            }
            if constexpr (Limits.domain != 0) {
                if (r.type == dhcp_type::ack) {
                    domain_.size = detail::gather_dhcp_option(payload.contents(), r.overload, 15, 0, domain_.text);
                    if (domain_.size > Limits.domain) domain_.size = 0;
                }
            }
            // OFFER is 2, ACK 5, NAK 6.
            count(counters_->offers, static_cast<unsigned>(r.type) / 2 - 1);
            apply(*step);
        }

        struct counters_type {
            static constexpr std::string_view names = "sent offers acks naks malformed ignored lost declined not_sent";
            std::uint32_t sent = 0;
            std::uint32_t offers = 0;     ///< accepted
            std::uint32_t acks = 0;       ///< accepted
            std::uint32_t naks = 0;       ///< the server refused
            std::uint32_t malformed = 0;  ///< not a DHCP reply
            std::uint32_t ignored = 0;    ///< for another client or transaction, unasked, or of no use
            std::uint32_t lost = 0;       ///< leases that ended or were taken away
            std::uint32_t declined = 0;   ///< since somebody else had the address
            std::uint32_t not_sent = 0;   ///< dropped below, or for want of a packet; sent again later
        };
        const counters_type& counters() const { return *counters_; }

    private:
        struct nothing {};
        struct domain_name {
            std::array<std::byte, Limits.domain> text;
            std::size_t size = 0;
        };

        bool begin() {
            std::uint64_t seed = 0;
            if (!os_[port::entropy].fill(std::as_writable_bytes(std::span(&seed, 1)))) return false;
            client_->start(os_[port::link].address(), seed);
            go_on();
            return true;
        }

        void go_on() { apply(client_->on_time(scheduler().now())); }

        [[gnu::noinline]] void apply(const dhcp_client::step& s) {
            auto& ip = os_[port::ip];
            if (client_->has_lease()) {
                put_into_effect();
            } else if (!ip.address().is_unspecified()) {
                ++counters_->lost;
                ip.configure({}, {});
            }
            if (s.send.type != dhcp_type::none) ++(send(s.send, s.to) ? counters_->sent : counters_->not_sent);
            cancel();
            if (s.wake != instant::never()) scheduler().timers.arm(*this, s.wake);
        }

        void put_into_effect() {
            const dhcp_lease& l = client_->lease();
            if constexpr (probes_addresses<Stack>()) {
                auto& arp = os_[port::neighbour];
                if (os_[port::ip].address() != l.address) {
                    if (!arp.probing()) arp.probe(l.address);
                    return;
                }
            }
            os_[port::ip].configure(l.own(), l.router);
        }

        bool send(const dhcp_request& q, ip4_address to) {
            outgoing message = os_[port::packets].store().take_outgoing();
            if (!message.head) return false;
            emit(q, message.head.push_back(dhcp_request_size).data());
            return os_[port::udp].send(to, dhcp_server_port, dhcp_client_port, std::move(message)).has_value();
        }

        static void fire(timer& t) { static_cast<in&>(t).go_on(); }

        [[no_unique_address]] stack_link<Stack> os_;
        zeroed<counters_type> counters_;
        zeroed<dhcp_client> client_;
        [[no_unique_address]] std::conditional_t<Limits.domain == 0, nothing, domain_name> domain_;
    };
};
using dhcp = dhcp_with<dhcp_limits{}>;

}  // namespace uk::net
