// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/config.hpp>

#include <cstddef>

/// In an image: where its one stack lies, in zeroed memory that uk::run reserves.
extern "C" std::byte uk_stack_object[];

namespace uk {

/// A part's way to the stack that it lives in: `os_[port::clock]` and what else a stack has. An image has one stack,
/// and the linker knows where: there this takes neither memory nor a load. Elsewhere it is a reference.
template <class Stack, bool InImage = config::image>
class stack_link {
public:
    explicit constexpr stack_link(Stack& os) : os_(os) {}

    constexpr Stack& get() const { return os_; }
    template <class Port>
    constexpr auto& operator[](Port p) const {
        return get()[p];
    }
    template <class Visit>
    constexpr void each(Visit visit) const {
        get().each(visit);
    }
    template <class Visit>
    constexpr void each_reversed(Visit visit) const {
        get().each_reversed(visit);
    }
    constexpr auto& scheduler() const { return get().scheduler(); }

private:
    Stack& os_;
};

template <class Stack>
class stack_link<Stack, true> {
public:
    explicit stack_link(Stack&) {}

    /// False for a stack that lies anywhere else.
    bool is_to(const Stack& os) const { return &os == &get(); }
    Stack& get() const { return reinterpret_cast<Stack&>(uk_stack_object); }
    template <class Port>
    auto& operator[](Port p) const {
        return get()[p];
    }
    template <class Visit>
    void each(Visit visit) const {
        get().each(visit);
    }
    template <class Visit>
    void each_reversed(Visit visit) const {
        get().each_reversed(visit);
    }
    auto& scheduler() const { return get().scheduler(); }
};

}  // namespace uk
