// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/udp.hpp>
#include <uk/part.hpp>

namespace uk::net {

/// IPv4 over Ethernet, with answers to pings; `Source` says where the address comes from: `net::ip4<net::dhcp>`, or
/// `net::ip4<net::static_ip<"10.0.0.2/24"_cidr, "10.0.0.1"_ip4>>`. UDP is there when something needs it.
template <class Source>
using ip4 = bundle<offers<ethernet<>, arp<>, udp<>>, ipv4<>, icmp<>, Source>;

}  // namespace uk::net
