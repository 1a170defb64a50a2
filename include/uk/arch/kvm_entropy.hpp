// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/x86.hpp>
#include <uk/bytes.hpp>
#include <uk/part.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace uk::kvm {

/// The CPU's generators: RDSEED, else RDRAND. No other source and never the time: `fill` is false where the CPU has
/// neither or they fail.
struct entropy {
    using needs = ports<>;
    using provides = ports<port::entropy>;
    static constexpr std::string_view name = "kvm::entropy";

    entropy() {
        has_random_ = (x86::cpuid(1).ecx >> 30 & 1) != 0;
        has_seed_ = x86::cpuid(0).eax >= 7 && (x86::cpuid(7).ebx >> 18 & 1) != 0;
    }

    bool fill(writable_bytes out) {
        std::uint64_t last = 0;
        if (!draw(last)) return false;
        while (!out.empty()) {
            std::uint64_t word = 0;
            // A generator that repeats itself is broken: some CPUs yield all ones for ever after a resume.
            if (!draw(word) || word == last) return false;
            last = word;
            const std::size_t n = std::min(out.size(), sizeof word);
            std::memcpy(out.data(), &word, n);
            out = out.subspan(n);
        }
        return true;
    }

private:
    // Retries as Intel's DRNG Software Implementation Guide advises in 5.2: ten for RDRAND, which only fails when
    // broken; more with pauses for RDSEED, which runs dry.
    static constexpr int random_tries = 10;
    static constexpr int seed_tries = 100;

    bool draw(std::uint64_t& word) const {
        if (has_seed_) {
            for (int left = seed_tries; left != 0; --left) {
                if (x86::read_seed(word)) return true;
                x86::pause();
            }
        }
        if (has_random_) {
            for (int left = random_tries; left != 0; --left) {
                if (x86::read_random(word)) return true;
            }
        }
        return false;
    }

    bool has_seed_;
    bool has_random_;
};

}  // namespace uk::kvm
