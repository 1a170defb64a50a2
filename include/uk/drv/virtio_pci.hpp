// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/drv/virtio.hpp>
#include <uk/drv/virtio_device.hpp>
#include <uk/port.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::drv {

/// Offsets and bits of the PCI configuration space (PCI Local Bus 3.0, chapter 6), which is accessed in words of
/// 4 octets.
struct pci_config {
    static constexpr unsigned id = 0x00;
    static constexpr unsigned command = 0x04;  // upper half: status
    static constexpr unsigned header = 0x0c;
    static constexpr unsigned bar = 0x10;
    static constexpr unsigned subsystem = 0x2c;
    static constexpr unsigned capabilities = 0x34;
    static constexpr unsigned end = 0x100;

    static constexpr std::uint32_t decode = 3;  // I/O and memory
    static constexpr std::uint32_t memory = 2;
    static constexpr std::uint32_t bus_master = 4;
    static constexpr std::uint32_t no_intx = 1 << 10;
    static constexpr std::uint32_t has_capabilities = 1 << 20;
    static constexpr std::uint32_t many_functions = 1 << 23;
    static constexpr std::uint32_t msix_masked = 1u << 30;
    static constexpr std::uint32_t msix_enabled = 1u << 31;

    static constexpr std::uint32_t vendor_capability = 0x09;
    static constexpr std::uint32_t msix_capability = 0x11;
};

/// One function on the bus, while it is set up.
template <class Bus>
class pci_function {
public:
    pci_function(Bus& bus, std::uint32_t bdf) : bus_(bus), bdf_(bdf) {}

    [[gnu::noinline]] std::uint32_t read(unsigned offset) { return bus_.config_read(bdf_, offset); }
    [[gnu::noinline]] void write(unsigned offset, std::uint32_t value) { bus_.config_write(bdf_, offset, value); }

    /// The `length` octets from `offset` of a memory BAR, or nothing where the BAR is not set up or does not hold them.
    /// Decoding must be off: finding the size of a BAR moves it (section 6.2.5.1 there).
    [[gnu::noinline]] virtio_window window(std::uint32_t bar, std::uint32_t offset, std::uint32_t length) {
        if (bar > 5) return {};
        const unsigned at = pci_config::bar + 4 * bar;
        const std::uint32_t low = read(at);
        const bool wide = (low & 6) == 4;
        if ((low & 1) != 0 || (wide && bar == 5)) return {};
        const std::uint64_t high = wide ? read(at + 4) : 0;
        write(at, 0xffff'ffff);
        const std::uint32_t size = ~(read(at) & ~15u) + 1;
        write(at, low);
        const std::uint64_t base = high << 32 | (low & ~15u);
        // Section 4.1.4: offsets are aligned to 4, except for notifications, to 2; no device makes use of that.
        if (base == 0 || offset % 4 != 0 || std::uint64_t{offset} + length > size) return {};
        return {bus_.map(base + offset, length), length};
    }

private:
    Bus& bus_;
    std::uint32_t bdf_;
};

/// What the capabilities of a virtio device say (section 4.1.4).
struct virtio_pci_windows {
    // Places in `of`: cfg_type, and what it leaves free.
    enum : unsigned { msix_entry = 0, common = 1, notify = 2, config = 4 };

    virtio_window of[5]{};
    std::uint32_t notify_step = 0;
    unsigned msix = 0;  // where the capability is

    /// Walks the list, which a device can make to be anything: a bounded number of steps, only in its own space.
    template <class Bus>
    explicit virtio_pci_windows(pci_function<Bus>& function) {
        unsigned at = function.read(pci_config::capabilities) & 0xfc;
        for (int i = 0; i < 48 && at >= 0x40; ++i) {
            const std::uint32_t head = function.read(at);
            if ((head & 0xff) == pci_config::msix_capability && at + 12 <= pci_config::end) {
                const std::uint32_t table = function.read(at + 4);
                msix = at;
                of[msix_entry] = function.window(table & 7, table & ~7u, 16);
            } else if ((head & 0xff) == pci_config::vendor_capability && at + 16 <= pci_config::end) {
                take(function, at, head >> 24);
            }
            at = head >> 8 & 0xfc;
        }
    }

private:
    // The first of each kind that can be used counts (section 4.1.4.1).
    template <class Bus>
    void take(pci_function<Bus>& function, unsigned at, unsigned kind) {
        static constexpr std::uint8_t least[]{0, virtio_reg::pci_end, 2, 0, 1};
        if (kind > 4 || least[kind] == 0 || of[kind].at != nullptr) return;
        const std::uint32_t length = function.read(at + 12);
        if (length < least[kind]) return;
        if (kind == notify) {
            if (at + 20 > pci_config::end) return;
            notify_step = function.read(at + 16);
        }
        of[kind] = function.window(function.read(at + 4) & 0xff, function.read(at + 8), length);
    }
};

/// Makes the function ready: memory decoding, bus mastering and, with `wakes`, MSI-X vector 0 as the machine's wake
/// message (section 4.1.5.1).
template <class Device, class Bus>
void open_virtio_pci(Bus& bus, pci_function<Bus>& function, bool wakes, Device& device) {
    const std::uint32_t command = function.read(pci_config::command);
    if ((command & pci_config::has_capabilities) == 0) return device.set_lack(virtio_lack::modern);
    // The upper half's bits are cleared by writing ones.
    const std::uint32_t own = command & 0xffff;
    function.write(pci_config::command, own & ~pci_config::decode);
    const virtio_pci_windows found(function);

    auto lack = virtio_lack::nothing;
    if (wakes && found.of[found.msix_entry].at == nullptr) lack = virtio_lack::interrupt;
    if (found.of[found.common].at == nullptr || found.of[found.notify].at == nullptr) lack = virtio_lack::sense;
    if (lack != virtio_lack::nothing) {
        function.write(pci_config::command, own);
        return device.set_lack(lack);
    }
    function.write(pci_config::command, own | pci_config::memory | pci_config::bus_master | pci_config::no_intx);
    if (wakes) {
        const msi_message message = bus.wake_message();
        const virtio_window& entry = found.of[found.msix_entry];
        entry.write(0, static_cast<std::uint32_t>(message.address));
        entry.write(4, static_cast<std::uint32_t>(message.address >> 32));
        entry.write(8, message.data);
        entry.write(12, std::uint32_t{0});  // not masked
        const std::uint32_t control = function.read(found.msix);
        function.write(found.msix, (control | pci_config::msix_enabled) & ~pci_config::msix_masked);
    }
    device.open_pci(found.of[found.common], found.of[found.notify], found.notify_step, found.of[found.config]);
}

/// Looks for the first usable device of `type` on bus 0 (section 4.1.2). Bridges are not followed. Where there is none,
/// `device` says what the last one lacked.
template <class Device, class Bus>
void find_virtio_pci(Bus& bus, virtio_type type, bool wakes, Device& device) {
    if (!bus.has_pci()) return;
    std::uint32_t step = 8;
    for (std::uint32_t bdf = 0; bdf < 256 && !device; bdf += step) {
        pci_function<Bus> function(bus, bdf);
        const std::uint32_t id = function.read(pci_config::id);
        if (bdf % 8 == 0) {
            const bool many =
                id != 0xffff'ffff && (function.read(pci_config::header) & pci_config::many_functions) != 0;
            step = many ? 1 : 8;
        }
        // Vendor 0x1af4, devices 0x1000 to 0x107f; the lower half is transitional and has its type elsewhere.
        if ((id & 0xff80'ffff) != 0x1000'1af4) continue;
        const std::uint32_t number = id >> 16 & 0x7f;
        const std::uint32_t is =
            number >= 0x40 ? number - 0x40 : function.read(pci_config::subsystem) >> 16;
        if (is == static_cast<std::uint32_t>(type)) open_virtio_pci(bus, function, wakes, device);
    }
}

/// Devices on the PCI bus alone.
struct virtio_pci {
    using needs = ports<port::pci>;
    using device_type = virtio_device<virtio_reach::pci>;

    /// `wakes`: the device's events are to end `idle`.
    template <class Stack>
    static void find(Stack& os, virtio_type type, bool wakes, device_type& device) {
        find_virtio_pci(os[port::pci], type, wakes, device);
    }
    template <class Stack>
    static std::uint64_t dma_address(Stack& os, const volatile void* p) {
        return os[port::pci].dma_address(p);
    }
};

}  // namespace uk::drv
