// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/event.hpp>
#include <uk/net/count.hpp>
#include <uk/net/ethernet_wire.hpp>
#include <uk/net/ipv4_reassembly.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/offload.hpp>
#include <uk/part.hpp>
#include <uk/result.hpp>
#include <uk/stack_link.hpp>
#include <uk/zeroed.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace uk::net {

struct ipv4_limits {
    /// Time to live of what we send (RFC 1122 section 3.2.1.7).
    std::uint8_t ttl = 64;
    /// Datagrams put together from fragments at one time, each in a packet buffer, in all and from one source; a new
    /// one takes the place of the oldest. With 0 fragments are dropped. The largest payload is that of a packet buffer
    /// less uk::packet_headroom: 1,552 octets with the default uk::packets<>.
    std::size_t reassemblies = 0;
    std::size_t reassemblies_per_source = 2;
    /// How long the fragments of a datagram are waited for (RFC 1122 section 3.3.2).
    unsigned reassembly_seconds = 60;
    /// Groups (RFC 1112) that may be joined at one time; with 0 groups are neither sent to nor received. And the time
    /// to live of what is sent to them (section 6.1: 1, so that it stays on the link).
    std::size_t groups = 0;
    std::uint8_t group_ttl = 1;
};

/// The internet protocol, version 4 (RFC 791, RFC 1122 section 3), of a host with one address. A datagram goes to the
/// stack's object with its `static constexpr std::uint8_t ip_protocol`, as
/// `receive_datagram(packet&& payload, const ipv4_datagram&)`.
/// Fragments are put together where `reassemblies` says so, as ipv4_partial.hpp and ipv4_reassembly.hpp tell.
/// With `groups` it sends to groups, and receives from those that were joined; members that are told of it
/// (`group_joined`, `group_left`: net::igmp) tell routers.
/// Not obeyed: options are skipped (a source route is
/// refused), nothing is looped back.
template <ipv4_limits Limits = {}>
struct ipv4 {
    static constexpr bool reassembles = Limits.reassemblies > 0;
    using needs = std::conditional_t<reassembles, ports<port::link, port::neighbour, port::tasks, port::packets>,
                                     ports<port::link, port::neighbour, port::tasks>>;
    using provides = ports<port::ip>;
    static constexpr std::string_view name = "net::ipv4";

    static_assert(Limits.reassemblies == 0 || (Limits.reassemblies_per_source > 0 && Limits.reassembly_seconds > 0),
                  "net::ipv4: reassemblies_per_source and reassembly_seconds must be positive.");

    template <class Stack>
    class in {
    public:
        static constexpr std::uint16_t ethertype = 0x0800;

        explicit in(Stack& os) : os_(os) {}

        /// Takes the address `own` in its network from now on, and gives the former up. `router` carries everything to
        /// other networks; unspecified, there is none. An unspecified address leaves the host without one.
        void configure(cidr own, ip4_address router) {
            if (own == own_ && router == router_) return;
            own_ = own;
            router_ = router;
            os_[port::neighbour].set_address(own.address);
            configured_.notify_all(os_.scheduler());
        }

        ip4_address address() const { return own_.address; }
        cidr network() const { return own_; }
        ip4_address router() const { return router_; }
        /// Happens when address, network or router have changed: `while (ip.address().is_unspecified()) co_await
        /// ip.configured();`
        event& configured() { return configured_; }

        /// Receives what is sent to `group` from now on, until it is left as often as it was joined. Fails with
        /// `invalid` (no group) or `too_large` (more than the limit allows).
        result<> join(ip4_address group)
            requires(Limits.groups > 0)
        {
            if (!group.is_multicast()) return fail(error::invalid);
            membership* m = find_group(group);
            if (m == nullptr) m = find_group({});
            if (m == nullptr) return fail(error::too_large);
            m->group = group;
            if (m->members++ == 0) {
                os_.each([&](auto& object) {
                    if constexpr (requires { object.group_joined(group); }) object.group_joined(group);
                });
            }
            return {};
        }
        void leave(ip4_address group)
            requires(Limits.groups > 0)
        {
            membership* m = find_group(group);
            if (m == nullptr || m->members == 0 || --m->members != 0) return;
            m->group = {};
            os_.each([&](auto& object) {
                if constexpr (requires { object.group_left(group); }) object.group_left(group);
            });
        }
        /// The link asks whether a frame to that address is for us. All hosts are members of 224.0.0.1.
        bool wants_group(const mac& link)
            requires(Limits.groups > 0)
        {
            if (number_of(link) == number_of(group_link({0xe0000001}))) return true;
            for (const membership& m : groups_) {
                if (m.members != 0 && number_of(link) == number_of(group_link(m.group))) return true;
            }
            return false;
        }

        std::size_t mtu() const { return os_[port::link].mtu() - ipv4_header::size; }

        /// As the link's, where it has them; see port::frame.
        bool fills_checksums() const
            requires may_fill_checksums<provider_of<Stack, port::link>>
        {
            return os_[port::link].fills_checksums();
        }
        std::size_t segment_pieces() const
            requires may_segment<provider_of<Stack, port::link>>
        {
            return os_[port::link].segment_pieces();
        }
        static constexpr bool marks_checksums()
            requires may_mark_checksums<provider_of<Stack, port::link>>
        {
            return true;
        }

        /// Fails with `too_large`, `unreachable` (no address, no route, or a destination that cannot be sent to) or
        /// `no_buffers` (dropped on the link). Success promises no delivery. Without an address only the limited
        /// broadcast can be sent to.
        result<> send(ip4_address to, std::uint8_t protocol, outgoing&& payload) {
            const std::size_t length = ipv4_header::size + payload.size();
            if (length > os_[port::link].mtu()) {
                ++counters_->too_large;
                return fail(error::too_large);
            }
            const ip4_address hop = next_hop(to);
            if (hop.is_unspecified()) {
                ++counters_->no_route;
                return fail(error::unreachable);
            }
            ipv4_header h;
            h.total_length = static_cast<std::uint16_t>(length + piece_octets(os_[port::link], payload));
            h.ttl = is_group(hop) ? Limits.group_ttl : Limits.ttl;
            h.protocol = protocol;
            h.traffic_class = payload.traffic_class;
            // Nobody may fragment it, so the identification says nothing (RFC 6864 section 4.1); one that counts would
            // tell strangers how much we send to others.
            h.fragment = ipv4_header::dont_fragment;
            h.source = own_.address;
            h.destination = to;
            emit(h, payload.head.push_front(ipv4_header::size).data());
            const bool sent = is_group(hop) ? os_[port::link].send(group_link(hop), ethertype, std::move(payload))
                              : hop == ip4_address::broadcast()
                                  ? os_[port::link].send(mac::broadcast(), ethertype, std::move(payload))
                                  : os_[port::neighbour].send_to(hop, std::move(payload));
            if (!sent) {
                ++counters_->link_dropped;
                return fail(error::no_buffers);
            }
            ++counters_->sent;
            return {};
        }

        /// What was sent to `to` seems not to arrive: where the next hop can be asked whether it is still there, it is
        /// (RFC 1122 section 3.3.1.4).
        void doubt(ip4_address to) {
            if constexpr (requires { os_[port::neighbour].doubt(to); }) os_[port::neighbour].doubt(next_hop(to));
        }

        void receive_frame(packet&& p, const ethernet_header& link) {
            ipv4_datagram d;
            const ipv4_fault fault = parse_ipv4(p.contents(), d);
            if (fault != ipv4_fault::none) {
                settle_sum(os_[port::link], p);
                if (fault == ipv4_fault::options) tell_of_options(p, d, link);
                return count(counters_->truncated, static_cast<unsigned>(fault) - 1);
            }
            p.truncate(d.total_length);
            d.original = std::as_const(p).contents();
            p.pop_front(d.header_length);
            const bool broadcast = is_broadcast(d.destination);
            d.group = broadcast || link.destination.is_group();
            // RFC 1122 section 3.2.1.3: a source is one host, and not us.
            if (!d.source.is_unicast() || is_broadcast(d.source) || d.source == own_.address) {
                ++counters_->bad_source;
            } else if (!(broadcast || is_for_us(d, p))) {
                ++counters_->not_for_us;
            } else if (d.is_fragment()) {
                ++counters_->fragments;
                settle_sum(os_[port::link], p);
                if constexpr (reassembles) {
                    if (reassembly_.take(p, d, os_[port::packets].store(), os_.scheduler(), *counters_)) {
                        deliver(std::move(p), d);
                    }
                }
            } else {
                deliver(std::move(p), d);
            }
        }

        struct basic_counters {
            static constexpr std::string_view names =
                "received sent truncated bad_version bad_header bad_length bad_checksum "
                "bad_options source_route bad_source not_for_us fragments unknown_protocol "
                "too_large no_route link_dropped";
            std::uint32_t received = 0;
            std::uint32_t sent = 0;
            // Those of ipv4_fault, in its order.
            std::uint32_t truncated = 0;  ///< shorter than a header
            std::uint32_t bad_version = 0;
            std::uint32_t bad_header = 0;  ///< impossible header length
            std::uint32_t bad_length = 0;  ///< total length less than the header or beyond the frame
            std::uint32_t bad_checksum = 0;
            std::uint32_t bad_options = 0;
            std::uint32_t source_route = 0;  ///< refused
            std::uint32_t bad_source = 0;    ///< from a group, no host or us
            std::uint32_t not_for_us = 0;
            std::uint32_t fragments = 0;         ///< dropped, unless they are put together
            std::uint32_t unknown_protocol = 0;  ///< no object answers to it
            std::uint32_t too_large = 0;         ///< to send, more than the link carries
            std::uint32_t no_route = 0;          ///< to send, nowhere to send it to
            std::uint32_t link_dropped = 0;      ///< to send, refused by the link
        };
        struct more_counters : basic_counters, ipv4_reassembly_counters {
            static constexpr std::string_view names =
                "received sent truncated bad_version bad_header bad_length bad_checksum "
                "bad_options source_route bad_source not_for_us fragments unknown_protocol "
                "too_large no_route link_dropped reassembled reassembly_timed_out reassembly_evicted "
                "bad_fragment overlapping larger_than_buffer no_buffer";
        };
        using counters_type = std::conditional_t<reassembles, more_counters, basic_counters>;
        const counters_type& counters() const { return *counters_; }

    private:
        bool has_address() const { return !own_.address.is_unspecified(); }

        // The limited broadcast, or that of our network.
        bool is_broadcast(ip4_address a) const {
            return a == ip4_address::broadcast() || (has_address() && a == own_.broadcast());
        }

        // RFC 1122 section 3.3.1.1. Unspecified when there is no way, the limited broadcast for every broadcast.
        ip4_address next_hop(ip4_address to) const {
            if (is_broadcast(to)) return ip4_address::broadcast();
            if (has_address() && is_group(to)) return to;
            if (!has_address() || !to.is_unicast() || to == own_.address) return {};
            return own_.contains(to) ? to : router_;
        }

        // Where there are groups.
        static bool is_group(ip4_address a) { return Limits.groups > 0 && a.is_multicast(); }

        struct membership {
            ip4_address group;  // unspecified: free
            std::uint32_t members = 0;
        };
        membership* find_group(ip4_address group) {
            for (membership& m : groups_) {
                if (m.group == group) return &m;
            }
            return nullptr;
        }

        bool is_for_us(const ipv4_datagram& d, const packet& payload) {
            if constexpr (Limits.groups > 0) {
                // Sent to a group on the link, too: who is a member may have left meanwhile.
                if (is_group(d.destination)) {
                    return d.group && (d.destination.value == 0xe0000001 || find_group(d.destination) != nullptr);
                }
            }
            // RFC 1122 section 3.3.6: sent to all on the link, a datagram must be meant for all.
            if (has_address()) return d.destination == own_.address && !d.group;
            // RFC 2131 section 4.1: a server may answer to the address that it offers, which is not ours yet.
            return d.protocol == protocol_udp && payload.size() >= 4 &&
                   load_be<std::uint16_t>(payload.data() + 2) == 68;
        }

        // RFC 1122 section 3.2.2.5, where icmp is asked to: of what came to us alone, and is no later fragment.
        void tell_of_options(const packet& p, ipv4_datagram& d, const ethernet_header& link) {
            os_.each([&](auto& object) {
                if constexpr (requires { object.parameter_problem(d, 0U); }) {
                    d.original = p.contents().first(d.total_length);
                    d.group = d.destination != own_.address || link.destination.is_group();
                    if (!d.source.is_unicast() || is_broadcast(d.source) || d.fragment_offset() != 0) return;
                    std::size_t at;
                    check_ipv4_options(d.original.first(d.header_length).subspan(ipv4_header::size), at);
                    object.parameter_problem(d, static_cast<unsigned>(ipv4_header::size + at));
                }
            });
        }

        void deliver(packet&& payload, const ipv4_datagram& d) {
            ++counters_->received;
            if (d.protocol != protocol_tcp && d.protocol != protocol_udp) settle_sum(os_[port::link], payload);
            bool taken = false;
            os_.each([&](auto& object) {
                if constexpr (requires { object.ip_protocol; }) {
                    if (object.ip_protocol != d.protocol || taken) return;
                    taken = true;
                    object.receive_datagram(std::move(payload), d);
                }
            });
            if (taken) return;
            settle_sum(os_[port::link], payload);
            ++counters_->unknown_protocol;
            // RFC 1122 section 3.2.2.1: code 2.
            os_.each([&](auto& object) {
                if constexpr (requires { object.protocol_unreachable(d); }) object.protocol_unreachable(d);
            });
        }

        struct empty {};
        struct nothing {
            nothing(auto&&...) {}
        };
        using reassembly =
            ipv4_reassembly<Limits.reassemblies, Limits.reassemblies_per_source, Limits.reassembly_seconds>;

        // RFC 1122 section 3.3.2.
        static void timed_out(const ipv4_datagram& d, void* self) {
            static_cast<in*>(self)->os_.each([&](auto& object) {
                if constexpr (requires { object.reassembly_timed_out(d); }) object.reassembly_timed_out(d);
            });
        }

        [[no_unique_address]] stack_link<Stack> os_;
        cidr own_;
        ip4_address router_;
        event configured_;
        zeroed<counters_type> counters_;
        using memberships = std::array<membership, Limits.groups>;
        [[no_unique_address]] std::conditional_t<(Limits.groups > 0), memberships, empty> groups_;
        [[no_unique_address]] std::conditional_t<reassembles, reassembly, nothing> reassembly_{&timed_out, this};
    };
};

}  // namespace uk::net
