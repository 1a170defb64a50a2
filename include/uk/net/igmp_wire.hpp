// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/checksum.hpp>
#include <uk/net/ipv4_wire.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::net {

inline constexpr std::uint8_t protocol_igmp = 2;

inline constexpr ip4_address all_hosts{0xe0000001};         ///< 224.0.0.1 (RFC 1112)
inline constexpr ip4_address all_routers{0xe0000002};       ///< where version 2 says that a group is left
inline constexpr ip4_address all_igmp3_routers{0xe0000016}; ///< where version 3 reports (RFC 3376 section 4.2.14)

/// RFC 2236 section 2.1, RFC 3376 section 4.
enum class igmp_type : std::uint8_t {
    query = 0x11,
    report1 = 0x12,
    report2 = 0x16,
    leave = 0x17,
    report3 = 0x22,
};

/// What a host takes notice of: a query, or another host's report of version 1 or 2.
struct igmp_message {
    igmp_type type = igmp_type::query;
    std::uint8_t version = 0;             ///< of a query: 1, 2 or 3
    std::uint32_t longest_wait = 0;       ///< tenths of a second within which a query is to be answered
    ip4_address group;                    ///< unspecified in a general query
};

enum class igmp_fault : std::uint8_t {
    none,
    truncated,
    checksum,
    group,    ///< not a group's address, where one must be
    ignored,  ///< of no meaning to a host
};

/// Tenths of a second of a version 3 code (RFC 3376 section 4.1.1): from 128 on 3 bits of exponent, 4 of mantissa.
constexpr std::uint32_t igmp3_time(unsigned code) {
    return code < 128 ? code : ((code & 0xf) | 0x10) << ((code >> 4 & 7) + 3);
}

/// Takes the IGMP message that is the payload of a datagram over into `m`, wholly checked, or says what is wrong.
constexpr igmp_fault parse_igmp(bytes payload, igmp_message& m) {
    if (payload.size() < 8) return igmp_fault::truncated;
    if (checksum_of(payload) != 0) return igmp_fault::checksum;
    const std::byte* at = payload.data();
    m.type = static_cast<igmp_type>(at[0]);
    m.group = {load_be<std::uint32_t>(at + 4)};
    const auto code = std::to_integer<unsigned>(at[1]);
    if (m.type == igmp_type::query) {
        // RFC 3376 section 7.1: the length tells the versions.
        if (payload.size() > 8) {
            if (payload.size() < 12) return igmp_fault::truncated;
            const std::size_t sources = load_be<std::uint16_t>(at + 10);
            if (payload.size() < 12 + 4 * sources) return igmp_fault::truncated;
            m.version = 3;
            m.longest_wait = igmp3_time(code);
        } else {
            m.version = code == 0 ? 1 : 2;
            m.longest_wait = code == 0 ? 100 : code;
        }
        if (!m.group.is_unspecified() && !m.group.is_multicast()) return igmp_fault::group;
        return igmp_fault::none;
    }
    if (m.type != igmp_type::report1 && m.type != igmp_type::report2) return igmp_fault::ignored;
    return m.group.is_multicast() ? igmp_fault::none : igmp_fault::group;
}

/// Octets of an IPv4 header with the router alert option (RFC 2113), which IGMP is sent with.
inline constexpr std::size_t igmp_ip_header = 24;
/// Octets of a message of version 2, and of a version 3 report of one group.
inline constexpr std::size_t igmp2_size = 8;
inline constexpr std::size_t igmp3_size = 16;

/// RFC 3376 section 4.2.12.
enum class igmp3_record : std::uint8_t { is_exclude = 2, to_include = 3, to_exclude = 4 };

/// Writes a message of version 2 about `group` to `at`.
constexpr void emit_igmp2(igmp_type type, ip4_address group, std::byte* at) {
    store_be(at, std::uint32_t{static_cast<unsigned>(type)} << 24);
    store_be(at + 4, group.value);
    store_be(at + 2, checksum_of({at, igmp2_size}));
}

/// Writes a version 3 report of one group without sources to `at`.
constexpr void emit_igmp3(igmp3_record record, ip4_address group, std::byte* at) {
    store_be(at, std::uint32_t{static_cast<unsigned>(igmp_type::report3)} << 24);
    store_be(at + 4, std::uint32_t{1});
    store_be(at + 8, std::uint32_t{static_cast<unsigned>(record)} << 24);
    store_be(at + 12, group.value);
    store_be(at + 2, checksum_of({at, igmp3_size}));
}

/// Writes the IPv4 header in front of `size` octets of a message to `to` (RFC 2236 section 2): time to live 1.
constexpr void emit_igmp_ip(ip4_address from, ip4_address to, std::uint16_t id, std::size_t size, std::byte* at) {
    ipv4_header h;
    h.total_length = static_cast<std::uint16_t>(igmp_ip_header + size);
    h.id = id;
    h.ttl = 1;
    h.protocol = protocol_igmp;
    h.source = from;
    h.destination = to;
    emit(h, at);
    at[0] = std::byte{0x46};
    store_be(at + 20, std::uint32_t{0x94040000});
    store_be(at + 10, std::uint16_t{0});
    store_be(at + 10, checksum_of({at, igmp_ip_header}));
}

}  // namespace uk::net
