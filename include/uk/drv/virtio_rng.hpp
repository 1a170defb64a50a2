// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/drv/virtio.hpp>
#include <uk/drv/virtio_pci_or_mmio.hpp>
#include <uk/drv/virtio_queue.hpp>
#include <uk/port.hpp>
#include <uk/stack_link.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace uk::drv {

struct virtio_rng_options {
    /// Looks at the ring before a request is given up, and the device with it: a few hundred milliseconds.
    std::uint32_t looks = 1 << 24;
};

/// A virtio entropy device (section 5.4): port::entropy. Where there is none, or it stopped answering, `fill` says
/// false. Looks for the device when it is first asked, so that a machine with a better source pays nothing. Waits for
/// it without halting: meant for seeds, not for streams.
template <virtio_rng_options Options = {}, class Transport = virtio_pci_or_mmio>
struct virtio_rng {
    using needs = typename Transport::needs;
    using provides = ports<port::entropy>;
    static constexpr std::string_view name = "drv::virtio_rng";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {}
        in(const in&) = delete;
        in& operator=(const in&) = delete;

        ~in() {
            if (state_ == state::ready) virtio_reset(device_);
        }

        /// False: `out` must not be relied on.
        bool fill(writable_bytes out) { return try_fill(out); }

        bool try_fill(writable_bytes out) {
            while (!out.empty()) {
                const std::size_t n = request(out.size() < sizeof(memory_) ? out.size() : sizeof(memory_));
                if (n == 0) return false;
                copy(out, bytes(memory_, n));
                out = out.subspan(n);
                // What was given out is kept nowhere else, and a device that claims octets which it did not write
                // cannot make us hand out the same ones twice.
                std::memset(memory_, 0, sizeof(memory_));
            }
            return true;
        }

        const virtio_ring_faults& counters() const { return faults_; }

    private:
        using device_type = typename Transport::device_type;

        enum class state : std::uint8_t { unknown, ready, gone };

        void look_for_device() {
            state_ = state::gone;
            Transport::find(*os_, virtio_type::entropy, false, device_);
            if (!device_) return;
            const virtio_addresses<Transport, Stack> dma{stack_link<Stack>(*os_)};
            if (virtio_begin(device_) && virtio_accept(device_, virtio_feature::version_1) &&
                queue_.set_up(device_, 0, false, dma)) {
                virtio_go(device_);
                state_ = state::ready;
            } else {
                virtio_give_up(device_);
            }
        }

        // How many octets of memory_ the device filled; 0 when it failed.
        std::size_t request(std::size_t wanted) {
            if (state_ == state::unknown) look_for_device();
            if (state_ != state::ready) return 0;
            const std::array<virtio_piece, 1> all{
                {{Transport::dma_address(*os_, memory_), static_cast<std::uint32_t>(wanted), true}}};
            queue_.add(all);
            for (std::uint32_t i = 0; i < Options.looks && !queue_.broken(); ++i) {
                // Twice at least: see announce().
                if ((i & 0xffff) == 0 || i == 64) queue_.announce();
                if (const auto used = queue_.take(faults_)) {
                    device_.acknowledge();
                    return used->length < wanted ? used->length : wanted;
                }
            }
            // The device still has the buffer: only a reset takes it back.
            state_ = state::gone;
            virtio_reset(device_);
            return 0;
        }

        [[no_unique_address]] stack_link<Stack> os_;
        device_type device_;
        virtio_queue<2, typename device_type::doorbell_type> queue_;
        alignas(16) std::byte memory_[64];  // what the device writes
        virtio_ring_faults faults_;
        state state_ = state::unknown;
    };
};

}  // namespace uk::drv
