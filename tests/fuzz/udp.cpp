// SPDX-License-Identifier: BSL-1.0
#include "link.hpp"

namespace {

// Bits 2 and 3: to whom. Bit 4: a right header to one of our ports stands in front.
fuzz::octets shape(uk::bytes piece, unsigned how) {
    using namespace fuzz;
    octets payload;
    if ((how & 16) != 0) {
        payload.resize(8);
        uk::store_be(payload.data(), std::uint16_t{9});
        uk::store_be(payload.data() + 2, (how & 32) != 0 ? talk_port : echo_port);
        uk::store_be(payload.data() + 4, static_cast<std::uint16_t>(8 + piece.size()));
    }
    append(payload, piece);
    net::udp_header h;
    if (net::parse_udp(payload, peer_ip, our_ip, h) == net::udp_fault::none) {
        require(h.length >= 8 && h.length <= payload.size() && h.to_port != 0, "a header that is right");
    }
    const uk::ip4_address to[]{our_ip, our_net.broadcast(), our_group, {0xffff'ffff}};
    return ipv4(17, payload, {.to = to[how >> 2 & 3]});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run_link(data, size, shape);
    return 0;
}
