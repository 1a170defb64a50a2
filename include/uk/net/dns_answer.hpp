// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/result.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace uk::net {

/// Why there is no address for a name.
enum class dns_error : std::uint8_t {
    no_such_name,      ///< the servers know that nobody has the name
    no_address,        ///< the name has no address of the kind that was asked for
    invalid_name,      ///< no name that a host can have: nothing was asked
    no_servers,        ///< nobody to ask is known
    busy,              ///< as many names are being asked for as the limit allows
    timed_out,         ///< no server answered in time
    server_failed,     ///< the servers could not or did not want to answer
    truncated,         ///< the answer needs TCP, and there is none
    too_many_aliases,  ///< a chain of aliases longer than the limit, or a circle
    unreachable,       ///< no route to the servers, or no address of our own yet
    no_buffers,        ///< no packet buffer is free
    no_memory,         ///< the stack's task arena has no room for the query
    no_entropy,        ///< the machine has no source of randomness: the answer could be forged
};

/// A sentence for people.
constexpr std::string_view describe(dns_error e) {
    switch (e) {
        case dns_error::no_such_name: return "no such name";
        case dns_error::no_address: return "the name has no address";
        case dns_error::invalid_name: return "not a name";
        case dns_error::no_servers: return "no name server is known";
        case dns_error::busy: return "too many names are being asked for";
        case dns_error::timed_out: return "no name server answered in time";
        case dns_error::server_failed: return "the name servers could not answer";
        case dns_error::truncated: return "the answer is too long for UDP";
        case dns_error::too_many_aliases: return "too many aliases";
        case dns_error::unreachable: return "the name servers are unreachable";
        case dns_error::no_buffers: return describe(error::no_buffers);
        case dns_error::no_memory: return describe(error::no_memory);
        case dns_error::no_entropy: return describe(error::no_entropy);
    }
    return "unknown error";
}

constexpr error reduce(dns_error e) {
    switch (e) {
        case dns_error::invalid_name: return error::invalid;
        case dns_error::truncated: return error::too_large;
        case dns_error::timed_out: return error::timed_out;
        case dns_error::busy:
        case dns_error::no_memory: return error::no_memory;
        case dns_error::no_buffers: return error::no_buffers;
        case dns_error::no_entropy: return error::no_entropy;
        default: return error::unreachable;
    }
}

/// An IPv6 address as it is sent.
using ip6_octets = std::array<std::byte, 16>;

/// A host's addresses, one at least, in the order of the answer.
template <class Address, std::size_t Most>
class dns_addresses {
public:
    constexpr void push_back(const Address& a) { items_[size_++] = a; }

    constexpr std::size_t size() const { return size_; }
    constexpr const Address* begin() const { return items_.data(); }
    constexpr const Address* end() const { return items_.data() + size_; }
    constexpr const Address& front() const { return items_[0]; }
    constexpr const Address& operator[](std::size_t i) const { return items_[i]; }

private:
    std::array<Address, Most> items_{};
    std::size_t size_ = 0;
};

/// What is known of a name: addresses as they were sent, or why there is none.
template <std::size_t Octets>
struct dns_answer {
    std::array<std::byte, Octets> addresses{};
    std::uint8_t count = 0;
    dns_error wrong = dns_error::no_servers;  ///< where `count` is 0

    /// The same for an application, at most `Most` of it.
    template <class Address, std::size_t Most>
    constexpr result<dns_addresses<Address, Most>, dns_error> as() const {
        if (count == 0) return fail(wrong);
        dns_addresses<Address, Most> all;
        for (std::size_t i = 0; i < std::min<std::size_t>(count, Most); ++i) {
            const std::byte* at = addresses.data() + i * sizeof(Address);
            if constexpr (std::is_same_v<Address, ip4_address>) {
                all.push_back({load_be<std::uint32_t>(at)});
            } else {
                Address a;
                std::copy_n(at, a.size(), a.begin());
                all.push_back(a);
            }
        }
        return all;
    }
};

}  // namespace uk::net
