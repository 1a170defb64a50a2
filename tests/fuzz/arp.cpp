// SPDX-License-Identifier: BSL-1.0
#include "link.hpp"

#include <cstring>

namespace {

using namespace fuzz;

void parse(uk::bytes octets) {
    net::arp_packet p;
    if (!net::parse_arp(octets, p)) return;
    std::byte again[net::arp_packet::size];
    emit(p, again);
    require(std::memcmp(again, octets.data(), sizeof again) == 0, "ARP that is right is written as it was read");
    require(!p.sender_link.is_group(), "a sender is one host");
}

// Bits 2 and 3: to whom; bit 4: the beginning of a right packet stands in front.
octets shape(uk::bytes piece, unsigned how) {
    octets payload;
    if ((how & 16) != 0) {
        const std::byte usual[]{
            std::byte{0}, std::byte{1}, std::byte{8}, std::byte{0},
            std::byte{6}, std::byte{4}, std::byte{0}, static_cast<std::byte>((how & 32) != 0 ? 2 : 1)};
        append(payload, usual);
    }
    append(payload, piece);
    parse(payload);
    return ethernet(0x0806, payload, (how & 4) != 0 ? uk::mac::broadcast() : our_mac);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The first bit: whether addresses are probed for and defended.
    if (size != 0 && (data[0] & 0x80) != 0) {
        fuzz::run_link<3>(data, size, shape);
    } else {
        fuzz::run_link(data, size, shape);
    }
    return 0;
}
