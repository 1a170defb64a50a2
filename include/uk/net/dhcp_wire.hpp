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

/// Takes one option over; false when its length or its value is not one that it may have.
[[gnu::noinline]] constexpr bool take_dhcp_option(unsigned code, bytes value, dhcp_reply& r, unsigned& overload) {
    const unsigned first = value.empty() ? 0 : std::to_integer<unsigned>(value[0]);
    std::uint32_t* number = nullptr;
    ip4_address* list = nullptr;
    std::size_t most = 1;
    switch (code) {
        case 1: number = &r.mask; break;
        case 3: list = &r.router; break;
        case 6:
            list = r.dns.data();
            most = r.dns.size();
            break;
        case 51: number = &r.lease_seconds; break;
        case 52: overload = first; return value.size() == 1 && first >= 1 && first <= 3;
        case 53: r.type = static_cast<dhcp_type>(first); return value.size() == 1 && first >= 1 && first <= 8;
        case 54: number = &r.server.value; break;
        case 58: number = &r.renew_seconds; break;
        case 59: number = &r.rebind_seconds; break;
        default: return true;
    }
    if (value.size() % 4 != 0 || value.empty() || (number != nullptr && value.size() != 4)) return false;
    if (number != nullptr) *number = load_be<std::uint32_t>(value.data());
    for (std::size_t i = 0; list != nullptr && i < most && 4 * i < value.size(); ++i) {
        list[i].value = load_be<std::uint32_t>(value.data() + 4 * i);
    }
    return true;
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

/// Takes the reply in `message` over into `r`, which is new; false, with `r` of no use, unless it is a well-formed DHCP
/// reply over Ethernet, whole to its end option.
/// Not obeyed: options split into several of one code (RFC 3396); the last one counts.
constexpr bool parse_dhcp(bytes message, dhcp_reply& r) {
    if (message.size() < detail::dhcp_options_at) return false;
    const std::byte* at = message.data();
    // A BOOTREPLY, hardware type 1, address length 6.
    if (load_be<std::uint32_t>(at) >> 8 != 0x020106) return false;
    if (load_be<std::uint32_t>(at + detail::dhcp_cookie_at) != detail::dhcp_cookie) return false;
    r.xid = load_be<std::uint32_t>(at + 4);
    r.address.value = load_be<std::uint32_t>(at + 16);
    r.client = load_mac(at + 28);
    unsigned overload = 0;
    if (!detail::take_dhcp_options(message.subspan(detail::dhcp_options_at), r, overload)) return false;
    // RFC 2131 section 4.1: first the file field, then the server name. An overload option found there has no effect.
    unsigned nested = 0;
    const bytes file = message.subspan(detail::dhcp_file_at, 128);
    const bytes name = message.subspan(detail::dhcp_name_at, 64);
    if ((overload & 1) != 0 && !detail::take_dhcp_options(file, r, nested)) return false;
    if ((overload & 2) != 0 && !detail::take_dhcp_options(name, r, nested)) return false;
    return r.type == dhcp_type::offer || r.type == dhcp_type::ack || r.type == dhcp_type::nak;
}

/// The same as a value.
constexpr std::optional<dhcp_reply> parse_dhcp(bytes message) {
    dhcp_reply r;
    return parse_dhcp(message, r) ? std::optional(r) : std::nullopt;
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
    store_be(to, std::uint16_t{0x3501});
    to[2] = static_cast<std::byte>(q.type);
    to += 3;
    const auto put_address = [&](std::uint16_t code_and_length, ip4_address a) {
        if (a.is_unspecified()) return;
        store_be(to, code_and_length);
        store_be(to + 2, a.value);
        to += 6;
    };
    put_address(0x3204, q.requested);
    put_address(0x3604, q.server);
    // 55: what we want to know: mask, router, name servers, renewal and rebinding times; then the end.
    store_be(to, std::uint64_t{0x37'05'01'03'06'3a'3b'ff});
}

}  // namespace uk::net
