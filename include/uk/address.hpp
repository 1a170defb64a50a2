// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/text.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace uk {

/// An Ethernet address (IEEE 802 MAC-48), octets in transmission order.
struct mac {
    std::array<std::uint8_t, 6> octets{};

    static constexpr mac broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
    /// Group bit: multicast and broadcast.
    constexpr bool is_group() const { return (octets[0] & 1) != 0; }

    friend constexpr bool operator==(const mac&, const mac&) = default;
};

/// An IPv4 address; `value` has the first octet of the dotted form on top.
struct ip4_address {
    std::uint32_t value = 0;

    static constexpr ip4_address broadcast() { return {0xffffffff}; }
    constexpr bool is_unspecified() const { return value == 0; }
    constexpr bool is_loopback() const { return value >> 24 == 127; }
    /// Class D, RFC 1112 section 4.
    constexpr bool is_multicast() const { return value >> 28 == 0xe; }
    /// Class E and the limited broadcast: never a host's address.
    constexpr bool is_reserved() const { return value >> 28 == 0xf; }
    /// Could be the address of one host.
    [[gnu::noinline]] constexpr bool is_unicast() const {
        const std::uint32_t top = value >> 24;
        return top != 127 && top - 1 < 0xe0 - 1;
    }

    friend constexpr auto operator<=>(ip4_address, ip4_address) = default;
};

/// A host's address with the length of its network's prefix, 0 to 32 bits.
struct cidr {
    ip4_address address;
    std::uint8_t prefix = 32;

    constexpr std::uint32_t mask() const { return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix); }
    constexpr bool contains(ip4_address a) const { return ((a.value ^ address.value) & mask()) == 0; }
    /// The network's directed broadcast; the limited one where the prefix leaves no room for it (RFC 3021).
    constexpr ip4_address broadcast() const {
        return prefix >= 31 ? ip4_address::broadcast() : ip4_address{address.value | ~mask()};
    }

    friend constexpr bool operator==(cidr, cidr) = default;
};

namespace detail {

// Parsers of the dotted forms; they take exactly what the documentation of the literals says.
struct address_reader {
    std::string_view rest;

    constexpr bool skip(char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    constexpr std::optional<unsigned> decimal(unsigned most) {
        unsigned value = 0;
        std::size_t digits = 0;
        while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && digits < 4) {
            value = value * 10 + static_cast<unsigned>(rest[digits++] - '0');
        }
        if (digits == 0 || value > most || (digits > 1 && rest[0] == '0')) return {};
        rest.remove_prefix(digits);
        return value;
    }
    constexpr std::optional<unsigned> hex_octet() {
        unsigned value = 0;
        for (std::size_t i = 0; i < 2; ++i) {
            if (i >= rest.size()) return {};
            const char c = rest[i];
            const bool digit = c >= '0' && c <= '9';
            const char lower = static_cast<char>(c | 0x20);
            if (!digit && (lower < 'a' || lower > 'f')) return {};
            value = value * 16 + static_cast<unsigned>(digit ? c - '0' : lower - 'a' + 10);
        }
        rest.remove_prefix(2);
        return value;
    }
};

constexpr std::optional<ip4_address> read_ip4(address_reader& in) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        if (i > 0 && !in.skip('.')) return {};
        const auto octet = in.decimal(255);
        if (!octet) return {};
        value = value << 8 | *octet;
    }
    return ip4_address{value};
}

}  // namespace detail

/// Four decimal octets with dots, no leading zeros, nothing else; or nothing.
constexpr std::optional<ip4_address> parse_ip4(std::string_view s) {
    detail::address_reader in{s};
    const auto address = detail::read_ip4(in);
    return in.rest.empty() ? address : std::nullopt;
}

/// `10.0.0.2/24`, prefix 0 to 32; or nothing.
constexpr std::optional<cidr> parse_cidr(std::string_view s) {
    detail::address_reader in{s};
    const auto address = detail::read_ip4(in);
    if (!address || !in.skip('/')) return {};
    const auto prefix = in.decimal(32);
    if (!prefix || !in.rest.empty()) return {};
    return cidr{*address, static_cast<std::uint8_t>(*prefix)};
}

/// `02:00:00:00:00:01`; or nothing.
constexpr std::optional<mac> parse_mac(std::string_view s) {
    detail::address_reader in{s};
    mac result;
    for (std::size_t i = 0; i < 6; ++i) {
        if (i > 0 && !in.skip(':')) return {};
        const auto octet = in.hex_octet();
        if (!octet) return {};
        result.octets[i] = static_cast<std::uint8_t>(*octet);
    }
    return in.rest.empty() ? std::optional(result) : std::nullopt;
}

namespace detail {
template <text Literal>
consteval sentence literal_error(std::string_view what, std::string_view expected) {
    sentence s;
    s << "uk: \"" << Literal.view() << "\" is not " << what << "; write it like " << expected << ".";
    return s;
}
}  // namespace detail

inline namespace literals {

template <text Literal>
consteval ip4_address operator""_ip4() {
    constexpr auto value = parse_ip4(Literal.view());
    static_assert(require<value.has_value(), detail::literal_error<Literal>("an IPv4 address", "\"10.0.0.2\"_ip4")>());
    return value.value_or(ip4_address{});
}

template <text Literal>
consteval cidr operator""_cidr() {
    constexpr auto value = parse_cidr(Literal.view());
    static_assert(
        require<value.has_value(), detail::literal_error<Literal>("an IPv4 address with a prefix length of 0 to 32",
                                                                  "\"10.0.0.2/24\"_cidr")>());
    return value.value_or(cidr{});
}

template <text Literal>
consteval mac operator""_mac() {
    constexpr auto value = parse_mac(Literal.view());
    static_assert(require<value.has_value(),
                          detail::literal_error<Literal>("an Ethernet address", "\"02:00:00:00:00:01\"_mac")>());
    return value.value_or(mac{});
}

}  // namespace literals

}  // namespace uk
