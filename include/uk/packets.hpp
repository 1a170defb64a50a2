// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/packet.hpp>
#include <uk/part.hpp>

#include <cstddef>

namespace uk {

struct packet_limits {
    /// Buffers in all: received and not yet consumed, being sent, or kept for retransmission.
    std::size_t buffers = 64;
    /// Octets of one buffer, headroom included; enough for an Ethernet frame of 1,514 and a device's own header.
    std::size_t octets = 1664;
};

/// The packet memory of a stack.
template <packet_limits Limits = {}>
struct packets {
    using needs = ports<>;
    using provides = ports<port::packets>;
    static constexpr std::string_view name = "uk::packets";

    static_assert(Limits.octets % 16 == 0 && Limits.octets >= packet_headroom + 1514 && Limits.octets <= 65472,
                  "uk::packets: octets must be a multiple of 16, from 1632 to 65472.");

    packets() : store_(memory_.all(), Limits.octets) {}
    packet_store& store() { return store_; }
    [[gnu::always_inline]] void place_links() {
        if constexpr (config::linked) {
            asm volatile(".globl uk_packet_store_object\n.set uk_packet_store_object, %c0" ::"i"(&store_));
        }
    }

    /// Buffers in all.
    static constexpr std::size_t count = Limits.buffers;

private:
    raw_memory<Limits.buffers * (sizeof(packet_buffer) + Limits.octets)> memory_;
    packet_store store_;
};

}  // namespace uk
