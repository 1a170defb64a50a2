// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_random.hpp>
#include <uk/arch/sim_seat.hpp>
#include <uk/part.hpp>

#include <string_view>

namespace uk::sim {

/// Repeatable octets from the world's seed: others in each seat, and after each restart.
template <class Host>
struct entropy {
    using needs = ports<>;
    using provides = ports<port::entropy>;
    static constexpr std::string_view name = "sim::entropy";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : random_(stream_of(detail::seat_of<Host>(os))) {}

        bool fill(writable_bytes out) {
            for (std::byte& b : out) b = static_cast<std::byte>(random_.next() >> 56);
            return true;
        }

    private:
        static random stream_of(const seat& s) {
            return random(s.in.seed(), std::uint64_t{0x656e7472} << 32 | s.number << 16 | s.boots());
        }
        random random_;
    };
};

}  // namespace uk::sim
