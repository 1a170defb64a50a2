// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_random.hpp>
#include <uk/arch/sim_world.hpp>
#include <uk/net/checksum.hpp>
#include <uk/net/ethernet_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/tcp_wire.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace stage {

/// A TCP segment in its frame. The options that matter to a bystander are read here, not by the code under test.
struct seen_segment {
    uk::ip4_address from;
    uk::ip4_address to;
    uk::net::tcp_segment s;
    unsigned mss = 536;
    unsigned shift = 0;  ///< of the window, where a SYN says so
    bool scales = false;
    bool whole = false;  ///< both checksums are right
};

namespace detail {

inline constexpr std::size_t ip_at = uk::net::ethernet_header::size;

inline void read_options(uk::bytes options, seen_segment& seen) {
    for (std::size_t at = 0; at < options.size();) {
        const auto kind = std::to_integer<unsigned>(options[at]);
        if (kind == 0) return;
        if (kind == 1) {
            ++at;
            continue;
        }
        if (at + 1 >= options.size()) return;
        const auto size = std::to_integer<std::size_t>(options[at + 1]);
        if (size < 2 || at + size > options.size()) return;
        if (kind == 2 && size == 4) seen.mss = uk::load_be<std::uint16_t>(options.data() + at + 2);
        if (kind == 3 && size == 3) {
            seen.scales = true;
            seen.shift = std::to_integer<unsigned>(options[at + 2]);
        }
        at += size;
    }
}

/// Octets of the IPv4 header and of the datagram in a frame; nothing when it holds none that makes sense.
struct extent {
    std::size_t header;
    std::size_t total;
};
inline std::optional<extent> datagram_in(uk::bytes frame) {
    if (frame.size() < ip_at + 20 || uk::load_be<std::uint16_t>(frame.data() + 12) != 0x0800) return {};
    const auto first = std::to_integer<unsigned>(frame[ip_at]);
    const extent e{(first & 15) * std::size_t{4}, uk::load_be<std::uint16_t>(frame.data() + ip_at + 2)};
    if (first >> 4 != 4 || e.header < 20 || e.total < e.header || ip_at + e.total > frame.size()) return {};
    return e;
}

inline bool header_sum_right(uk::bytes frame, const extent& e) {
    return uk::net::checksum().add(frame.subspan(ip_at, e.header)).value() == 0;
}
inline bool text_sum_right(uk::bytes frame, const extent& e) {
    const uk::bytes content = frame.subspan(ip_at + e.header, e.total - e.header);
    const uk::ip4_address from{uk::load_be<std::uint32_t>(frame.data() + ip_at + 12)};
    const uk::ip4_address to{uk::load_be<std::uint32_t>(frame.data() + ip_at + 16)};
    return uk::net::pseudo_header(from, to, uk::net::protocol_tcp, content.size()).add(content).value() == 0;
}

}  // namespace detail

/// The segment in a frame; nothing when it holds something else.
inline std::optional<seen_segment> segment_in(uk::bytes frame) {
    const auto e = detail::datagram_in(frame);
    if (!e || std::to_integer<unsigned>(frame[detail::ip_at + 9]) != uk::net::protocol_tcp) return {};
    const uk::bytes content = frame.subspan(detail::ip_at + e->header, e->total - e->header);
    seen_segment seen;
    if (!uk::net::parse_tcp(content, seen.s)) return {};
    seen.from = {uk::load_be<std::uint32_t>(frame.data() + detail::ip_at + 12)};
    seen.to = {uk::load_be<std::uint32_t>(frame.data() + detail::ip_at + 16)};
    seen.whole = detail::header_sum_right(frame, *e) && detail::text_sum_right(frame, *e);
    detail::read_options(content.subspan(20, seen.s.header - 20U), seen);
    return seen;
}

/// Flips one to three bits behind the Ethernet header of a frame with TCP. False, and the frame is to be lost, for
/// other frames, whose check sequence would have shown it, and where the damage cancels out in a checksum.
inline bool flip_bits(uk::sim::random& r, uk::sim::frame& f) {
    const auto before = detail::datagram_in(f);
    if (!before || std::to_integer<unsigned>(f[detail::ip_at + 9]) != uk::net::protocol_tcp) return false;
    bool in_header = false;
    for (std::uint32_t n = r.between(1, 3); n != 0; --n) {
        const std::uint32_t bit = r.below(static_cast<std::uint32_t>(before->total * 8));
        in_header |= bit / 8 < before->header;
        f[detail::ip_at + bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
    const auto after = detail::datagram_in(f);
    if (!after) return true;
    return in_header ? !detail::header_sum_right(f, *after) : !detail::text_sum_right(f, *after);
}

}  // namespace stage
