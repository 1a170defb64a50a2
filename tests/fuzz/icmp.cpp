// SPDX-License-Identifier: BSL-1.0
#include "link.hpp"

namespace {

// Bit 2: to a group. Bits 3 and 4: an error about UDP that we have sent, with what the piece says behind it.
fuzz::octets shape(uk::bytes piece, unsigned how) {
    using namespace fuzz;
    octets message;
    if ((how & 8) != 0) {
        message = {std::byte{3}, std::byte((how >> 4) & 7), std::byte{0}, std::byte{0}};
        append(message, piece.first(std::min<std::size_t>(4, piece.size())));
        message.resize(8);
        octets quoted = ipv4(17, {}, {.from = our_ip, .to = peer_ip});
        const std::byte ports[]{std::byte{0}, std::byte{9}, std::byte{0}, std::byte{9}};
        append(quoted, ports);
        append(quoted, piece.subspan(std::min<std::size_t>(4, piece.size())));
        append(message, uk::bytes(quoted).subspan(14));
    } else {
        append(message, piece);
    }
    net::icmp_error e;
    if (const auto parsed = net::parse_icmp_error(message, peer_ip)) {
        e = *parsed;
        require(e.quoted.size() >= 8, "enough of a datagram is quoted");
        require(e.quoted.data() + e.quoted.size() == message.data() + message.size(), "the quote lies in the message");
        require(e.mtu == 0 || e.mtu >= 68, "an MTU is one");
    }
    return ipv4(1, message, {.to = (how & 4) != 0 ? our_net.broadcast() : our_ip});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run_link(data, size, shape);
    return 0;
}
