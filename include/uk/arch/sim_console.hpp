// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_seat.hpp>
#include <uk/part.hpp>
#include <uk/print.hpp>

#include <string_view>

namespace uk::sim {

/// Text that stays in the seat.
template <class Host>
struct console {
    using needs = ports<>;
    using provides = ports<port::console>;
    static constexpr std::string_view name = "sim::console";

    template <class Stack>
    class in : public printer<in<Stack>> {
    public:
        explicit in(Stack& os) : seat_(detail::seat_of<Host>(os)) {}
        void write(std::string_view text) { seat_.written += text; }

    private:
        seat& seat_;
    };
};

}  // namespace uk::sim
