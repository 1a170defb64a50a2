// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/packet.hpp>

#include <cstddef>
#include <cstdint>

namespace uk {

/// Text that a card cuts into segments: what is behind the head of a packet that is marked so. Each piece is sent from
/// where it lies; `owner`, where there is one, is the buffer that it lies in. The list stands at the end of the head's
/// own buffer: the head's window must leave `sizeof(packet_pieces)` octets behind it.
/// Until a card has taken the packet, who made it keeps the owners alive; so nobody may keep the packet for later. The
/// card holds a reference on each until it is done.
struct alignas(16) packet_pieces {
    static constexpr std::size_t most = 32;

    struct piece {
        const std::byte* data;
        packet_buffer* owner;
        std::uint32_t size;
    };

    piece all[most];
    std::uint32_t count;
    std::uint32_t octets;  ///< in all

    void add(bytes text, packet_buffer* owner) {
        all[count++] = {text.data(), owner, static_cast<std::uint32_t>(text.size())};
        octets += static_cast<std::uint32_t>(text.size());
    }

    void hold() const {
        for (std::uint32_t i = 0; i < count; ++i) {
            if (all[i].owner != nullptr) ++all[i].owner->references;
        }
    }
    void let_go() const {
        for (std::uint32_t i = 0; i < count; ++i) {
            if (all[i].owner != nullptr) packet::attach(all[i].owner, 0, 0);
        }
    }
};

/// The list of a packet that is marked as one to be cut.
inline packet_pieces& pieces_of(packet& head) {
    return *reinterpret_cast<packet_pieces*>(head.data() + head.size() + head.tailroom() - sizeof(packet_pieces));
}

/// Marks a packet as one to be cut into segments of `octets` of text, 1 to 65535, with no pieces yet.
inline packet_pieces& begin_pieces(packet& head, std::size_t octets) {
    head.mark_segments(octets);
    packet_pieces& list = pieces_of(head);
    list.count = list.octets = 0;
    return list;
}

}  // namespace uk
