// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_seat.hpp>
#include <uk/part.hpp>

#include <string_view>

namespace uk::sim {

/// The world's time, counted from when the machine was switched on. `idle` ends the machine's turn.
template <class Host>
struct clock {
    using needs = ports<>;
    using provides = ports<port::clock, port::idle>;
    static constexpr std::string_view name = "sim::clock";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : seat_(detail::seat_of<Host>(os)) {}

        instant now() const { return {seat_.in.now().ns - seat_.since().ns}; }
        void idle(instant until) { seat_.halt(until + duration(static_cast<std::int64_t>(seat_.since().ns))); }

    private:
        seat& seat_;
    };
};

}  // namespace uk::sim
