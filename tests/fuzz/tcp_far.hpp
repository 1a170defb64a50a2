// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "frame.hpp"

#include <uk/net/tcp_wire.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace fuzz {

/// What the far end of a connection knows, and how it speaks.
struct far_end {
    std::uint16_t own_port = 4'000;
    std::uint16_t port = 80;
    bool heard = false;
    std::uint32_t next = 0;      ///< the place of the next octet that it says
    std::uint32_t said = 0;      ///< one past the last octet that it ever said
    std::uint32_t expected = 0;  ///< the place of the next octet of the stack
    std::uint32_t stamp = 0;     ///< the stack's latest
    std::uint32_t edge = 0;      ///< the right edge of the stack's window as it was last told
    std::uint8_t shift = 0;      ///< of the stack's windows
    bool told = false;
    octets last;  ///< the stack's last segment with its internet header

    /// What the stack says is well-formed, and its window's right edge never moves back by more than a unit of its
    /// scale (RFC 7323 section 2.4).
    void hear(uk::bytes frame, const sent_frame& f) {
        net::tcp_segment s;
        if (!f.is(net::protocol_tcp)) return;
        require(net::parse_tcp(f.payload, s).has_value(), "a sent segment's header");
        require(!s.has(net::tcp_flag::syn) || !s.has(net::tcp_flag::fin | net::tcp_flag::rst), "a SYN comes alone");
        require(s.text <= 1460, "a sent segment's text");
        last.assign(frame.begin() + 14, frame.end());
        if (s.source_port != port || s.destination_port != own_port || s.has(net::tcp_flag::rst)) return;
        if (s.has(net::tcp_flag::syn)) {
            heard = true;
            told = false;
            expected = s.sequence.value + 1;
            shift = s.options.shift == net::tcp_options::no_shift || !offers_shift ? 0 : s.options.shift;
            if (s.has(net::tcp_flag::ack)) return;
        }
        // Another connection, whose SYN found no way out yet.
        if (s.sequence - net::seq{expected - (1U << 20)} > (2U << 20)) told = false;
        const net::seq end = s.sequence + s.length();
        if (heard && end > net::seq{expected} && end - net::seq{expected} < (1U << 20)) expected = end.value;
        if (s.options.stamped) stamp = s.options.stamp;
        if (s.has(net::tcp_flag::syn) || !s.has(net::tcp_flag::ack)) return;
        const net::seq right = s.acknowledgment + (s.window << shift);
        if (told) {
            const net::seq before{edge};
            require(right >= before || before - right < (1U << shift), "a window is not taken back");
        }
        if (!told || right > net::seq{edge}) edge = right.value;
        told = true;
    }

    /// A segment from here. `options` are whole words.
    octets segment(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment, std::uint16_t window,
                   uk::bytes options, uk::bytes text, std::uint16_t urgent = 0) const {
        octets s(20);
        uk::store_be(s.data(), own_port);
        uk::store_be(s.data() + 2, port);
        uk::store_be(s.data() + 4, sequence);
        uk::store_be(s.data() + 8, acknowledgment);
        s[12] = static_cast<std::byte>((5 + options.size() / 4) << 4);
        s[13] = std::byte{flags};
        uk::store_be(s.data() + 14, window);
        uk::store_be(s.data() + 18, urgent);
        append(s, options);
        append(s, text);
        return s;
    }
    bool offers_shift = false;
};

}  // namespace fuzz
