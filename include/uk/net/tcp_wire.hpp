// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/tcp_features.hpp>
#include <uk/result.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::net {

/// A place in the sequence space of one direction: arithmetic is modulo 2^32 (RFC 9293 section 3.4), comparison is
/// right for places less than 2^31 apart.
struct seq {
    std::uint32_t value = 0;

    friend constexpr seq operator+(seq a, std::uint32_t n) { return {a.value + n}; }
    /// Octets from `b` forward to `a`.
    friend constexpr std::uint32_t operator-(seq a, seq b) { return a.value - b.value; }
    friend constexpr bool operator==(seq, seq) = default;
    friend constexpr bool operator<(seq a, seq b) { return static_cast<std::int32_t>(a.value - b.value) < 0; }
    friend constexpr bool operator>(seq a, seq b) { return b < a; }
    friend constexpr bool operator<=(seq a, seq b) { return !(b < a); }
    friend constexpr bool operator>=(seq a, seq b) { return !(a < b); }
};
constexpr seq later(seq a, seq b) { return a < b ? b : a; }

/// Bits of `tcp_segment::flags`.
namespace tcp_flag {
inline constexpr std::uint8_t fin = 0x01;
inline constexpr std::uint8_t syn = 0x02;
inline constexpr std::uint8_t rst = 0x04;
inline constexpr std::uint8_t psh = 0x08;
inline constexpr std::uint8_t ack = 0x10;
inline constexpr std::uint8_t urg = 0x20;
inline constexpr std::uint8_t ece = 0x40;
inline constexpr std::uint8_t cwr = 0x80;
}  // namespace tcp_flag

/// What the options of a segment say. Unknown options are skipped (RFC 9293 MUST-6).
struct tcp_options {
    static constexpr std::uint8_t no_shift = 0xff;

    std::uint16_t mss = 0;          ///< 0: not told
    std::uint8_t shift = no_shift;  ///< of the windows that its sender tells (RFC 7323 section 2.2)
    bool sack_permitted = false;
    bool stamped = false;
    std::uint8_t blocks = 0;          ///< how many of SACK
    std::uint32_t stamp = 0;          ///< TSval
    std::uint32_t echo = 0;           ///< TSecr
    const std::byte* sack = nullptr;  ///< the blocks, as they are in the header: eight octets each
};

/// Octets [begin, end) of one direction.
struct tcp_range {
    seq begin;
    seq end;
};

/// A segment without its text, in host order.
struct tcp_segment {
    [[gnu::noinline]] constexpr tcp_segment() = default;

    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    seq sequence;
    seq acknowledgment;
    std::uint8_t flags = 0;
    bool marked = false;       ///< a router was congested (RFC 3168 section 5)
    std::uint8_t header = 20;  ///< octets of the header with its options
    std::uint16_t urgent = 0;  ///< where URG is set: from `sequence` to behind the urgent text
    std::uint32_t window = 0;  ///< 16 bits in the header; whoever knows the connection scales it
    std::uint32_t text = 0;    ///< octets behind the header
    tcp_options options;

    constexpr bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
    /// SEG.LEN: text, SYN and FIN each take their place in the sequence.
    constexpr std::uint32_t length() const {
        return text + (has(tcp_flag::syn) ? 1U : 0U) + (has(tcp_flag::fin) ? 1U : 0U);
    }
};

inline constexpr std::size_t tcp_header_octets = 20;
/// Octets of each option as we send it, filled up to words.
inline constexpr std::size_t tcp_mss_octets = 4;
inline constexpr std::size_t tcp_shift_octets = 4;
inline constexpr std::size_t tcp_sack_permitted_octets = 4;
inline constexpr std::size_t tcp_stamp_octets = 12;
inline constexpr std::size_t tcp_sack_octets = 4;  ///< and these for each block:
inline constexpr std::size_t tcp_block_octets = 8;

enum class tcp_fault : std::uint8_t {
    truncated,    ///< shorter than a header
    data_offset,  ///< less than 5 words or beyond the segment
    options,      ///< an option of impossible length
    port,         ///< port 0
};

namespace detail {

/// One option of at least two octets, `length` being right.
template <tcp_features F>
constexpr void take_tcp_option(const std::byte* at, std::size_t length, tcp_options& found) {
    const auto kind = std::to_integer<unsigned>(at[0]);
    if (kind == 2 && length == 4) found.mss = load_be<std::uint16_t>(at + 2);
    if constexpr (F.window_scale) {
        if (kind == 3 && length == 3) found.shift = std::to_integer<std::uint8_t>(at[2]);
    }
    if constexpr (F.sack) {
        if (kind == 4 && length == 2) found.sack_permitted = true;
        if (kind == 5 && length > 2 && length % tcp_block_octets == 2) {
            found.sack = at + 2;
            found.blocks = static_cast<std::uint8_t>(length / tcp_block_octets);
        }
    }
    if constexpr (F.timestamps) {
        if (kind == 8 && length == 10) {
            found.stamped = true;
            found.stamp = load_be<std::uint32_t>(at + 2);
            found.echo = load_be<std::uint32_t>(at + 6);
        }
    }
}

/// RFC 9293 section 3.1. An option whose length is below 2 or reaches beyond the header makes the segment malformed
/// (MUST-7); a known option of the wrong length is skipped.
template <tcp_features F>
constexpr result<void, tcp_fault> parse_tcp_options(bytes options, tcp_options& found) {
    std::size_t at = 0;
    while (at < options.size()) {
        const auto kind = std::to_integer<unsigned>(options[at]);
        if (kind == 0) break;
        if (kind == 1) {
            ++at;
            continue;
        }
        if (options.size() - at < 2) return fail(tcp_fault::options);
        const auto length = std::to_integer<std::size_t>(options[at + 1]);
        if (length < 2 || length > options.size() - at) return fail(tcp_fault::options);
        take_tcp_option<F>(options.data() + at, length, found);
        at += length;
    }
    return {};
}

/// A word that begins an option as we send it.
constexpr std::byte* put_tcp_word(std::byte* at, std::uint32_t word) {
    store_be(at, word);
    return at + 4;
}

}  // namespace detail

/// Block `i` of a SACK option.
constexpr tcp_range sack_block(const std::byte* blocks, unsigned i) {
    const std::byte* at = blocks + i * tcp_block_octets;
    return {{load_be<std::uint32_t>(at)}, {load_be<std::uint32_t>(at + 4)}};
}

/// Puts the header at the start of `octets`, which are a whole segment, into `s`, which is fresh; or says what is wrong
/// with it. The checksum is not looked at. On success `header <= octets.size()`, and `s.options.sack` points into
/// `octets`.
template <tcp_features F = tcp_everything>
[[gnu::noinline]] constexpr result<void, tcp_fault> parse_tcp(bytes octets, tcp_segment& s) {
    if (octets.size() < tcp_header_octets) return fail(tcp_fault::truncated);
    const std::byte* at = octets.data();
    const std::size_t header = (std::to_integer<std::size_t>(at[12]) >> 4) * 4;
    if (header < tcp_header_octets || header > octets.size()) return fail(tcp_fault::data_offset);
    s.source_port = load_be<std::uint16_t>(at);
    s.destination_port = load_be<std::uint16_t>(at + 2);
    if (s.source_port == 0 || s.destination_port == 0) return fail(tcp_fault::port);
    s.sequence.value = load_be<std::uint32_t>(at + 4);
    s.acknowledgment.value = load_be<std::uint32_t>(at + 8);
    s.header = static_cast<std::uint8_t>(header);
    s.flags = std::to_integer<std::uint8_t>(at[13] & std::byte{F.ecn ? 0xff : 0x3f});
    s.window = load_be<std::uint16_t>(at + 14);
    if constexpr (F.urgent) s.urgent = load_be<std::uint16_t>(at + 18);
    s.text = static_cast<std::uint32_t>(octets.size() - header);
    return detail::parse_tcp_options<F>(octets.subspan(tcp_header_octets, header - tcp_header_octets), s.options);
}

/// Octets of the header that `emit` writes.
template <tcp_features F = tcp_everything>
constexpr std::size_t header_octets(const tcp_segment& s) {
    const tcp_options& o = s.options;
    std::size_t octets = tcp_header_octets + (o.mss != 0 ? tcp_mss_octets : 0);
    if constexpr (F.window_scale) octets += o.shift != tcp_options::no_shift ? tcp_shift_octets : 0;
    if constexpr (F.timestamps) octets += o.stamped ? tcp_stamp_octets : 0;
    if constexpr (F.sack) {
        octets += o.sack_permitted ? tcp_sack_permitted_octets : 0;
        octets += o.blocks != 0 ? tcp_sack_octets + o.blocks * tcp_block_octets : 0;
    }
    return octets;
}

/// Writes the header to `at`, with a checksum of 0.
template <tcp_features F = tcp_everything>
[[gnu::noinline]] constexpr void emit(const tcp_segment& s, std::byte* at) {
    const tcp_options& o = s.options;
    store_be(at, s.source_port);
    store_be(at + 2, s.destination_port);
    store_be(at + 4, s.sequence.value);
    store_be(at + 8, s.acknowledgment.value);
    at[12] = static_cast<std::byte>(header_octets<F>(s) / 4 << 4);
    at[13] = std::byte{s.flags};
    store_be(at + 14, static_cast<std::uint16_t>(s.window));
    store_be(at + 16, std::uint32_t{F.urgent ? s.urgent : 0U});
    at += tcp_header_octets;
    if (o.mss != 0) at = detail::put_tcp_word(at, 0x0204'0000U | o.mss);
    if constexpr (F.window_scale) {
        if (o.shift != tcp_options::no_shift) at = detail::put_tcp_word(at, 0x0103'0300U | o.shift);
    }
    if constexpr (F.timestamps) {
        if (o.stamped) {
            at = detail::put_tcp_word(at, 0x0101'080aU);
            at = detail::put_tcp_word(at, o.stamp);
            at = detail::put_tcp_word(at, o.echo);
        }
    }
    if constexpr (F.sack) {
        if (o.sack_permitted) at = detail::put_tcp_word(at, 0x0101'0402U);
        if (o.blocks == 0) return;
        const std::size_t octets = o.blocks * tcp_block_octets;
        at = detail::put_tcp_word(at, 0x0101'0500U | static_cast<std::uint32_t>(octets + 2));
        copy({at, octets}, {o.sack, octets});
    }
}

/// Where the checksum stands in a header.
inline constexpr std::size_t tcp_checksum_offset = 16;

}  // namespace uk::net
