// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/dns_name.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace uk::net {

inline constexpr std::uint16_t dns_port = 53;

/// RFC 1035 section 3.2.2 and RFC 3596 section 2.1; of other types nothing is read.
enum class dns_type : std::uint16_t { other = 0, a = 1, cname = 5, soa = 6, aaaa = 28 };

/// RFC 1035 section 4.1.1.
inline constexpr unsigned dns_no_error = 0;
inline constexpr unsigned dns_no_such_name = 3;

/// A question for the addresses of a name.
struct dns_query {
    static constexpr std::size_t header = dns_header_octets;
    /// Of the longest.
    static constexpr std::size_t most = header + dns_name::most + 4;

    std::uint16_t id = 0;
    dns_type type = dns_type::a;
    dns_name name;

    constexpr std::size_t size() const { return header + name.size + 4U; }
};

/// Writes the message of `q.size()` octets: one question of class IN, recursion desired. No EDNS (RFC 6891): answers
/// by UDP have at most 512 octets.
constexpr void emit(const dns_query& q, std::byte* at) {
    store_be(at, q.id);
    store_be(at + 2, std::uint32_t{0x0100'0001});  // RD; one question
    store_be(at + 6, std::uint32_t{0});
    store_be(at + 10, std::uint16_t{0});
    std::ranges::copy(q.name.wire(), at + dns_query::header);
    at += dns_query::header + q.name.size;
    store_be(at, static_cast<std::uint16_t>(q.type));
    store_be(at + 2, std::uint16_t{1});
}

/// What is wrong with a message that should answer a question.
enum class dns_fault : std::uint8_t {
    none,
    header,    ///< shorter than a header, no response, or none to a standard query
    id,        ///< of another query
    question,  ///< not the one that was asked, to the case of its letters
    name,      ///< without end, too long, a label of an unknown kind, or a pointer that does not point back
    record,    ///< cut off, or its data do not have the length of its type
    count,     ///< not as many records as the header says
};

namespace detail {

/// A resource record (RFC 1035 section 3.2.1); `owner` and `data` are places in the message.
struct dns_record {
    std::size_t owner;
    std::size_t data;
    std::size_t length;
    dns_type type;
    std::uint32_t ttl;  ///< seconds; of an SOA, for how long something is missing (RFC 2308 section 5)
};

/// Reads the record at `at`, wholly checked, and moves `at` behind it.
[[gnu::noinline]] constexpr dns_fault read_dns_record(bytes message, std::size_t& at, dns_record& r) {
    if (at == message.size()) return dns_fault::count;
    r.owner = at;
    std::size_t place = dns_name_end(message, at);
    if (place == 0) return dns_fault::name;
    if (message.size() - place < 10) return dns_fault::record;
    const std::byte* in = message.data() + place;
    r.length = load_be<std::uint16_t>(in + 8);
    place += 10;
    r.data = place;
    if (message.size() - place < r.length) return dns_fault::record;
    at = place + r.length;
    r.ttl = load_be<std::uint32_t>(in + 4);
    // RFC 2181 section 8: what has the highest bit set is to be taken for 0.
    if (r.ttl >> 31 != 0) r.ttl = 0;
    r.type = static_cast<dns_type>(load_be<std::uint16_t>(in));
    if (load_be<std::uint16_t>(in + 2) != 1) r.type = dns_type::other;
    switch (r.type) {
        case dns_type::a: place += 4; break;
        case dns_type::aaaa: place += 16; break;
        case dns_type::cname: place = dns_name_end(message, place); break;
        case dns_type::soa:  // two names and five numbers, of which the last is for what is missing
            place = dns_name_end(message, place);
            if (place != 0) place = dns_name_end(message, place) + 20;
            if (place == at) r.ttl = std::min(r.ttl, load_be<std::uint32_t>(message.data() + at - 4));
            break;
        default: return dns_fault::none;
    }
    return place == at ? dns_fault::none : dns_fault::record;
}

}  // namespace detail

/// What the answers to a question and to those for its aliases say.
struct dns_reading {
    // Of the last answer.
    std::uint8_t code = 0;       ///< RCODE: dns_no_error, dns_no_such_name, or a failure of the server
    bool truncated = false;      ///< nothing else was read: ask again by TCP (RFC 2181 section 9)
    bool lame = false;           ///< from a server that neither knows by itself nor asks others
    bool authority = false;      ///< has an SOA: what is missing is known to be missing (RFC 2308 section 2)
    std::uint8_t addresses = 0;  ///< taken
    std::size_t name_at = 0;     ///< where the last alias's target is, or the question's name
    // Of all.
    std::uint8_t aliases = 0;         ///< followed
    std::uint32_t ttl = 0x7fff'ffff;  ///< seconds: the least on the way
};

namespace detail {

/// Checks all records of a message whose header and question are checked; takes the addresses of the name, or else of
/// the alias that it is.
constexpr dns_fault read_dns_records(bytes message, const dns_query& q, unsigned most_aliases, std::byte* into,
                                     unsigned room, dns_reading& r) {
    const std::byte* in = message.data();
    while (true) {
        std::size_t at = q.size();
        std::size_t target = 0;
        const unsigned answers = load_be<std::uint16_t>(in + 6);
        const unsigned authorities = answers + load_be<std::uint16_t>(in + 8);
        const unsigned all = authorities + load_be<std::uint16_t>(in + 10);
        for (unsigned i = 0; i < all; ++i) {
            dns_record found;
            if (const dns_fault wrong = read_dns_record(message, at, found); wrong != dns_fault::none) return wrong;
            if (i >= answers) {
                if (found.type != dns_type::soa || i >= authorities) continue;
                r.authority = true;
            } else {
                if (found.type == dns_type::cname ? target != 0 : found.type != q.type) continue;
                if (!same_dns_name(in, found.owner, in, r.name_at)) continue;
                if (found.type == dns_type::cname) {
                    target = found.data;
                } else if (r.addresses < room) {
                    std::copy_n(in + found.data, found.length, into + r.addresses++ * found.length);
                }
            }
            r.ttl = std::min(r.ttl, found.ttl);
        }
        if (at != message.size()) return dns_fault::count;
        if (r.addresses != 0 || target == 0) return dns_fault::none;
        r.name_at = target;
        if (++r.aliases > most_aliases) return dns_fault::none;
    }
}

}  // namespace detail

/// Reads the whole message as the answer to `q`. With `exact` the question must come back to the case of its letters.
/// Takes addresses, of 4 or 16 octets, at most `room`, and follows at most `most_aliases` (CNAME) in all: where there
/// are more, `r.aliases` is greater. After a fault, what is said of the last answer means nothing.
constexpr dns_fault read_dns_answer(bytes message, const dns_query& q, bool exact, unsigned most_aliases,
                                    std::byte* into, unsigned room, dns_reading& r) {
    if (message.size() < dns_query::header) return dns_fault::header;
    const std::byte* in = message.data();
    const unsigned flags = load_be<std::uint16_t>(in + 2);
    if ((flags & 0xf800) != 0x8000) return dns_fault::header;  // a response to a standard query
    if (load_be<std::uint16_t>(in) != q.id) return dns_fault::id;
    if (load_be<std::uint16_t>(in + 4) != 1 || message.size() < q.size()) return dns_fault::question;
    const bytes echoed = message.subspan(dns_query::header, q.name.size);
    const bool same = exact ? std::ranges::equal(echoed, q.name.wire())
                            : std::ranges::equal(echoed, q.name.wire(), {}, dns_lower, dns_lower);
    const auto type_and_class = static_cast<std::uint32_t>(q.type) << 16 | 1U;
    if (!same || load_be<std::uint32_t>(in + q.size() - 4) != type_and_class) return dns_fault::question;
    r.code = flags & 0xf;
    r.truncated = (flags & 0x0200) != 0;
    r.lame = (flags & 0x0480) == 0;  // neither AA nor RA
    r.authority = false;
    r.addresses = 0;
    r.name_at = dns_query::header;
    if (r.truncated) return dns_fault::none;
    return detail::read_dns_records(message, q, most_aliases, into, room, r);
}

}  // namespace uk::net
