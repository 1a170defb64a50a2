// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/drv/virtio.hpp>
#include <uk/packet.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace uk::drv {

/// What stands before each frame in the queues of a network card (section 5.1.6). All fields are little-endian, as the
/// machine is.
struct virtio_net_header {
    static constexpr std::size_t size = 12;  ///< with VERSION_1 `buffers` is always there

    // Bits of `flags`.
    static constexpr std::uint8_t needs_checksum = 1;
    static constexpr std::uint8_t data_valid = 2;

    // Values of `segment_type`.
    static constexpr std::uint8_t tcp4 = 1;

    std::uint8_t flags;
    std::uint8_t segment_type;
    std::uint16_t header_octets;
    std::uint16_t segment_octets;
    std::uint16_t checksum_start;
    std::uint16_t checksum_offset;
    std::uint16_t buffers;
};
static_assert(sizeof(virtio_net_header) == virtio_net_header::size);

inline virtio_net_header load_virtio_net(const std::byte* at) {
    virtio_net_header h;
    std::memcpy(&h, at, sizeof h);
    return h;
}

/// Marks the frame with what the header says of its checksum (section 5.1.6.4). False when that is not within the
/// frame.
inline bool mark_sum(const virtio_net_header& h, packet& frame) {
    if ((h.flags & virtio_net_header::needs_checksum) == 0) {
        frame.mark_sum((h.flags & virtio_net_header::data_valid) != 0);
        return true;
    }
    // No transport has it farther than 255 octets from its start.
    if (h.checksum_offset > 255 || h.checksum_start + h.checksum_offset + 2U > frame.size()) return false;
    frame.mark_partial_sum(h.checksum_start, h.checksum_offset);
    return true;
}

/// The header of a frame to send, whose checksum the card is to complete where it is partial, and which it is to cut
/// into segments where it is marked so (section 5.1.6.2).
inline virtio_net_header header_for(const packet& frame) {
    virtio_net_header h{};
    if (frame.sum() >= packet_sum::partial) {
        h.flags = virtio_net_header::needs_checksum;
        h.checksum_start = static_cast<std::uint16_t>(frame.sum_from());
        h.checksum_offset = static_cast<std::uint16_t>(frame.sum_field());
    }
    if (const std::size_t octets = frame.segment(); octets != 0) {
        h.segment_type = virtio_net_header::tcp4;
        h.header_octets = static_cast<std::uint16_t>(frame.size());
        h.segment_octets = static_cast<std::uint16_t>(octets);
    }
    return h;
}

}  // namespace uk::drv
