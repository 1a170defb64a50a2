// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "actor.hpp"
#include "segment.hpp"

#include <uk/bytes.hpp>

#include <cstdint>

namespace stage {

/// Two hosts that call each other at once open one connection only if each calls the very port that the other calls
/// from, and those are chosen by their stacks. So something stands between them that translates, as a NAT does: host 0
/// calls port 101 of host 1, which calls port 102 of host 0. What happens then on either side is a simultaneous open.
class crossing {
public:
    /// Translates a frame from `from` to what the other host must see; false when it cannot, and the frame is lost.
    bool pass(unsigned from, uk::sim::frame& f) {
        const auto seen = segment_in(f);
        if (!seen || !concerns(*seen, from)) return true;
        if (seen->whole) own_[from] = seen->s.source_port;
        if (own_[1 - from] == 0) return false;
        set_ports(f, met_by[1 - from], own_[1 - from]);
        return true;
    }

    /// One name for the ends of the connection, whoever sees it: so that a bystander can follow both sides.
    static void unify(seen_segment& x, unsigned seat, bool sent) {
        if (seat > 1) return;
        if (sent && x.s.destination_port == met_by[seat]) x.s.source_port = met_by[1 - seat];
        if (!sent && x.s.source_port == met_by[seat]) x.s.destination_port = met_by[1 - seat];
    }

    static bool unified(std::uint16_t port) { return port == met_by[0] || port == met_by[1]; }

private:
    static bool concerns(const seen_segment& x, unsigned from) { return x.s.destination_port == met_by[from]; }

    // The sum of the segment changes with its words (RFC 1624): a wrong one stays wrong.
    static void set_ports(uk::sim::frame& f, std::uint16_t from, std::uint16_t to) {
        std::byte* at = f.data() + detail::ip_at + std::to_integer<std::size_t>(f[detail::ip_at] & std::byte{15}) * 4;
        std::uint32_t sum = static_cast<std::uint16_t>(~uk::load_be<std::uint16_t>(at + 16));
        sum += static_cast<std::uint16_t>(~uk::load_be<std::uint16_t>(at));
        sum += static_cast<std::uint16_t>(~uk::load_be<std::uint16_t>(at + 2));
        sum += std::uint32_t{from} + to;
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        uk::store_be(at, from);
        uk::store_be(at + 2, to);
        uk::store_be(at + 16, static_cast<std::uint16_t>(~sum));
    }

    std::uint16_t own_[2]{};  // the port that each host calls from
};

}  // namespace stage
