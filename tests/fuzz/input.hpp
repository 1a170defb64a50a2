// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

/// What all fuzz targets share. libFuzzer calls `LLVMFuzzerTestOneInput` with octets of its own choosing.
namespace fuzz {

using octets = std::vector<std::byte>;

/// A promise that must hold whatever the input is.
inline void require(bool holds, const char* promise) {
    if (holds) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

/// The input as a list of decisions, which are all zero behind its end.
class input {
public:
    input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const std::byte*>(data), size) {}

    bool empty() const { return rest_.empty(); }
    unsigned octet() {
        if (rest_.empty()) return 0;
        const auto value = std::to_integer<unsigned>(rest_[0]);
        rest_ = rest_.subspan(1);
        return value;
    }
    unsigned word() {
        const unsigned high = octet();
        return high << 8 | octet();
    }
    std::uint32_t number() {
        const std::uint32_t high = word();
        return high << 16 | word();
    }
    /// `most` octets, or what is left of them.
    uk::bytes take(std::size_t most) {
        const uk::bytes taken = rest_.first(std::min(most, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    /// A piece with its length in front: one octet below 0xf0, else two.
    uk::bytes piece() {
        const unsigned first = octet();
        return take(first < 0xf0 ? first : (first & 0xf) << 8 | octet());
    }
    uk::bytes rest() { return take(rest_.size()); }

private:
    uk::bytes rest_;
};

inline void append(octets& to, uk::bytes what) { to.insert(to.end(), what.begin(), what.end()); }

}  // namespace fuzz
