// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/ethernet_wire.hpp>
#include <uk/net/offload.hpp>
#include <uk/part.hpp>
#include <uk/stack_link.hpp>
#include <uk/zeroed.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace uk::net {

struct ethernet_limits {
    /// Frames taken from the card in one turn of the loop, so that a flood cannot keep tasks and timers from running.
    std::size_t burst = 32;
};

/// Ethernet II over one card. A received frame goes to the stack's object with its
/// `static constexpr std::uint16_t ethertype`, as `receive_frame(packet&& payload, const ethernet_header&)`.
/// A card that knows when its link comes up has `bool link_came_up()`, true once each time: the stack's objects with
/// `void link_changed()` are told. It is asked in turns of the loop that brought no frame, so in the last one before
/// the machine halts. Frames to a group are taken where an object has `bool wants_group(const mac&)` and says so; the
/// card is expected to bring them all. Not obeyed: tags of IEEE 802.1Q are not understood, short frames are left to the
/// card to pad.
template <ethernet_limits Limits = {}>
struct ethernet {
    using needs = ports<port::frame>;
    using provides = ports<port::link>;
    static constexpr std::string_view name = "net::ethernet";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {}

        mac address() const { return os_[port::frame].address(); }
        std::size_t mtu() const { return os_[port::frame].mtu(); }

        /// As the card's, where it has them; see port::frame.
        bool fills_checksums() const
            requires may_fill_checksums<provider_of<Stack, port::frame>>
        {
            return os_[port::frame].fills_checksums();
        }
        std::size_t segment_pieces() const
            requires may_segment<provider_of<Stack, port::frame>>
        {
            return os_[port::frame].segment_pieces();
        }
        static constexpr bool marks_checksums()
            requires may_mark_checksums<provider_of<Stack, port::frame>>
        {
            return true;
        }

        bool send(const mac& to, std::uint16_t type, outgoing&& payload) {
            if (payload.size() > mtu()) {
                ++counters_->too_long;
                return false;
            }
            emit_ethernet(to, address(), type, payload.head.push_front(ethernet_header::size).data());
            const bool sent = os_[port::frame].send(std::move(payload));
            ++(sent ? counters_->sent : counters_->card_full);
            return sent;
        }

        /// The loop calls it in each turn.
        bool poll() {
            for (std::size_t i = 0; i < Limits.burst; ++i) {
                packet frame = os_[port::frame].receive();
                if (!frame) {
                    if (i == 0) ask_for_link();
                    return i != 0;
                }
                ++counters_->received;
                receive(std::move(frame));
            }
            return true;
        }

        struct counters_type {
            static constexpr std::string_view names =
                "received sent truncated not_ethernet2 bad_source not_for_us unknown_type "
                "too_long card_full";
            std::uint32_t received = 0;
            std::uint32_t sent = 0;
            std::uint32_t truncated = 0;      ///< shorter than a header
            std::uint32_t not_ethernet2 = 0;  ///< a length where the type should be
            std::uint32_t bad_source = 0;     ///< from a group address
            std::uint32_t not_for_us = 0;     ///< to another host, or a group
            std::uint32_t unknown_type = 0;   ///< no object answers to it
            std::uint32_t too_long = 0;       ///< to send, more than the mtu
            std::uint32_t card_full = 0;      ///< to send, refused by the card
        };
        const counters_type& counters() const { return *counters_; }

    private:
        void ask_for_link() {
            if constexpr (requires { os_[port::frame].link_came_up(); }) {
                if (!os_[port::frame].link_came_up()) return;
                os_.each([](auto& object) {
                    if constexpr (requires { object.link_changed(); }) object.link_changed();
                });
            }
        }

        [[gnu::noinline]] void receive(packet&& frame) {
            if (frame.size() < ethernet_header::size) {
                ++counters_->truncated;
                return;
            }
            ethernet_header h;
            load_ethernet(frame.data(), h);
            if (!h.has_type()) {
                ++counters_->not_ethernet2;
            } else if (h.source.is_group()) {
                ++counters_->bad_source;
            } else if (number_of(h.destination) != number_of(address()) && number_of(h.destination) != 0xffffffffffff &&
                       !is_wanted(h.destination)) {
                ++counters_->not_for_us;
            } else {
                frame.pop_front(ethernet_header::size);
                deliver(std::move(frame), h);
            }
        }

        bool is_wanted(const mac& group) {
            bool wanted = false;
            os_.each([&](auto& object) {
                if constexpr (requires { object.wants_group(group); }) wanted |= object.wants_group(group);
            });
            return wanted;
        }

        void deliver(packet&& payload, const ethernet_header& h) {
            bool taken = false;
            os_.each([&](auto& object) {
                if constexpr (requires { object.ethertype; }) {
                    if (object.ethertype != h.ethertype || taken) return;
                    taken = true;
                    object.receive_frame(std::move(payload), h);
                }
            });
            if (!taken) ++counters_->unknown_type;
        }

        [[no_unique_address]] stack_link<Stack> os_;
        zeroed<counters_type> counters_;
    };
};

}  // namespace uk::net
