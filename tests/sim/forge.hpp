// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "segment.hpp"
#include "watch.hpp"

#include <cstddef>
#include <cstdint>

namespace stage {

/// A frame with one segment and `text` octets of rubbish, with right checksums.
inline uk::sim::frame frame_with(const uk::mac& to_link, uk::ip4_address from, uk::ip4_address to,
                                 const uk::net::tcp_segment& s, std::size_t text) {
    const std::size_t header = uk::net::header_octets(s);
    uk::sim::frame f(detail::ip_at + 20 + header + text, std::byte{0x55});
    uk::net::emit_ethernet(to_link, uk::mac{{2, 0, 0, 0, 0, 1}}, 0x0800, f.data());
    uk::net::ipv4_header ip;
    ip.total_length = static_cast<std::uint16_t>(20 + header + text);
    ip.protocol = uk::net::protocol_tcp;
    ip.source = from;
    ip.destination = to;
    uk::net::emit(ip, f.data() + detail::ip_at);
    std::byte* at = f.data() + detail::ip_at + 20;
    uk::net::emit(s, at);
    const uk::bytes content(at, header + text);
    const auto sum = uk::net::pseudo_header(from, to, uk::net::protocol_tcp, content.size()).add(content).value();
    uk::store_be(at + uk::net::tcp_checksum_offset, sum);
    return f;
}

/// What a stranger sends who knows both ends of a connection (RFC 5961): a RST in the window but not at its edge, a
/// SYN, or text whose acknowledgment cannot be right. None of it may disturb the connection.
inline uk::sim::frame forged(uk::sim::random& r, const watcher::known_end& e, const uk::mac& to_link) {
    namespace flag = uk::net::tcp_flag;
    uk::net::tcp_segment s;
    s.source_port = e.from_port;
    s.destination_port = e.to_port;
    s.sequence.value = e.next + r.between(1, 1'000);
    s.acknowledgment.value = static_cast<std::uint32_t>(r.next());
    s.window = static_cast<std::uint16_t>(r.next());
    std::size_t text = 0;
    switch (r.below(4)) {
        case 0: s.flags = flag::rst; break;
        case 1: s.flags = flag::rst | flag::ack; break;
        case 2: s.flags = flag::syn; break;
        default: s.flags = flag::ack | flag::psh; text = r.between(1, 500);
    }
    return frame_with(to_link, e.from, e.to, s, text);
}

}  // namespace stage
