// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/port.hpp>
#include <uk/stack_link.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// Drivers of virtio devices (Virtual I/O Device, version 1.2; sections are cited by its numbers). What a device does
/// (virtio_net, virtio_rng) is apart from how it is reached: a transport (virtio_pci, virtio_mmio, virtio_pci_or_mmio)
/// finds a device and gives a handle on its registers. Only the modern interface is spoken, and nothing that a device
/// says is believed.
///
/// A transport has `needs`, `device_type`, `find(os, type, wakes, device)` and `dma_address(os, pointer)`. A handle has
/// what virtio_device has.
namespace uk::drv {

static_assert(std::endian::native == std::endian::little, "virtio: all fields are little-endian (section 1.4)");

/// Device types, section 5.
enum class virtio_type : std::uint16_t { network = 1, block = 2, entropy = 4 };

/// Bits of the device status, section 2.1.
struct virtio_status {
    static constexpr std::uint32_t acknowledge = 1;
    static constexpr std::uint32_t driver = 2;
    static constexpr std::uint32_t driver_ok = 4;
    static constexpr std::uint32_t features_ok = 8;
    static constexpr std::uint32_t needs_reset = 64;
    static constexpr std::uint32_t failed = 128;
};

/// Feature bits, sections 6 and 5.1.3.
struct virtio_feature {
    static constexpr std::uint64_t net_checksum = 1ull << 0;
    static constexpr std::uint64_t net_guest_checksum = 1ull << 1;
    static constexpr std::uint64_t net_mtu = 1ull << 3;
    static constexpr std::uint64_t net_mac = 1ull << 5;
    static constexpr std::uint64_t net_host_tso4 = 1ull << 11;
    static constexpr std::uint64_t net_status = 1ull << 16;
    static constexpr std::uint64_t event_index = 1ull << 29;
    static constexpr std::uint64_t version_1 = 1ull << 32;
};

/// Why there is no device to drive.
enum class virtio_lack : std::uint8_t {
    nothing,    ///< there is one
    device,     ///< no device of that type was found
    modern,     ///< it only speaks the legacy interface (section 4.2.4)
    interrupt,  ///< a PCI device without MSI-X, which could not wake the machine
    sense,      ///< its capabilities do not fit its configuration space or its BARs
};

/// A register, by its offset in the MMIO layout (section 4.2.2; 32 bits each) and in the PCI common configuration
/// (section 4.1.4.3; of `pci_octets`).
struct virtio_register {
    std::uint16_t mmio;
    std::uint8_t pci;
    std::uint8_t pci_octets;
};

namespace virtio_reg {
inline constexpr virtio_register device_feature_select{0x014, 0x00, 4};
inline constexpr virtio_register device_feature{0x010, 0x04, 4};
inline constexpr virtio_register driver_feature_select{0x024, 0x08, 4};
inline constexpr virtio_register driver_feature{0x020, 0x0c, 4};
inline constexpr virtio_register status{0x070, 0x14, 1};
inline constexpr virtio_register config_generation{0x0fc, 0x15, 1};
inline constexpr virtio_register queue_select{0x030, 0x16, 2};
inline constexpr virtio_register queue_size_max{0x034, 0x18, 2};
inline constexpr virtio_register queue_size{0x038, 0x18, 2};
inline constexpr virtio_register queue_enable{0x044, 0x1c, 2};

/// A half, lower or upper, of the address of the queue's descriptors (area 0), available ring (1) or used ring (2).
constexpr virtio_register queue_address(unsigned area, unsigned half) {
    return {static_cast<std::uint16_t>(0x080 + 16 * area + 4 * half),
            static_cast<std::uint8_t>(0x20 + 8 * area + 4 * half), 4};
}

// One layout only; the other has another way.
inline constexpr std::uint16_t mmio_magic = 0x000;
inline constexpr std::uint16_t mmio_version = 0x004;
inline constexpr std::uint16_t mmio_device_id = 0x008;
inline constexpr std::uint16_t mmio_notify = 0x050;
inline constexpr std::uint16_t mmio_interrupt_acknowledge = 0x064;
inline constexpr std::uint16_t mmio_config = 0x100;
inline constexpr std::uint8_t pci_config_msix_vector = 0x10;
inline constexpr std::uint8_t pci_queue_msix_vector = 0x1a;
inline constexpr std::uint8_t pci_queue_notify_offset = 0x1e;
inline constexpr std::uint8_t pci_end = 0x38;
}  // namespace virtio_reg

/// Faults of the device in the rings, by cause.
struct virtio_ring_faults {
    /// A used entry whose id is no descriptor of the queue, or not one that the device has; the entry is dropped.
    std::uint32_t bad_id = 0;
    /// More used entries than the device has buffers: the device is not used any more.
    std::uint32_t bad_index = 0;
};

namespace detail {

template <auto... A, auto... B>
ports<A..., B...> join(ports<A...>, ports<B...>);

/// The ports of both lists.
template <class A, class B>
using joined = decltype(join(A{}, B{}));

}  // namespace detail

/// Addresses as the device sees them: one type for all drivers of a stack, so that what takes it is in the image once.
template <class Transport, class Stack>
struct virtio_addresses {
    [[no_unique_address]] stack_link<Stack> os;
    std::uint64_t operator()(const volatile void* p) const { return Transport::dma_address(*os, p); }
};

/// Stops the device: it lets go of all buffers. False when it does not within a bounded time (section 2.4.2).
template <class Device>
bool virtio_reset(Device& device) {
    device.write(virtio_reg::status, 0);
    for (int left = 100'000; left != 0; --left) {
        if (device.read(virtio_reg::status) == 0) return true;
    }
    return false;
}

/// Resets the device and says which features it offers; nothing when that cannot be done, or it is not a version 1
/// device (section 3.1.1, steps 1 to 4).
template <class Device>
std::optional<std::uint64_t> virtio_begin(Device& device) {
    if (!virtio_reset(device)) return {};
    device.write(virtio_reg::status, virtio_status::acknowledge | virtio_status::driver);
    std::uint64_t offered = 0;
    for (std::uint32_t i = 2; i-- > 0;) {
        device.write(virtio_reg::device_feature_select, i);
        offered = offered << 32 | device.read(virtio_reg::device_feature);
    }
    if ((offered & virtio_feature::version_1) == 0) return {};
    return offered;
}

/// Accepts `features`, a part of those offered; false when the device does not agree (section 3.1.1, steps 4 to 6).
template <class Device>
bool virtio_accept(Device& device, std::uint64_t features) {
    for (std::uint32_t i = 0; i < 2; ++i) {
        device.write(virtio_reg::driver_feature_select, i);
        device.write(virtio_reg::driver_feature, static_cast<std::uint32_t>(features >> 32 * i));
    }
    device.write(virtio_reg::status, virtio_status::acknowledge | virtio_status::driver | virtio_status::features_ok);
    return (device.read(virtio_reg::status) & virtio_status::features_ok) != 0;
}

/// Lets the device go to work, after its queues are set up (section 3.1.1, step 8).
template <class Device>
void virtio_go(Device& device) {
    device.write(virtio_reg::status, virtio_status::acknowledge | virtio_status::driver | virtio_status::features_ok |
                                         virtio_status::driver_ok);
}

/// Gives the device up after a step of its initialization failed (section 3.1.1).
template <class Device>
void virtio_give_up(Device& device) {
    device.write(virtio_reg::status, virtio_status::failed);
}

/// Calls `read()`, which reads fields of the device's configuration, until it did not change meanwhile; false when it
/// keeps changing (section 2.5.1).
template <class Device, class Read>
bool virtio_read_config(Device& device, Read read) {
    for (int i = 0; i < 16; ++i) {
        const std::uint32_t before = device.read(virtio_reg::config_generation);
        read();
        if (device.read(virtio_reg::config_generation) == before) return true;
    }
    return false;
}

}  // namespace uk::drv
