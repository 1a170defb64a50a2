// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/config.hpp>

#include <cstddef>

/// In an image: where its one stack lies, in zeroed memory, and that stack's scheduler and packet buffers. Defined by
/// uk::run and, by their `place_links()`, the parts.
extern "C" std::byte uk_stack_object[], uk_scheduler_object[], uk_packet_store_object[];

namespace uk {

/// A reference to what an image has once, at the address `Where` that the linker knows: there it takes neither memory
/// nor a load. Elsewhere it is a reference like any other.
template <class T, std::byte* Where, bool Linked = config::linked>
class image_link {
public:
    constexpr image_link(T& object) : object_(object) {}
    constexpr T& operator*() const { return object_; }
    constexpr T* operator->() const { return &object_; }
    /// False when the link was made from another object than it leads to.
    constexpr bool leads_to(const T& object) const { return &object == &object_; }

private:
    T& object_;
};

template <class T, std::byte* Where>
class image_link<T, Where, true> {
public:
    image_link(T&) {}
    T& operator*() const { return reinterpret_cast<T&>(*Where); }
    T* operator->() const { return &**this; }
    bool leads_to(const T& object) const { return &object == &**this; }
};

}  // namespace uk
