// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/drv/virtio.hpp>
#include <uk/drv/virtio_device.hpp>
#include <uk/drv/virtio_mmio.hpp>
#include <uk/drv/virtio_pci.hpp>
#include <uk/port.hpp>

#include <cstdint>

namespace uk::drv {

/// Whatever the machine has when it starts, so that one image runs on machines with PCI and without. PCI comes first.
struct virtio_pci_or_mmio {
    using needs = ports<port::pci, port::mmio>;
    using device_type = virtio_device<virtio_reach::either>;

    /// `wakes`: the device's events are to end `idle`.
    template <class Stack>
    static void find(Stack& os, virtio_type type, bool wakes, device_type& device) {
        find_virtio_pci(os[port::pci], type, wakes, device);
        if (!device) find_virtio_mmio(os[port::mmio], type, wakes, device);
    }
    template <class Stack>
    static std::uint64_t dma_address(Stack& os, const volatile void* p) {
        return os[port::pci].dma_address(p);
    }
};

}  // namespace uk::drv
