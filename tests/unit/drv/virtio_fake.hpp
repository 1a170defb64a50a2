// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/drv/virtio.hpp>
#include <uk/packet.hpp>
#include <uk/packets.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

/// The device's side of virtio for tests: registers that behave, rings read and written as a device would, and as a
/// hostile one would.
namespace fake {

struct piece {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;

    std::byte* data() const { return reinterpret_cast<std::byte*>(address); }
};

/// One queue as the device sees it.
struct queue {
    std::uint32_t most = 256;
    std::uint32_t size = 0;
    std::uint32_t enabled = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t available = 0;
    std::uint64_t used = 0;
    bool wakes = false;
    bool events = false;  // event indices were agreed on
    int rings = 0;
    int interrupts = 0;
    std::uint16_t seen = 0;   // of the available ring
    std::uint16_t given = 0;  // of the used ring

    template <class T>
    static T at(std::uint64_t address) {
        T value;
        std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof(T));
        return value;
    }
    template <class T>
    static void put(std::uint64_t address, T value) {
        std::memcpy(reinterpret_cast<void*>(address), &value, sizeof(T));
    }

    std::uint16_t driver_flags() const { return at<std::uint16_t>(available); }
    std::uint16_t waiting() const { return static_cast<std::uint16_t>(at<std::uint16_t>(available + 2) - seen); }

    /// The id of the next buffer; there must be one.
    std::uint16_t take() { return at<std::uint16_t>(available + 4 + 2 * (seen++ & (size - 1))); }
    std::vector<piece> pieces(std::uint16_t id) const {
        std::vector<piece> all;
        for (std::uint32_t at_id = id, n = 0; n <= size; ++n) {
            const std::uint64_t d = descriptors + 16 * at_id;
            all.push_back({at<std::uint64_t>(d), at<std::uint32_t>(d + 8), at<std::uint16_t>(d + 12)});
            if ((all.back().flags & 1) == 0) break;
            at_id = at<std::uint16_t>(d + 14);
        }
        return all;
    }
    /// An entry of the used ring, honest or not.
    void give(std::uint32_t id, std::uint32_t length) {
        const std::uint64_t entry = used + 4 + 8 * (given & (size - 1));
        put(entry, id);
        put(entry + 4, length);
        // Section 2.7.7.2: with event indices the flag is not looked at.
        const auto event = events ? at<std::uint16_t>(available + 4 + 2 * size) : std::uint16_t{0};
        if (events ? event == given : (driver_flags() & 1) == 0) ++interrupts;
        ++given;
        put(used + 2, given);
    }
    /// The device has seen all that is available and wants to know of more: with event indices, of the next `after`.
    void wait_for_more(std::uint16_t after = 0) {
        put(used + 4 + 8 * size, static_cast<std::uint16_t>(at<std::uint16_t>(available + 2) + after));
    }
    void set_flags(std::uint16_t flags) { put(used, flags); }
    void jump(std::uint16_t by) { put(used + 2, static_cast<std::uint16_t>(given + by)); }
};

struct card {
    std::uint64_t offered = uk::drv::virtio_feature::version_1;
    std::uint64_t accepted = 0;
    bool agrees = true;
    bool resets = true;
    bool has_vectors = true;
    bool config_wakes = false;
    int begun = 0;  // how often a driver let it go to work
    uk::drv::virtio_lack lack = uk::drv::virtio_lack::nothing;
    std::uint32_t status = 0;
    std::uint32_t generation = 0;
    int config_changes = 0;  // how many more readings of the generation find it changed
    std::array<std::uint8_t, 16> config{};
    std::array<queue, 3> queues{};
    std::uint32_t device_select = 0, driver_select = 0, queue_select = 0;
    int acknowledged = 0;
    int status_reads = 0;
    std::function<void(std::uint16_t)> on_ring = [](std::uint16_t) {};
    std::function<void()> on_acknowledge = [] {};

    std::uint32_t read(uk::drv::virtio_register r) {
        using namespace uk::drv::virtio_reg;
        const queue& q = queues.at(queue_select);
        if (r.mmio == device_feature.mmio) return static_cast<std::uint32_t>(offered >> 32 * device_select);
        if (r.mmio == uk::drv::virtio_reg::status.mmio) return ++status_reads, status;
        if (r.mmio == config_generation.mmio) return config_changes > 0 ? --config_changes, ++generation : generation;
        if (r.mmio == queue_size_max.mmio) return q.most;
        return 0;
    }
    void write(uk::drv::virtio_register r, std::uint32_t value) {
        using namespace uk::drv::virtio_reg;
        queue& q = queues.at(queue_select);
        std::uint64_t* const areas[]{&q.descriptors, &q.available, &q.used};
        for (unsigned i = 0; i < 3; ++i) {
            if (r.mmio == queue_address(i, 0).mmio) *areas[i] = (*areas[i] >> 32 << 32) | value;
            if (r.mmio == queue_address(i, 1).mmio) *areas[i] = (*areas[i] & 0xffff'ffff) | std::uint64_t{value} << 32;
        }
        if (r.mmio == device_feature_select.mmio) device_select = value;
        if (r.mmio == driver_feature_select.mmio) driver_select = value;
        if (r.mmio == driver_feature.mmio) accepted |= std::uint64_t{value} << 32 * driver_select;
        if (r.mmio == uk::drv::virtio_reg::queue_select.mmio) queue_select = value;
        if (r.mmio == queue_size.mmio) q.size = value;
        if (r.mmio == queue_enable.mmio) {
            q.enabled = value;
            q.events = (accepted & uk::drv::virtio_feature::event_index) != 0;
        }
        if (r.mmio == uk::drv::virtio_reg::status.mmio && (value != 0 || resets)) {
            status = agrees ? value : value & ~uk::drv::virtio_status::features_ok;
            if (value == 0) forget();
            begun += (value & uk::drv::virtio_status::driver_ok) != 0;
        }
    }
    /// A change of the configuration, with its notice.
    void tell_change() { ++generation; }

    void forget() {
        accepted = 0;
        config_wakes = false;
        for (queue& q : queues) q = {.most = q.most, .rings = q.rings};
    }
};

struct bell {
    card* of = nullptr;
    std::uint16_t queue = 0;

    explicit operator bool() const { return of != nullptr; }
    void ring() {
        ++of->queues.at(queue).rings;
        of->on_ring(queue);
    }
};

/// The handle of a card; see uk::drv::virtio_device.
struct device {
    using doorbell_type = bell;
    card* of = nullptr;

    explicit operator bool() const { return of != nullptr && of->lack == uk::drv::virtio_lack::nothing; }
    uk::drv::virtio_lack lack() const { return of == nullptr ? uk::drv::virtio_lack::device : of->lack; }
    std::uint32_t read(uk::drv::virtio_register r) { return of->read(r); }
    void write(uk::drv::virtio_register r, std::uint32_t value) { of->write(r, value); }
    template <class T>
    T config(std::uint32_t offset) {
        T value{};
        if (offset + sizeof(T) <= of->config.size()) std::memcpy(&value, &of->config[offset], sizeof(T));
        return value;
    }
    bool wake_by_queue(bool wakes) {
        of->queues.at(of->queue_select).wakes = wakes;
        return !wakes || of->has_vectors;
    }
    void wake_by_config() { of->config_wakes = true; }
    bell doorbell(std::uint16_t queue) { return {of, queue}; }
    void acknowledge() {
        ++of->acknowledged;
        of->on_acknowledge();
    }
};

struct transport {
    using needs = uk::ports<>;
    using device_type = device;

    template <class Os>
    static void find(Os& os, uk::drv::virtio_type, bool, device& found) {
        found.of = &os.card;
    }
    template <class Os>
    static std::uint64_t dma_address(Os&, const volatile void* p) {
        return reinterpret_cast<std::uint64_t>(p);
    }
};

/// What a driver asks of a stack.
template <std::size_t Buffers = 64>
struct os {
    uk::packets<uk::packet_limits{.buffers = Buffers}> buffers;
    fake::card card;

    auto& operator[](uk::port::packets_port) { return buffers; }
};

}  // namespace fake
