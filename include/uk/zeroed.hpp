// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/check.hpp>
#include <uk/config.hpp>

#include <cstddef>
#include <cstring>
#include <new>

namespace uk {

/// A value that begins as zeros, as a member of a part: `zeroed<counters_type> counters_;`. The stack of an image is
/// made once, in memory that is zero, so nothing is written there. Elsewhere the value is constructed, and must turn
/// out to be zeros.
template <class T, bool InImage = config::image>
class zeroed {
public:
    zeroed() {
        if constexpr (!InImage) {
            std::memset(octets_, 0, sizeof octets_);
            asm volatile("" ::"r"(octets_) : "memory");  // what is there before a constructor counts as gone
            new (octets_) T{};
            for (const std::byte octet : octets_) check(octet == std::byte{}, "zeroed: a type that begins otherwise");
        }
    }
    zeroed(const zeroed&) = delete;
    zeroed& operator=(const zeroed&) = delete;
    ~zeroed() { (**this).~T(); }

    T& operator*() { return *std::launder(reinterpret_cast<T*>(octets_)); }
    const T& operator*() const { return *std::launder(reinterpret_cast<const T*>(octets_)); }
    T* operator->() { return &**this; }
    const T* operator->() const { return &**this; }

private:
    alignas(T) std::byte octets_[sizeof(T)];
};

}  // namespace uk
