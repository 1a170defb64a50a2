// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/drv/virtio.hpp>
#include <uk/drv/virtio_device.hpp>
#include <uk/port.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace uk::drv {

/// Looks for the first device of `type` in the machine's virtio-mmio windows (section 4.2). With `wakes`, its line ends
/// `idle`. Where there is none, `device` stays as it was, or says that only a legacy one was there.
template <class Device, class Bus>
void find_virtio_mmio(Bus& bus, virtio_type type, bool wakes, Device& device) {
    constexpr std::uint32_t magic = 0x74726976;  // "virt"
    std::array<mmio_slot, 32> slots;
    std::size_t count = bus.mmio_slots(slots);
    if (count > slots.size()) count = slots.size();
    for (std::size_t i = 0; i < count; ++i) {
        const mmio_slot& slot = slots[i];
        if (slot.size < virtio_reg::mmio_config || slot.base % 4 != 0) continue;
        const virtio_window window{bus.map(slot.base, slot.size), slot.size};
        if (window.at == nullptr || window.read<std::uint32_t>(virtio_reg::mmio_magic) != magic ||
            window.read<std::uint32_t>(virtio_reg::mmio_device_id) != static_cast<std::uint32_t>(type)) {
            continue;
        }
        if (window.read<std::uint32_t>(virtio_reg::mmio_version) != 2) {
            device.set_lack(virtio_lack::modern);
            continue;
        }
        if (wakes) bus.wake_on(slot.irq);
        device.open_mmio(window);
        return;
    }
}

/// Devices in virtio-mmio windows alone.
struct virtio_mmio {
    using needs = ports<port::mmio>;
    using device_type = virtio_device<virtio_reach::mmio>;

    /// `wakes`: the device's events are to end `idle`.
    template <class Stack>
    static void find(Stack& os, virtio_type type, bool wakes, device_type& device) {
        find_virtio_mmio(os[port::mmio], type, wakes, device);
    }
    template <class Stack>
    static std::uint64_t dma_address(Stack& os, const volatile void* p) {
        return os[port::mmio].dma_address(p);
    }
};

}  // namespace uk::drv
