// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/ethernet_wire.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace uk::net {

inline constexpr std::uint16_t dhcp_server_port = 67;
inline constexpr std::uint16_t dhcp_client_port = 68;

/// RFC 2132 section 9.6.
enum class dhcp_type : std::uint8_t { none, discover, offer, request, decline, ack, nak, release, inform };

/// What a server says (RFC 2131 section 2). What it left out is 0.
struct dhcp_reply {
    dhcp_type type = dhcp_type::none;
    std::uint8_t overload = 0;  ///< 1: options go on in the file field, 2: in the server name, 3: in both
    mac client;
    std::uint32_t xid = 0;
    ip4_address address;  ///< the client's, as the server wants it
    ip4_address server;   ///< its identifier
    ip4_address router;   ///< the first named
    std::uint32_t mask = 0;
    std::uint16_t mtu = 0;  ///< of the link
    std::uint32_t lease_seconds = 0;  ///< 0xffffffff: for ever
    std::uint32_t renew_seconds = 0;
    std::uint32_t rebind_seconds = 0;
    std::array<ip4_address, 3> dns{};  ///< the first named; unspecified from where the list ends
};

/// What the client says.
struct dhcp_request {
    dhcp_type type = dhcp_type::none;
    std::uint16_t seconds = 0;  ///< since it began
    std::uint32_t xid = 0;
    mac client;
    ip4_address own;        ///< the address it has and can be reached at, else unspecified
    ip4_address requested;  ///< the address it wants to have confirmed, else unspecified
    ip4_address server;     ///< the server it has chosen, else unspecified
};

namespace detail {

inline constexpr std::size_t dhcp_name_at = 44;
inline constexpr std::size_t dhcp_file_at = 108;
inline constexpr std::size_t dhcp_cookie_at = 236;
inline constexpr std::size_t dhcp_options_at = 240;
inline constexpr std::uint32_t dhcp_cookie = 0x63825363;  // RFC 2131 section 3

/// An option that is taken over: numbers of `unit` octets, a power of 2, to `room` octets at `at` in the reply. Up to
/// `most` octets may be there, of which the first are taken.
struct dhcp_option {
    std::uint8_t code;
    std::uint8_t at;
    std::uint8_t room;
    std::uint8_t unit;
    std::uint16_t most;
};

/// RFC 2132. Overload is first: it says where the others may be.
inline constexpr dhcp_option dhcp_options[] = {
    {52, offsetof(dhcp_reply, overload), 1, 1, 1},
    {53, offsetof(dhcp_reply, type), 1, 1, 1},
    {54, offsetof(dhcp_reply, server), 4, 4, 4},
    {51, offsetof(dhcp_reply, lease_seconds), 4, 4, 4},
    {58, offsetof(dhcp_reply, renew_seconds), 4, 4, 4},
    {59, offsetof(dhcp_reply, rebind_seconds), 4, 4, 4},
    {1, offsetof(dhcp_reply, mask), 4, 4, 4},
    {26, offsetof(dhcp_reply, mtu), 2, 2, 2},
    {3, offsetof(dhcp_reply, router), 4, 4, 0xffff},
    {6, offsetof(dhcp_reply, dns), 12, 4, 0xffff},
};

inline constexpr std::size_t dhcp_broken = ~std::size_t{0};

/// Copies all parts of an option, in a row (RFC 3396), to `to`, as far as they fit; the index of each octet has the
/// bits of `turned` changed, which turns round numbers of that many octets and one. Returns their length, 0 when the
/// option is empty or absent, or dhcp_broken when a field of options is not whole to its end option.
inline std::size_t gather_dhcp_option(bytes message, unsigned overload, unsigned wanted, unsigned turned,
                                      writable_bytes to) {
    std::size_t taken = 0;
    for (std::size_t at = dhcp_options_at, end = message.size();;) {
        if (at == end) return dhcp_broken;
        const auto code = std::to_integer<unsigned>(message[at++]);
        if (code == 0) continue;
        if (code == 255) {
            // RFC 2131 section 4.1: first the options, then the file field, then the server name. An overload option
            // found there has no effect.
            if (overload == 0) return taken;
            const bool file = (overload & 1) != 0;
            at = file ? dhcp_file_at : dhcp_name_at;
            end = file ? dhcp_cookie_at : dhcp_file_at;
            overload = file ? overload - 1 : 0;
            continue;
        }
        if (at == end) return dhcp_broken;
        auto length = std::to_integer<std::size_t>(message[at++]);
        if (length > end - at) return dhcp_broken;
        for (; length != 0; --length, ++at) {
            if (code != wanted) continue;
            if (taken < to.size()) to[taken ^ turned] = message[at];
            ++taken;
        }
    }
}

}  // namespace detail

/// Takes the reply in `message` over into `r`, which is new; false, with `r` of no use, unless it is a well-formed DHCP
/// reply over Ethernet, whole to its end option.
[[gnu::noinline]] inline bool parse_dhcp(bytes message, dhcp_reply& r) {
    if (message.size() < detail::dhcp_options_at) return false;
    const std::byte* at = message.data();
    // A BOOTREPLY, hardware type 1, address length 6.
    if (load_be<std::uint32_t>(at) >> 8 != 0x020106) return false;
    if (load_be<std::uint32_t>(at + detail::dhcp_cookie_at) != detail::dhcp_cookie) return false;
    r.xid = load_be<std::uint32_t>(at + 4);
    r.address.value = load_be<std::uint32_t>(at + 16);
    r.client = load_mac(at + 28);
    for (const detail::dhcp_option& o : detail::dhcp_options) {
        const unsigned within = o.unit - 1U;
        const std::size_t length = detail::gather_dhcp_option(
            message, r.overload, o.code, std::endian::native == std::endian::little ? within : 0,
            {reinterpret_cast<std::byte*>(&r) + o.at, o.room});
        if ((length & within) != 0 || length > o.most || r.overload > 3) return false;
    }
    return r.type == dhcp_type::offer || r.type == dhcp_type::ack || r.type == dhcp_type::nak;
}

/// The same as a value.
inline std::optional<dhcp_reply> parse_dhcp(bytes message) {
    dhcp_reply r;
    return parse_dhcp(message, r) ? std::optional(r) : std::nullopt;
}

/// Octets of every message that we send: the least that BOOTP relays accept (RFC 1542 section 2.1).
inline constexpr std::size_t dhcp_request_size = 300;

/// Writes the request's 300 octets to `at`.
inline void emit(const dhcp_request& q, std::byte* at) {
    std::memset(at, 0, dhcp_request_size);
    store_be(at, std::uint32_t{0x01010600});  // BOOTREQUEST, Ethernet, 6, no hops
    store_be(at + 4, q.xid);
    store_be(at + 8, q.seconds);
    store_be(at + 12, q.own.value);
    store_mac(at + 28, q.client);
    store_be(at + detail::dhcp_cookie_at, detail::dhcp_cookie);
    std::byte* to = at + detail::dhcp_options_at;
    // Options 53, 50 and 54 as there is need.
    store_be(to, 0x35010000U | static_cast<unsigned>(q.type) << 8);
    to += 3;
    const auto put_address = [&](std::uint16_t code_and_length, ip4_address a) {
        if (a.is_unspecified()) return;
        store_be(to, code_and_length);
        store_be(to + 2, a.value);
        to += 6;
    };
    put_address(0x3204, q.requested);
    put_address(0x3604, q.server);
    // 55: what we want to know: mask, router, name servers, domain, MTU, renewal and rebinding times; then the end.
    store_be(to, std::uint64_t{0x37'07'01'03'06'0f'1a'3a});
    store_be(to + 8, std::uint16_t{0x3b'ff});
}

}  // namespace uk::net
