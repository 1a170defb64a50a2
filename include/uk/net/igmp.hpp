// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/count.hpp>
#include <uk/net/ethernet_wire.hpp>
#include <uk/net/igmp_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
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
#include <utility>

namespace uk::net {

struct igmp_limits {
    /// Groups that are reported; others are received where the network brings them unasked.
    std::size_t groups = 8;
};

/// Tells routers which groups are received here (RFC 3376, and RFC 2236 while a router of version 2 asks): twice when
/// one is joined, when a router asks, after a random time, and when it is left. Without it groups of one link work, but
/// a switch that looks into IGMP, or a router, does not bring them.
/// Not obeyed: version 1 routers are answered as those of version 2; sources are not chosen (RFC 3376 section 3); an
/// answer to a general query is one report for each group.
template <igmp_limits Limits = {}>
struct igmp {
    using needs = ports<port::link, port::ip, port::packets, port::tasks>;
    using provides = ports<>;
    static constexpr std::string_view name = "net::igmp";

    static_assert(Limits.groups > 0, "net::igmp: groups must be positive.");

    template <class Stack>
    class in : timer {
    public:
        static constexpr std::uint8_t ip_protocol = protocol_igmp;

        explicit in(Stack& os)
            : timer(&fire), os_(os), random_(number_of(os[port::link].address()) * 6364136223846793005) {}

        /// The internet layer calls them when a group has its first member here, and when the last has left.
        void group_joined(ip4_address group) {
            if (group == all_hosts) return;  // RFC 2236 section 6: never reported
            entry* e = find({});
            if (e == nullptr) return;
            e->group = group;
            e->again = true;
            report(*e, igmp3_record::to_exclude);
            // RFC 3376 section 5.1: once more within the unsolicited report interval; 10 s in version 2.
            due(*e, old_router() ? 100 : 10);
        }
        void group_left(ip4_address group) {
            entry* e = find(group);
            if (e == nullptr || group.is_unspecified()) return;
            if (old_router()) {
                send(igmp_type::leave, {}, group, all_routers);
            } else {
                report(*e, igmp3_record::to_include);
            }
            *e = {};
        }

        [[gnu::noinline]] void receive_datagram(packet&& message, const ipv4_datagram& d) {
            igmp_message m;
            igmp_fault fault = parse_igmp(message.contents(), m);
            // RFC 3376 section 4.1.12 and 9.1: from a router of this link, to all or to the group.
            if (fault == igmp_fault::none && (d.ttl != 1 || !d.destination.is_multicast())) fault = igmp_fault::ignored;
            if (fault != igmp_fault::none) return count(counters_->truncated, static_cast<unsigned>(fault) - 1);
            if (m.type == igmp_type::query) {
                ++counters_->queries;
                if (m.version < 3) old_until_ = now() + std::chrono::seconds(260);  // RFC 3376 section 8.12
                for (entry& e : entries_) {
                    const bool meant = m.group.is_unspecified() || m.group == e.group;
                    if (meant && !e.group.is_unspecified()) due(e, m.longest_wait);
                }
            } else if (entry* e = find(m.group); e != nullptr && old_router()) {
                // RFC 2236 section 3: somebody else has answered.
                ++counters_->others;
                e->at = instant::never();
            }
        }

        struct counters_type {
            static constexpr std::string_view names =
                "sent queries others truncated bad_checksum bad_group ignored not_sent";
            std::uint32_t sent = 0;
            std::uint32_t queries = 0;
            std::uint32_t others = 0;  ///< reports of our groups by other hosts
            // Those of igmp_fault, in its order.
            std::uint32_t truncated = 0;  ///< shorter than it says
            std::uint32_t bad_checksum = 0;
            std::uint32_t bad_group = 0;  ///< not a group's address
            std::uint32_t ignored = 0;    ///< of no meaning to a host, or from another link
            std::uint32_t not_sent = 0;   ///< dropped below, or for want of a packet
        };
        const counters_type& counters() const { return *counters_; }

    private:
        struct entry {
            ip4_address group;  // unspecified: free
            bool again = false;
            instant at = instant::never();  // when to report
        };

        instant now() { return os_.scheduler().now(); }
        bool old_router() { return now() < old_until_; }

        entry* find(ip4_address group) {
            for (entry& e : entries_) {
                if (e.group == group) return &e;
            }
            return nullptr;
        }

        // To be reported within `tenths` of a second, unless it is sooner already (RFC 2236 section 3).
        void due(entry& e, std::uint32_t tenths) {
            random_ = random_ * 6364136223846793005 + now().ns + 1442695040888963407;
            const instant at{now().ns + (random_ >> 32) * tenths / 43};  // 2^32 / 43 is 0.1 s
            if (at >= e.at) return;
            e.at = at;
            wake();
        }

        void wake() {
            instant next = instant::never();
            for (const entry& e : entries_) next = e.at < next ? e.at : next;
            if (next != instant::never()) os_.scheduler().timers.arm(*this, next);
        }

        static void fire(timer& t) { static_cast<in&>(t).report_due(); }
        void report_due() {
            for (entry& e : entries_) {
                if (e.at > now()) continue;
                e.at = instant::never();
                report(e, std::exchange(e.again, false) ? igmp3_record::to_exclude : igmp3_record::is_exclude);
            }
            wake();
        }

        void report(const entry& e, igmp3_record record) {
            if (old_router()) {
                send(igmp_type::report2, {}, e.group, e.group);
            } else {
                send(igmp_type::report3, record, e.group, all_igmp3_routers);
            }
        }

        void send(igmp_type type, igmp3_record record, ip4_address group, ip4_address to) {
            outgoing message = os_[port::packets].store().take_outgoing();
            bool sent = false;
            if (message.head) {
                const bool version3 = type == igmp_type::report3;
                const std::size_t size = version3 ? igmp3_size : igmp2_size;
                std::byte* at = message.head.push_back(igmp_ip_header + size).data();
                emit_igmp_ip(os_[port::ip].address(), to, ++next_id_, size, at);
                version3 ? emit_igmp3(record, group, at + igmp_ip_header)
                         : emit_igmp2(type, group, at + igmp_ip_header);
                sent = os_[port::link].send(group_link(to), 0x0800, std::move(message));
            }
            ++(sent ? counters_->sent : counters_->not_sent);
        }

        [[no_unique_address]] stack_link<Stack> os_;
        std::uint64_t random_;
        instant old_until_;
        std::uint16_t next_id_ = 0;
        zeroed<counters_type> counters_;
        std::array<entry, Limits.groups> entries_;
    };
};

}  // namespace uk::net
