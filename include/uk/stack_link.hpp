// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/image_link.hpp>

namespace uk {

/// A part's way to the stack that it lives in, with what a stack can do: `os_[port::clock]`.
template <class Stack>
class stack_link : public image_link<Stack, uk_stack_object> {
    using base = image_link<Stack, uk_stack_object>;

public:
    explicit constexpr stack_link(Stack& os) : base(os) {}

    template <class Port>
    constexpr auto& operator[](Port p) const {
        return (**this)[p];
    }
    template <class Visit>
    constexpr void each(Visit visit) const {
        (**this).each(visit);
    }
    template <class Visit>
    constexpr void each_reversed(Visit visit) const {
        (**this).each_reversed(visit);
    }
    constexpr auto& scheduler() const { return (**this).scheduler(); }
};

}  // namespace uk
