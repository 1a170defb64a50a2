// SPDX-License-Identifier: BSL-1.0
#include "link.hpp"

namespace {

// Bits 2 and 3: to whom; bit 4: from another link.
fuzz::octets shape(uk::bytes piece, unsigned how) {
    using namespace fuzz;
    net::igmp_message m;
    if (net::parse_igmp(piece, m) == net::igmp_fault::none) {
        require(m.group.is_multicast() || (m.group.is_unspecified() && m.type == net::igmp_type::query),
                "a group is one");
        require(m.longest_wait <= 31'744, "a wait is one that can be told");
    }
    const uk::ip4_address to[]{net::all_hosts, our_group, our_ip, net::all_routers};
    return ipv4(
        2, piece,
        {.from = router_ip, .to = to[how >> 2 & 3], .ttl = static_cast<std::uint8_t>((how & 16) != 0 ? 64 : 1)});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run_link(data, size, shape);
    return 0;
}
