// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace uk::net {

/// Octets of a message's header: no name begins before them.
inline constexpr std::size_t dns_header_octets = 12;

/// A name as it is sent: labels, each behind its length, and the root's zero (RFC 1035 section 3.1).
struct dns_name {
    static constexpr std::size_t most = 255;
    static constexpr std::size_t most_in_label = 63;

    std::array<std::byte, most> octets;  // what is behind `size` means nothing
    std::uint8_t size = 0;

    constexpr bytes wire() const { return {octets.data(), size}; }
};

/// Reads `example.org`, with or without the root's dot: labels of 1 to 63 visible ASCII characters, 253 in all. False
/// for anything else; then `out` means nothing. There are no search domains and no escapes.
constexpr bool parse_dns_name(std::string_view text, dns_name& out) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > dns_name::most - 2) return false;
    // Each character lies one further on than in the text, since a length comes first; dots become lengths.
    std::size_t label = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i < text.size() ? text[i] : '.';
        if (c <= ' ' || c > '~') return false;
        out.octets[i + 1] = static_cast<std::byte>(c);
        if (c != '.') continue;
        if (i == label || i - label > dns_name::most_in_label) return false;
        out.octets[label] = static_cast<std::byte>(i - label);
        label = i + 1;
    }
    out.octets[label] = std::byte{0};
    out.size = static_cast<std::uint8_t>(label + 1);
    return true;
}

/// ASCII letters in lower case, everything else as it is (RFC 4343). Lengths of labels are below the letters.
constexpr std::byte dns_lower(std::byte b) {
    return b >= std::byte{'A'} && b <= std::byte{'Z'} ? b | std::byte{0x20} : b;
}

/// Gives each letter the case that the bit of its place in `random` says (draft-vixie-dnsext-dns0x20, RFC 5452
/// section 9.2): a forger has to guess that too.
constexpr void mix_case(dns_name& name, std::span<const std::byte, 32> random) {
    for (std::size_t i = 0; i < name.size; ++i) {
        const bool letter = std::to_integer<unsigned>(name.octets[i] | std::byte{0x20}) - 'a' < 26;
        const bool flip = std::to_integer<unsigned>(random[i / 8] >> (i % 8)) % 2 != 0;
        if (letter && flip) name.octets[i] ^= std::byte{0x20};
    }
}

namespace detail {

/// The end of the name at `at`, as far as it lies there: behind its zero, or behind its first pointer. 0 when it is
/// malformed. Pointers lead strictly back, to names behind the header (RFC 1035 section 4.1.4), so that none is
/// followed twice, and are no more than labels can be.
[[gnu::noinline]] constexpr std::size_t dns_name_end(bytes message, std::size_t at) {
    std::size_t end = 0;
    std::size_t begin = at;  // of these labels: a pointer among them leads to before it
    std::size_t octets = 1;  // of the name in full
    unsigned pointers = 0;
    while (at < message.size()) {
        const auto length = std::to_integer<std::size_t>(message[at]);
        if (length == 0) return end != 0 ? end : at + 1;
        if (length <= dns_name::most_in_label) {
            octets += length + 1;
            if (octets > dns_name::most) return 0;
            at += length + 1;
            continue;
        }
        if (length < 0xc0 || message.size() - at < 2 || ++pointers > dns_name::most / 2) return 0;
        if (end == 0) end = at + 2;
        at = load_be<std::uint16_t>(message.data() + at) & 0x3fff;
        if (at < dns_header_octets || at >= begin) return 0;
        begin = at;
    }
    return 0;
}

/// Goes through the octets of a name in a message, which `dns_name_end` has found well-formed, as though it were not
/// compressed.
class dns_name_reader {
public:
    constexpr dns_name_reader(const std::byte* message, std::size_t at) : message_(message), at_(at) {}

    /// True where the next octet is a length.
    constexpr bool at_label() const { return left_ == 0; }
    constexpr std::byte next() {
        if (left_ == 0) {
            while (message_[at_] >= std::byte{0xc0}) at_ = load_be<std::uint16_t>(message_ + at_) & 0x3fff;
            left_ = std::to_integer<std::size_t>(message_[at_]) + 1;
        }
        --left_;
        return message_[at_++];
    }

private:
    const std::byte* message_;
    std::size_t at_;
    std::size_t left_ = 0;
};

/// True when the names at `a` in one message and at `b` in another, both well-formed, are the same.
[[gnu::noinline]] constexpr bool same_dns_name(const std::byte* in, std::size_t a, const std::byte* in_other,
                                               std::size_t b) {
    dns_name_reader one(in, a);
    dns_name_reader other(in_other, b);
    while (true) {
        const bool length = one.at_label();
        const std::byte octet = dns_lower(one.next());
        if (octet != dns_lower(other.next())) return false;
        if (length && octet == std::byte{0}) return true;
    }
}

}  // namespace detail

/// True for the same name, whatever the case of its letters.
constexpr bool same_dns_name(const dns_name& a, const dns_name& b) {
    return detail::same_dns_name(a.octets.data(), 0, b.octets.data(), 0);
}

/// The name at `at` in a message, where `dns_name_end` has found a well-formed one, in full.
constexpr void take_dns_name(bytes message, std::size_t at, dns_name& out) {
    detail::dns_name_reader in(message.data(), at);
    out.size = 0;
    while (true) {
        const bool length = in.at_label();
        const std::byte octet = in.next();
        out.octets[out.size++] = octet;
        if (length && octet == std::byte{0}) return;
    }
}

}  // namespace uk::net
