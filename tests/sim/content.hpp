// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_random.hpp>
#include <uk/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// What is said in a simulated conversation: a function of who says it and of the place in the stream, so that whoever
/// reads it can tell at once that an octet is lost, doubled, moved or of another conversation.
namespace stage {

/// The octets of one direction. The first eight name it, the others look random.
struct content {
    std::uint64_t name;

    /// Eight octets from `8 * index` on.
    std::uint64_t word(std::uint64_t index) const {
        return index == 0 ? name : uk::sim::random::mix(name + index * 0x9e3779b97f4a7c15);
    }

    /// Fills `out` with what stands from `at` on.
    void fill(std::uint64_t at, uk::writable_bytes out) const {
        each(at, out.size(), [&](std::size_t place, const std::byte* from, std::size_t n) {
            std::memcpy(out.data() + place, from, n);
        });
    }

    /// True when `text` is what stands from `at` on.
    bool matches(std::uint64_t at, uk::bytes text) const {
        bool same = true;
        each(at, text.size(), [&](std::size_t place, const std::byte* from, std::size_t n) {
            same = same && std::memcmp(text.data() + place, from, n) == 0;
        });
        return same;
    }

private:
    template <class Use>
    void each(std::uint64_t at, std::size_t size, Use use) const {
        for (std::size_t done = 0; done < size;) {
            std::array<std::byte, 8> octets;
            uk::store_be(octets.data(), word((at + done) / 8));
            const std::size_t skip = (at + done) % 8;
            const std::size_t left = size - done;
            const std::size_t n = left < 8 - skip ? left : 8 - skip;
            use(done, octets.data() + skip, n);
            done += n;
        }
    }
};

}  // namespace stage
