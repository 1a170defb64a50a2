// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/drv/virtio.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace uk::drv {

/// One descriptor's worth of a buffer: `address` as the device sees it.
struct virtio_piece {
    std::uint64_t address;
    std::uint32_t length;
    bool device_writes;
};

/// A buffer that the device is done with: the id that `add` gave, and how many octets the device says it wrote, which
/// can be any number.
struct virtio_used {
    std::uint16_t id;
    std::uint32_t length;
};

// What lies in the memory that is shared with the device.
struct virtio_descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;  // 1: another follows, 2: the device writes
    std::uint16_t next;
};
struct virtio_used_entry {
    std::uint32_t id;
    std::uint32_t length;
};
template <class Entry>
struct virtio_ring_part {
    std::uint16_t flags;
    std::uint16_t index;
    // The entries follow.
    Entry* entries() { return reinterpret_cast<Entry*>(this + 1); }
};

// What is ours alone, for each descriptor: the free ones, and those of each buffer, are chains.
struct virtio_slot {
    std::uint16_t next;
    std::uint16_t chain;  // descriptors of the buffer with that id; 0: the device has none such
};

/// Whether one side's index, moving from `from` to `to`, has passed `event`, at which the other wants to be told
/// (section 2.7.10).
constexpr bool virtio_passes(std::uint16_t event, std::uint16_t from, std::uint16_t to) {
    return static_cast<std::uint16_t>(to - event - 1) < static_cast<std::uint16_t>(to - from);
}

/// A split virtqueue (section 2.7) over memory that virtio_queue gives it. Indirect descriptors are not used; event
/// indices are with `Events`, once `use_events` was called. The device can write all of the ring memory, so the state
/// of the driver's side is kept apart and is never read back from there.
template <class Doorbell, bool Events = false>
class virtio_ring {
public:
    virtio_ring(const virtio_ring&) = delete;
    virtio_ring& operator=(const virtio_ring&) = delete;

    /// Gives the memory to the device as its queue number `index`, before it goes to work (sections 4.1.5.1.3 and
    /// 4.2.3.2). `dma(pointer)` is the device's view of an address. False when the device has no such queue, or no way
    /// to wake the machine where that is wanted. Again when the device was reset: it has no buffer then.
    template <class Device, class Dma>
    bool set_up(Device& device, std::uint16_t index, bool wakes, Dma dma) {
        device.write(virtio_reg::queue_select, index);
        const std::uint32_t most = device.read(virtio_reg::queue_size_max);
        if (most == 0 || !device.wake_by_queue(wakes)) return false;
        // Whatever the device says, a power of two that both sides can hold.
        size_ = capacity_;
        while (size_ > most) size_ /= 2;
        lay_out();
        device.write(virtio_reg::queue_size, size_);
        const std::array<std::uint64_t, 3> areas{dma(descriptors_), dma(available_), dma(used_)};
        const auto halves = std::bit_cast<std::array<std::uint32_t, 6>>(areas);
        for (unsigned i = 0; i < 6; ++i) device.write(virtio_reg::queue_address(i / 2, i % 2), halves[i]);
        doorbell_ = device.doorbell(index);
        if (!doorbell_) return false;
        // Section 2.7.7: the device need not interrupt.
        available_->flags = wakes || uses_events() ? 0 : 1;
        if (!wakes && uses_events()) hold();
        for (std::uint16_t i = 0; i < size_; ++i) slots_[i].next = static_cast<std::uint16_t>(i + 1);
        room_ = size_;
        free_ = outstanding_ = published_ = seen_ = 0;
        device.write(virtio_reg::queue_enable, 1);
        return true;
    }

    /// Whether the device has agreed to VIRTIO_F_EVENT_IDX. Before each `set_up`.
    void use_events(bool agreed)
        requires Events
    {
        own_ = {.events = agreed};
    }

    constexpr bool uses_events() const {
        if constexpr (Events) return own_.events;
        return false;
    }

    std::uint16_t size() const { return size_; }
    /// Descriptors that are free.
    std::uint16_t room() const { return room_; }
    /// Buffers that the device has.
    std::uint16_t outstanding() const { return outstanding_; }

    /// Hands a buffer of one or more pieces to the device, `room()` at most; returns its id, below `size()`. The memory
    /// belongs to the device until `take` returns that id.
    std::uint16_t add(std::span<const virtio_piece> pieces) {
        const std::uint16_t id = free_;
        std::size_t left = pieces.size();
        for (const virtio_piece& piece : pieces) {
            const std::uint16_t next = slots_[free_].next;
            const int flags = (--left != 0 ? 1 : 0) | (piece.device_writes ? 2 : 0);
            descriptors_[free_] = {piece.address, piece.length, static_cast<std::uint16_t>(flags), next};
            free_ = next;
        }
        slots_[id].chain = static_cast<std::uint16_t>(pieces.size());
        room_ = static_cast<std::uint16_t>(room_ - pieces.size());
        ++outstanding_;
        available_->entries()[published_ & (size_ - 1)] = id;
        ++published_;
        // Section 2.7.13.3: the device sees the entry no later than the index.
        __atomic_store_n(&available_->index, published_, __ATOMIC_RELEASE);
        looks_ = 2;
        return id;
    }

    /// The next buffer that the device gives back, checked: `id` is one that it had. Entries that are not are counted
    /// and dropped.
    std::optional<virtio_used> take(virtio_ring_faults& faults) {
        while (!broken_) {
            // Section 2.7.14: the entries are read no earlier than the index.
            const std::uint16_t index = __atomic_load_n(&used_->index, __ATOMIC_ACQUIRE);
            const auto ready = static_cast<std::uint16_t>(index - seen_);
            if (ready == 0) break;
            if (ready > outstanding_) {
                ++faults.bad_index;
                broken_ = true;
                break;
            }
            const volatile virtio_used_entry& entry = used_->entries()[seen_ & (size_ - 1)];
            const std::uint32_t id = entry.id;
            const std::uint32_t length = entry.length;
            ++seen_;
            if (id < size_ && slots_[id].chain != 0) {
                release(static_cast<std::uint16_t>(id));
                return virtio_used{static_cast<std::uint16_t>(id), length};
            }
            ++faults.bad_id;
        }
        return {};
    }

    /// True once the device's index made no sense: it must be reset, and gives back nothing more.
    bool broken() const { return broken_; }

    /// Rings the doorbell when there are new buffers and the device wants to know. Call it in every turn of the loop.
    void announce() {
        if (looks_ == 0) return;
        --looks_;
        // Section 2.7.13.4.1: the index is out before the flags are read. Emulators that run one CPU without its fences
        // (QEMU's TCG) break that, and would lose the announcement for ever; by the second look, one turn later, the
        // index is out there too.
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if constexpr (Events) {
            // Each index is looked at twice, so what the device was told of trails by one look.
            const std::uint16_t told = std::exchange(own_.told, std::exchange(own_.looked, published_));
            if (uses_events()) {
                if (!virtio_passes(*available_event(), told, published_)) return;
                own_.told = published_;
                looks_ = 0;
                return doorbell_.ring();
            }
        }
        if ((__atomic_load_n(&used_->flags, __ATOMIC_RELAXED) & 1) != 0) return;
        looks_ = 0;
        doorbell_.ring();
    }
    /// There are new buffers of which the device may have to be told yet.
    bool unannounced() const { return looks_ != 0; }

    /// From now on the device need not interrupt; it may still do so once.
    void hold() {
        if (uses_events()) {
            // An index that is behind the device's: section 2.7.7.2.
            *used_event() = static_cast<std::uint16_t>(seen_ - 1);
        } else {
            available_->flags = 1;
        }
    }
    /// The next buffer that the device gives back is to interrupt. Whether there is one is to be asked afterwards: it
    /// may have come before the device knew.
    void arm() {
        if (uses_events()) {
            *used_event() = seen_;
        } else {
            available_->flags = 0;
        }
        // Section 2.7.14.1: the device sees that no later than we look at its index.
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    /// There is something to take.
    bool ready() const { return !broken_ && __atomic_load_n(&used_->index, __ATOMIC_RELAXED) != seen_; }

protected:
    /// `memory` has `octets(capacity)` octets, at a multiple of 16.
    [[gnu::noinline]] virtio_ring(std::byte* memory, std::uint16_t capacity) : memory_(memory), capacity_(capacity) {}
    ~virtio_ring() = default;

    // Descriptors, available ring, used ring, slots; the first three aligned by section 2.7. An event index follows
    // each ring.
    static constexpr std::size_t octets(std::size_t capacity) {
        return capacity * (sizeof(virtio_descriptor) + sizeof(std::uint16_t) + sizeof(virtio_used_entry) +
                           sizeof(virtio_slot)) +
               2 * (sizeof(virtio_ring_part<std::uint16_t>) + event_octets);
    }

private:
    static constexpr std::size_t event_octets = Events ? 4 : 0;
    struct event_state {
        std::uint16_t told = 0;    // the index of the available ring up to which the device knows
        std::uint16_t looked = 0;  // and up to which it was looked whether it wants to
        bool events = false;
    };
    struct nothing {};

    volatile std::uint16_t* used_event() { return available_->entries() + size_; }
    volatile std::uint16_t* available_event() { return reinterpret_cast<std::uint16_t*>(used_->entries() + size_); }

    using available_ring = virtio_ring_part<std::uint16_t>;
    using used_ring = virtio_ring_part<virtio_used_entry>;

    void lay_out() {
        std::memset(memory_, 0, octets(capacity_));
        descriptors_ = reinterpret_cast<virtio_descriptor*>(memory_);
        available_ = reinterpret_cast<available_ring*>(descriptors_ + capacity_);
        used_ = reinterpret_cast<used_ring*>(available_->entries() + capacity_ + event_octets / 2);
        slots_ =
            reinterpret_cast<virtio_slot*>(reinterpret_cast<std::byte*>(used_->entries() + capacity_) + event_octets);
    }

    void release(std::uint16_t id) {
        std::uint16_t last = id;
        for (std::uint16_t i = 1; i < slots_[id].chain; ++i) last = slots_[last].next;
        slots_[last].next = free_;
        free_ = id;
        room_ = static_cast<std::uint16_t>(room_ + slots_[id].chain);
        slots_[id].chain = 0;
        --outstanding_;
    }

    std::byte* const memory_;
    virtio_descriptor* descriptors_ = nullptr;
    available_ring* available_ = nullptr;
    used_ring* used_ = nullptr;
    virtio_slot* slots_ = nullptr;
    Doorbell doorbell_{};
    const std::uint16_t capacity_;
    std::uint16_t size_ = 0;
    std::uint16_t room_ = 0;
    std::uint16_t free_ = 0;
    std::uint16_t outstanding_ = 0;
    std::uint16_t published_ = 0;
    std::uint16_t seen_ = 0;
    std::uint8_t looks_ = 0;
    bool broken_ = false;
    [[no_unique_address]] std::conditional_t<Events, event_state, nothing> own_;
};

/// A virtqueue of at most `Capacity` descriptors, with its memory: never moved once set up.
template <std::uint16_t Capacity, class Doorbell, bool Events = false>
class virtio_queue : public virtio_ring<Doorbell, Events> {
public:
    static_assert(std::has_single_bit(Capacity) && Capacity >= 2 && Capacity <= 32768,
                  "virtio_queue: the number of descriptors is a power of two, 2 to 32768 (section 2.7).");

    virtio_queue() : virtio_ring<Doorbell, Events>(memory_, Capacity) {}

private:
    alignas(16) std::byte memory_[virtio_ring<Doorbell, Events>::octets(Capacity)];
};

}  // namespace uk::drv
