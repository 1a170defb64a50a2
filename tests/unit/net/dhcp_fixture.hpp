// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "link_fixture.hpp"

#include <uk/net/dhcp_wire.hpp>

/// A DHCP server's replies, to the octet.
namespace fakes {

inline octets address_option(int code, uk::ip4_address a) {
    octets o = raw({code, 4, 0, 0, 0, 0});
    uk::store_be(o.data() + 2, a.value);
    return o;
}
inline octets number_option(int code, std::uint32_t value) { return address_option(code, {value}); }

struct dhcp_message {
    std::uint32_t xid = 0x12345678;
    uk::mac client = our_mac;
    uk::ip4_address address = our_ip;
    octets options = raw({53, 1, 2, 255});
    octets file{};
    octets name{};

    octets octets_of_it() const {
        octets m = raw({2, 1, 6, 0}) + octets(236);
        uk::store_be(m.data() + 4, xid);
        uk::store_be(m.data() + 16, address.value);
        uk::net::store_mac(m.data() + 28, client);
        uk::copy(uk::writable_bytes(m).subspan(44, 64), name);
        uk::copy(uk::writable_bytes(m).subspan(108, 128), file);
        uk::store_be(m.data() + 236, std::uint32_t{0x63825363});
        return m + options;
    }
};

}  // namespace fakes
