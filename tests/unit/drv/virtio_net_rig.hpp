// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "virtio_fake.hpp"

#include <uk/drv/virtio_net.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

/// The network driver with a card whose device is the test.
namespace fake_net {

using namespace uk::drv;

inline constexpr virtio_net_options small{.receive_queue = 8, .send_queue = 8, .reserve = 4, .least = 2};

template <std::size_t Buffers = 32, virtio_net_options Options = small>
struct rig {
    using driver = typename virtio_net<Options, fake::transport>::template in<fake::os<Buffers>>;
    std::unique_ptr<fake::os<Buffers>> os = std::make_unique<fake::os<Buffers>>();
    fake::card& card = os->card;
    fake::queue& rx = card.queues[0];
    fake::queue& tx = card.queues[1];
    std::unique_ptr<driver> net;

    uk::packet_store& store() { return os->buffers.store(); }
    driver& start() {
        net = std::make_unique<driver>(*os);
        return *net;
    }
    /// The device receives a frame of `n` octets, numbered from `first`, and says `claimed` (0: the truth).
    std::uint16_t arrive(std::size_t n, unsigned first, std::int64_t claimed = -1) {
        const auto id = rx.take();
        const auto pieces = rx.pieces(id);
        REQUIRE(pieces.size() == 1);
        REQUIRE(pieces[0].flags == 2);
        REQUIRE(n + 12 <= pieces[0].length);
        std::memset(pieces[0].data(), 0xee, 12);
        for (std::size_t i = 0; i < n; ++i) pieces[0].data()[12 + i] = static_cast<std::byte>(first + i);
        rx.give(id, claimed < 0 ? static_cast<std::uint32_t>(n + 12) : static_cast<std::uint32_t>(claimed));
        return id;
    }
    /// The same with a header of the device's.
    void arrive_with(const virtio_net_header& h, std::size_t n, unsigned first) {
        std::byte* at = rx.pieces(arrive(n, first))[0].data();
        std::memcpy(at, &h, sizeof h);
    }
    uk::outgoing frame(std::size_t n, unsigned first) {
        uk::outgoing out{store().take()};
        const auto octets = out.head.push_back(n);
        for (std::size_t i = 0; i < n; ++i) octets[i] = static_cast<std::byte>(first + i);
        return out;
    }
};

inline bool holds(const uk::packet& p, std::size_t n, unsigned first) {
    if (p.size() != n) return false;
    for (std::size_t i = 0; i < n; ++i) {
        if (p.data()[i] != static_cast<std::byte>(first + i)) return false;
    }
    return true;
}

}  // namespace fake_net
