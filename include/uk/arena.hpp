// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace uk {

/// Memory for coroutine frames: blocks in size classes (four per power of two, so at most a fifth is lost to rounding),
/// cut from one span and kept on a free list per class once returned. Constant time but for the search in larger
/// classes when the span is used up. Never merges blocks: a program's frames come in few sizes, again and again.
class arena {
public:
    static constexpr std::size_t granule = 16;
    /// The largest frame that can be had.
    static constexpr std::size_t largest = std::size_t{64} * 1024;

    explicit arena(writable_bytes memory) : rest_(memory) {}
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;

    /// At least `size` octets, aligned to `granule`; nullptr when there is no room.
    void* allocate(std::size_t size) {
        if (size > largest) return nullptr;
        std::size_t c = 0;
        while (size_of(c) < size + sizeof(block)) ++c;
        const std::size_t need = size_of(c);
        block* found = free_[c];
        if (found == nullptr && rest_.size() >= need) {
            found = new (rest_.data()) block{};
            rest_ = rest_.subspan(need);
        } else {
            while (found == nullptr) {
                if (++c == classes) return nullptr;
                found = free_[c];
            }
            free_[c] = found->next;
        }
        found->size_class = c;
        found->home = this;
        used_ += size_of(c);
        if (used_ > peak_) peak_ = used_;
        return found + 1;
    }

    /// Returns `memory`, which came from some arena's `allocate` or is null, to that arena.
    static void free(void* memory) {
        if (memory == nullptr) return;
        block* b = static_cast<block*>(memory) - 1;
        arena& home = *b->home;
        b->next = home.free_[b->size_class];
        home.free_[b->size_class] = b;
        home.used_ -= size_of(b->size_class);
    }

    /// Octets handed out now, with their headers.
    std::size_t used() const { return used_; }
    std::size_t peak() const { return peak_; }

private:
    struct alignas(granule) block {
        std::size_t size_class = 0;
        union {
            block* next = nullptr;  // while free
            arena* home;            // while handed out: `operator delete` of a frame gets no other hint
        };
    };

    static constexpr std::size_t classes = 44;

    // Class 4k + j holds (4 + j) << k granules: 64, 80, 96, 112, 128, 160, ... octets.
    static constexpr std::size_t size_of(std::size_t c) {
        return ((4 + c % 4) << (c / 4)) * granule;
    }

    writable_bytes rest_;
    std::size_t used_ = 0;
    std::size_t peak_ = 0;
    block* free_[classes]{};
};

}  // namespace uk
