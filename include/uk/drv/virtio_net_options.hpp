// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>

#include <cstdint>

namespace uk::drv {

struct virtio_net_options {
    /// Descriptors of each queue, powers of two; fewer where the card has fewer. A frame that is sent takes one, or two
    /// when it has a body.
    std::uint16_t receive_queue = 32;
    std::uint16_t send_queue = 128;
    /// Buffers of the packet store that reception leaves to others, so that something can still be sent.
    std::uint16_t reserve = 16;
    /// Buffers that reception claims even so, so that an acknowledgement can still arrive.
    std::uint16_t least = 4;
    /// Follows the card's state: while the link is down frames are lost, when it comes up the layers above are told,
    /// and a card that asks for a reset is begun anew (where it only sets the bit and tells no change, when sending
    /// stalls). Costs one exit before each halt. Without it the link is taken as up, and a card that needs a reset is
    /// given up.
    bool watch = true;
    /// Interrupts are held back while frames keep coming, by VIRTIO_F_EVENT_IDX (section 2.7.7) where the device offers
    /// it; and it is announced to only where it wants to know (section 2.7.10). Under QEMU's TCG give the machine two
    /// possible CPUs: -smp 1,maxcpus=2.
    bool event_index = false;
    /// The same by the flag of the ring, where there is no event index.
    bool hold_interrupts = false;
    /// The device is told of frames to send at the end of each turn of the loop, and sooner when so many wait; 0: not
    /// sooner.
    std::uint16_t announce_after = 0;
    /// The card completes the checksums of what is sent (VIRTIO_NET_F_CSUM), and says of what it has received which are
    /// right (VIRTIO_NET_F_GUEST_CSUM).
    bool checksum = false;
    /// The card cuts what TCP sends into segments (VIRTIO_NET_F_HOST_TSO4). Needs `checksum`.
    bool segmentation = false;
    /// The address where the card has none of its own: a locally administered one, different on each machine of a link.
    mac address{{0x02, 0x75, 0x6b, 0x00, 0x00, 0x01}};
};

}  // namespace uk::drv
