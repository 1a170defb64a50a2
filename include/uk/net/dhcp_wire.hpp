// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/ethernet_wire.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace uk::net {

inline constexpr std::uint16_t dhcp_server_port = 67;
inline constexpr std::uint16_t dhcp_client_port = 68;

/// RFC 2132 section 9.6.
enum class dhcp_type : std::uint8_t { none, discover, offer, request, decline, ack, nak, release, inform };

/// What a server says (RFC 2131 section 2). What it left out is 0.
struct dhcp_reply {
    dhcp_type type = dhcp_type::none;
    std::uint32_t xid = 0;
    mac client;
    ip4_address address;  ///< the client's, as the server wants it
    ip4_address server;   ///< its identifier
    ip4_address router;   ///< the first named
    std::uint32_t mask = 0;
    std::uint32_t lease_seconds = 0;  ///< 0xffffffff: for ever
    std::uint32_t renew_seconds = 0;
    std::uint32_t rebind_seconds = 0;
    std::array<ip4_address, 3> dns{};
};

/// What the client says.
struct dhcp_request {
    dhcp_type type = dhcp_type::discover;
    std::uint32_t xid = 0;
    std::uint16_t seconds = 0;  ///< since it began
    mac client;
    ip4_address own;        ///< the address it has and can be reached at, else unspecified
    ip4_address requested;  ///< the address it wants to have confirmed, else unspecified
    ip4_address server;     ///< the server it has chosen, else unspecified
};

namespace detail {

inline constexpr std::size_t dhcp_file_at = 108;
inline constexpr std::size_t dhcp_name_at = 44;
inline constexpr std::size_t dhcp_cookie_at = 236;
inline constexpr std::size_t dhcp_options_at = 240;
inline constexpr std::uint32_t dhcp_cookie = 0x63825363;  // RFC 2131 section 3

/// Takes one option over; false when its length is not one that it may have.
constexpr bool take_dhcp_option(unsigned code, bytes value, dhcp_reply& r, unsigned& overload) {
    const auto number = [&](std::uint32_t& to) {
        if (value.size() != 4) return false;
        to = load_be<std::uint32_t>(value.data());
        return true;
    };
    const bool addresses = !value.empty() && value.size() % 4 == 0;
    switch (code) {
        case 1: return number(r.mask);
        case 3:
            if (addresses) r.router.value = load_be<std::uint32_t>(value.data());
            return addresses;
        case 6:
            for (std::size_t i = 0; addresses && i < r.dns.size() && i < value.size() / 4; ++i) {
                r.dns[i].value = load_be<std::uint32_t>(value.data() + 4 * i);
            }
            return addresses;
        case 51: return number(r.lease_seconds);
        case 52:
            if (value.size() != 1) return false;
            overload = std::to_integer<unsigned>(value[0]);
            return overload >= 1 && overload <= 3;
        case 53:
            if (value.size() != 1 || value[0] == std::byte{0} || value[0] > std::byte{8}) return false;
            r.type = static_cast<dhcp_type>(value[0]);
            return true;
        case 54: return number(r.server.value);
        case 58: return number(r.renew_seconds);
        case 59: return number(r.rebind_seconds);
        default: return true;
    }
}

/// Takes over the options of one field; false unless all lie in it and the end option is there.
constexpr bool take_dhcp_options(bytes field, dhcp_reply& r, unsigned& overload) {
    std::size_t at = 0;
    while (at < field.size()) {
        const auto code = std::to_integer<unsigned>(field[at++]);
        if (code == 0) continue;
        if (code == 255) return true;
        if (at == field.size()) return false;
        const auto length = std::to_integer<std::size_t>(field[at++]);
        if (length > field.size() - at || !take_dhcp_option(code, field.subspan(at, length), r, overload)) return false;
        at += length;
    }
    return false;
}

}  // namespace detail

/// The reply in `message`; nothing unless it is a well-formed DHCP reply over Ethernet, whole to its end option.
/// Not obeyed: options split into several of one code (RFC 3396); the last one counts.
constexpr std::optional<dhcp_reply> parse_dhcp(bytes message) {
    if (message.size() < detail::dhcp_options_at) return {};
    const std::byte* at = message.data();
    // A BOOTREPLY, hardware type 1, address length 6.
    if (load_be<std::uint32_t>(at) >> 8 != 0x020106) return {};
    if (load_be<std::uint32_t>(at + detail::dhcp_cookie_at) != detail::dhcp_cookie) return {};
    dhcp_reply r;
    r.xid = load_be<std::uint32_t>(at + 4);
    r.address.value = load_be<std::uint32_t>(at + 16);
    r.client = load_mac(at + 28);
    unsigned overload = 0;
    if (!detail::take_dhcp_options(message.subspan(detail::dhcp_options_at), r, overload)) return {};
    // RFC 2131 section 4.1: first the file field, then the server name. An overload option found there has no effect.
    unsigned nested = 0;
    const bytes file = message.subspan(detail::dhcp_file_at, 128);
    const bytes name = message.subspan(detail::dhcp_name_at, 64);
    if ((overload & 1) != 0 && !detail::take_dhcp_options(file, r, nested)) return {};
    if ((overload & 2) != 0 && !detail::take_dhcp_options(name, r, nested)) return {};
    if (r.type != dhcp_type::offer && r.type != dhcp_type::ack && r.type != dhcp_type::nak) return {};
    return r;
}

/// Octets of every message that we send: the least that BOOTP relays accept (RFC 1542 section 2.1).
inline constexpr std::size_t dhcp_request_size = 300;

/// Writes the request's 300 octets to `at`.
constexpr void emit(const dhcp_request& q, std::byte* at) {
    for (std::size_t i = 0; i < dhcp_request_size; ++i) at[i] = std::byte{0};
    store_be(at, std::uint32_t{0x01010600});  // BOOTREQUEST, Ethernet, 6, no hops
    store_be(at + 4, q.xid);
    store_be(at + 8, q.seconds);
    store_be(at + 12, q.own.value);
    store_mac(at + 28, q.client);
    store_be(at + detail::dhcp_cookie_at, detail::dhcp_cookie);
    std::byte* to = at + detail::dhcp_options_at;
    const auto put = [&to](auto... octets) { ((*to++ = static_cast<std::byte>(octets)), ...); };
    const auto put_address = [&](unsigned code, ip4_address a) {
        if (a.is_unspecified()) return;
        put(code, 4);
        store_be(to, a.value);
        to += 4;
    };
    put(53, 1, q.type);
    put_address(50, q.requested);
    put_address(54, q.server);
    put(55, 5, 1, 3, 6, 58, 59);  // what we want to know: mask, router, name servers, renewal and rebinding times
    put(255);
}

}  // namespace uk::net
