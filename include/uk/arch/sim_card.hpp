// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_seat.hpp>
#include <uk/packet.hpp>
#include <uk/part.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace uk::sim {

/// The network card of a seat. Like a real one it keeps what it sends until it has left, and then checks that nobody
/// has written to it meanwhile. A frame that finds no packet is dropped, as by a device without descriptors.
template <class Host>
struct card {
    using needs = ports<port::packets>;
    using provides = ports<port::frame>;
    static constexpr std::string_view name = "sim::card";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : store_(os[port::packets].store()), seat_(detail::seat_of<Host>(os)) {}

        packet receive() {
            reclaim();
            while (true) {
                frame f = seat_.take();
                if (f.empty()) return {};
                packet p = store_.take(frame_offset);
                if (p && f.size() <= p.tailroom()) copy(p.push_back(f.size()), f);
                seat_.in.let_go(std::move(f));
                if (p && p.size() != 0) return p;
                ++seat_.counted.no_buffer;
            }
        }

        bool send(outgoing&& out) {
            reclaim();
            if (count_ == sending_.size()) return false;
            frame f = seat_.in.fresh_frame();
            const bytes head = out.head.contents();
            f.insert(f.end(), head.begin(), head.end());
            f.insert(f.end(), out.body.begin(), out.body.end());
            const std::uint64_t hash = hash_of(out);
            if (seat_.outlet == nullptr) return false;
            seat_.in.report(seat_.number, true, f);
            const std::optional<instant> left = seat_.outlet->carry(std::move(f));
            if (!left) return false;
            sending& s = sending_[(first_ + count_++) % sending_.size()];
            s.what = std::move(out);
            s.until = *left;
            s.hash = hash;
            return true;
        }

        mac address() const { return seat_.address(); }
        static constexpr std::size_t mtu() { return 1500; }

    private:
        static constexpr std::size_t frame_offset = 2;

        struct sending {
            outgoing what;
            instant until;
            std::uint64_t hash = 0;
        };

        static std::uint64_t hash_of(const outgoing& out) {
            std::uint64_t h = 0;
            for (bytes piece : {out.head.contents(), out.body}) {
                for (; piece.size() >= 8; piece = piece.subspan(8)) {
                    h = (h ^ load_be<std::uint64_t>(piece.data())) * 0x9e3779b97f4a7c15;
                }
                for (std::byte b : piece) h = (h ^ std::to_integer<std::uint64_t>(b)) * 0x9e3779b97f4a7c15;
            }
            return h;
        }

        void reclaim() {
            for (; count_ != 0 && sending_[first_].until <= seat_.in.now(); --count_) {
                sending& s = sending_[first_];
                if (hash_of(s.what) != s.hash) ++seat_.counted.changed;
                s.what = {};
                first_ = (first_ + 1) % sending_.size();
            }
        }

        packet_store& store_;
        seat& seat_;
        std::array<sending, 32> sending_;
        std::size_t first_ = 0;
        std::size_t count_ = 0;
    };
};

}  // namespace uk::sim
