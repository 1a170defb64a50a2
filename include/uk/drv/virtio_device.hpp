// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/config.hpp>
#include <uk/drv/virtio.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::drv {

/// Device registers in the address space of the machine: the caller of each access has checked that it lies inside.
struct virtio_window {
    volatile std::byte* at = nullptr;
    std::uint32_t size = 0;

    template <class T>
    T read(std::uint32_t offset) const {
        return *reinterpret_cast<const volatile T*>(at + offset);
    }
    template <class T>
    void write(std::uint32_t offset, T value) const {
        *reinterpret_cast<volatile T*>(at + offset) = value;
    }
};

/// Where a queue is announced to have new buffers. `wide` by the transport: MMIO takes 32 bits (section 4.2.2), PCI 16
/// (section 4.1.5.2).
struct virtio_doorbell {
    volatile std::byte* at = nullptr;
    std::uint16_t queue = 0;
    bool wide = false;

    explicit operator bool() const { return at != nullptr; }
    void ring() const {
        const virtio_window here{at, 4};
        if (wide) {
            here.write<std::uint32_t>(0, queue);
        } else {
            here.write<std::uint16_t>(0, queue);
        }
    }
};

/// What an image may have to reach: with one alone, the other's code is not in it.
enum class virtio_reach : std::uint8_t { pci, mmio, either };

/// The registers of one device, or the reason why there is none. Filled in by the transport that looks for it.
template <virtio_reach Reach>
class virtio_device {
public:
    using doorbell_type = virtio_doorbell;

    /// Nothing found yet.
    virtio_device() = default;

    /// Becomes the device behind a window with the layout of section 4.2.2.
    void open_mmio(virtio_window registers) {
        lack_ = virtio_lack::nothing;
        common_ = registers;
        config_ = {registers.at + virtio_reg::mmio_config, registers.size - virtio_reg::mmio_config};
    }

    /// Becomes the device behind the windows of section 4.1.4; `config` may be empty. `notify_step` is
    /// notify_off_multiplier.
    void open_pci(virtio_window common, virtio_window notify, std::uint32_t notify_step, virtio_window config) {
        lack_ = virtio_lack::nothing;
        common_ = common;
        notify_ = notify;
        notify_step_ = notify_step;
        config_ = config;
        pci_ = true;
    }

    void set_lack(virtio_lack lack) { lack_ = lack; }

    explicit operator bool() const { return lack_ == virtio_lack::nothing; }
    virtio_lack lack() const { return lack_; }

    [[gnu::noinline]] std::uint32_t read(virtio_register r) const {
        config::pass_pointer(this);
        if (!is_pci()) return common_.read<std::uint32_t>(r.mmio);
        if (r.pci_octets == 1) return common_.read<std::uint8_t>(r.pci);
        if (r.pci_octets == 2) return common_.read<std::uint16_t>(r.pci);
        return common_.read<std::uint32_t>(r.pci);
    }
    [[gnu::noinline]] void write(virtio_register r, std::uint32_t value) const {
        config::pass_pointer(this);
        if (!is_pci()) {
            common_.write<std::uint32_t>(r.mmio, value);
        } else if (r.pci_octets == 1) {
            common_.write(r.pci, static_cast<std::uint8_t>(value));
        } else if (r.pci_octets == 2) {
            common_.write(r.pci, static_cast<std::uint16_t>(value));
        } else {
            common_.write(r.pci, value);
        }
    }

    /// A field of the device's own configuration, `offset` a multiple of its size; 0 beyond the configuration.
    template <class T>
    T config(std::uint32_t offset) const {
        return offset + sizeof(T) <= config_.size ? config_.read<T>(offset) : T{0};
    }

    /// Whether the selected queue is to wake the machine; false when the device has not got the means (section
    /// 4.1.5.1.2.1). MMIO has one line for all, see `acknowledge`.
    bool wake_by_queue(bool wakes) const {
        if (!is_pci()) return true;
        const std::uint16_t vector = wakes ? 0 : no_vector;
        common_.write(virtio_reg::pci_queue_msix_vector, vector);
        return common_.read<std::uint16_t>(virtio_reg::pci_queue_msix_vector) == vector;
    }

    /// Lets a change of the configuration wake the machine too; again after each reset (section 4.1.5.1.2.1). A device
    /// that has not got the means is heard when something else wakes the machine.
    void wake_by_config() const {
        if (is_pci()) common_.write<std::uint16_t>(virtio_reg::pci_config_msix_vector, 0);
    }

    /// Where the selected queue, number `queue`, is announced; nothing when the device puts it outside of its window.
    virtio_doorbell doorbell(std::uint16_t queue) const {
        if (!is_pci()) return {common_.at + virtio_reg::mmio_notify, queue, true};
        const std::uint64_t offset =
            std::uint64_t{common_.read<std::uint16_t>(virtio_reg::pci_queue_notify_offset)} * notify_step_;
        // Section 4.1.4.4.1; the step's lowest bit would make the access unaligned.
        if (offset + 2 > notify_.size || (notify_step_ & 1) != 0) return {};
        return {notify_.at + offset, queue, false};
    }

    /// Lowers the line of an MMIO device, so that its next event is an edge again. Call it before looking at the rings:
    /// what arrives afterwards raises the line anew. Both causes are acknowledged unread, to save the exit.
    void acknowledge() const {
        if (!is_pci()) common_.write<std::uint32_t>(virtio_reg::mmio_interrupt_acknowledge, 3);
    }

private:
    static constexpr std::uint16_t no_vector = 0xffff;

    constexpr bool is_pci() const { return Reach == virtio_reach::either ? pci_ : Reach == virtio_reach::pci; }

    virtio_window common_{};
    virtio_window config_{};
    virtio_window notify_{};
    std::uint32_t notify_step_ = 0;
    virtio_lack lack_ = virtio_lack::device;
    bool pci_ = false;
};

}  // namespace uk::drv
