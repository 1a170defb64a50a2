// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
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
}  // namespace tcp_flag

/// What the options of a segment say; a value of 0 where they are silent. Unknown options are skipped (RFC 9293
/// MUST-6).
struct tcp_options {
    std::uint16_t mss = 0;
};

/// A segment without its text, in host order.
struct tcp_segment {
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    seq sequence;
    seq acknowledgment;
    std::uint8_t flags = 0;
    std::uint16_t window = 0;
    std::uint32_t text = 0;         ///< octets behind the header
    std::uint8_t header = 20;       ///< octets of the header with its options
    tcp_options options;

    constexpr bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
    /// SEG.LEN: text, SYN and FIN each take their place in the sequence.
    constexpr std::uint32_t length() const {
        return text + (has(tcp_flag::syn) ? 1U : 0U) + (has(tcp_flag::fin) ? 1U : 0U);
    }
};

inline constexpr std::size_t tcp_header_octets = 20;
/// Octets of the MSS option.
inline constexpr std::size_t tcp_mss_octets = 4;

enum class tcp_fault : std::uint8_t {
    truncated,    ///< shorter than a header
    data_offset,  ///< less than 5 words or beyond the segment
    options,      ///< an option of impossible length
    port,         ///< port 0
};

namespace detail {

/// RFC 9293 section 3.1. An option whose length is below 2 or reaches beyond the header makes the segment malformed
/// (MUST-7); a known option of the wrong length is skipped.
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
        if (kind == 2 && length == 4) found.mss = load_be<std::uint16_t>(options.data() + at + 2);
        at += length;
    }
    return {};
}

}  // namespace detail

/// Puts the header at the start of `octets`, which are a whole segment, into `s`, which is fresh; or says what is wrong
/// with it. The checksum is not looked at. On success `header <= octets.size()`.
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
    s.flags = std::to_integer<std::uint8_t>(at[13] & std::byte{0x3f});
    s.window = load_be<std::uint16_t>(at + 14);
    s.text = static_cast<std::uint32_t>(octets.size() - header);
    return detail::parse_tcp_options(octets.subspan(tcp_header_octets, header - tcp_header_octets), s.options);
}

/// Octets of the header that `emit` writes.
constexpr std::size_t header_octets(const tcp_segment& s) {
    return tcp_header_octets + (s.options.mss != 0 ? tcp_mss_octets : 0);
}

/// Writes the header to `at`, with a checksum of 0.
constexpr void emit(const tcp_segment& s, std::byte* at) {
    store_be(at, s.source_port);
    store_be(at + 2, s.destination_port);
    store_be(at + 4, s.sequence.value);
    store_be(at + 8, s.acknowledgment.value);
    at[12] = static_cast<std::byte>(header_octets(s) / 4 << 4);
    at[13] = std::byte{s.flags};
    store_be(at + 14, s.window);
    store_be(at + 16, std::uint32_t{0});
    if (s.options.mss != 0) {
        store_be(at + 20, std::uint16_t{0x0204});
        store_be(at + 22, s.options.mss);
    }
}

/// Where the checksum stands in a header.
inline constexpr std::size_t tcp_checksum_offset = 16;

}  // namespace uk::net
