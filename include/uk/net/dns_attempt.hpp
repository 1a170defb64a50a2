// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/dns_answer.hpp>
#include <uk/net/dns_name.hpp>
#include <uk/net/dns_wire.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace uk::net {

/// What to do about a name that is being asked for.
enum class dns_next : std::uint8_t {
    wait,    ///< for another message
    server,  ///< ask the next one
    alias,   ///< ask for the name that `asked` has now
    stream,  ///< ask the same by TCP
    done,    ///< `got` is the answer
};

/// What is known on the way from a name to its addresses. A value: no socket, no clock.
template <std::size_t Octets>
struct dns_attempt {
    dns_next then = dns_next::alias;
    bool keep = false;  ///< `got` may be told to others for `r.ttl` seconds
    dns_reading r;
    dns_answer<Octets> got;
    dns_query asked;  ///< now: the name, or an alias's target

    /// Takes what a message says, and decides what is next; a bad one changes nothing that matters. `exact`: the
    /// question's case must come back.
    constexpr dns_fault read(bytes message, bool exact, unsigned most_aliases) {
        const unsigned room = asked.type == dns_type::a ? Octets / 4 : Octets / 16;
        const dns_fault wrong = read_dns_answer(message, asked, exact, most_aliases, got.addresses.data(), room, r);
        if (wrong == dns_fault::none) decide(message, most_aliases);
        return wrong;
    }

private:
    constexpr void decide(bytes message, unsigned most_aliases) {
        const bool missing = r.code == dns_no_such_name;
        if (missing) r.addresses = 0;
        const bool nothing = r.addresses == 0 && !r.authority;
        then = dns_next::done;
        if (r.truncated) {
            then = dns_next::stream;
            got.wrong = dns_error::truncated;
        } else if ((r.code != dns_no_error && !missing) || (r.lame && nothing)) {
            then = dns_next::server;
            got.wrong = dns_error::server_failed;
        } else if (r.aliases > most_aliases) {
            got.wrong = dns_error::too_many_aliases;
        } else if (nothing && !missing && r.name_at != dns_query::header) {
            // The server did not follow the alias; it may still know more.
            take_dns_name(message, r.name_at, asked.name);
            then = dns_next::alias;
        } else {
            // RFC 6604 section 3: the code is that of the last alias.
            got.count = r.addresses;
            got.wrong = missing ? dns_error::no_such_name : dns_error::no_address;
            keep = !nothing;
        }
    }
};

}  // namespace uk::net
