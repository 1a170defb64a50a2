// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_world.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace uk::sim {

/// Writes every frame that a host sends to a file that packet analysers read: pcap, version 2.4 with nanoseconds,
/// LINKTYPE_ETHERNET (draft-ietf-opsawg-pcap). Watch a world with it. `arrivals`: the frames that arrive instead.
class capture : public observer {
public:
    /// The file is that of the caller, and so is its end.
    capture(std::FILE* to, bool arrivals = false) : to_(to), arrivals_(arrivals) {
        saw = [](observer& o, const passage& p) { static_cast<capture&>(o).write(p); };
        put({0xa1b23c4d, 0x0002'0004, 0, 0, longest, 1});
    }

    /// False when something could not be written.
    bool good() const { return good_; }

private:
    static constexpr std::uint32_t longest = 65'535;
    static constexpr std::uint64_t second = 1'000'000'000;

    // Everything in network order; the reader finds out by the first word.
    template <std::size_t N>
    void put(const std::uint32_t (&words)[N]) {
        std::array<std::byte, 4 * N> octets;
        for (std::size_t i = 0; i < N; ++i) store_be(octets.data() + 4 * i, words[i]);
        put(bytes(octets));
    }
    void put(bytes octets) { good_ &= std::fwrite(octets.data(), 1, octets.size(), to_) == octets.size(); }

    void write(const passage& p) {
        if (p.sent == arrivals_) return;
        const auto size = static_cast<std::uint32_t>(p.octets.size());
        put({static_cast<std::uint32_t>(p.at.ns / second), static_cast<std::uint32_t>(p.at.ns % second), size, size});
        put(p.octets);
    }

    std::FILE* to_;
    bool arrivals_;
    bool good_ = true;
};

}  // namespace uk::sim
