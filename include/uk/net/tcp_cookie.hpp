// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_record.hpp>
#include <uk/siphash.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace uk::net {

/// SYN cookies (RFC 4987 section 3.6): our initial sequence number holds what must be remembered of a peer's SYN, so
/// that nothing is kept until the peer has shown that it gets our answers. 29 bits of a keyed hash over the ends, the
/// peer's number and the time in steps of about a minute, and three that choose among these segment sizes.
struct tcp_cookie {
    static constexpr std::array<std::uint16_t, 8> sizes{64, 536, 1024, 1220, 1360, 1440, 1460, 8960};
    /// A cookie is good in its own step and in the next one.
    static constexpr unsigned step_shift = 36;  // of nanoseconds: 69 s

    /// For a peer at `e` whose SYN has `theirs`; `mss` is the most that we may send.
    static seq make(const siphash_key& key, const tcp_ends& e, seq theirs, instant now, std::uint16_t mss) {
        std::uint32_t index = 0;
        while (index + 1 < sizes.size() && sizes[index + 1] <= mss) ++index;
        return {(hash(key, e, theirs, step(now)) & ~7U) | index};
    }

    /// The segment size that `cookie` holds, or 0 when we never sent it.
    static std::uint16_t check(const siphash_key& key, const tcp_ends& e, seq theirs, instant now, seq cookie) {
        for (std::uint32_t age : {0U, 1U}) {
            const std::uint32_t made = hash(key, e, theirs, step(now) - age) & ~7U;
            if (made == (cookie.value & ~7U)) return sizes[cookie.value & 7U];
        }
        return 0;
    }

private:
    struct message {
        tcp_ends ends;
        std::uint32_t theirs;
        std::uint32_t step;
    };
    static_assert(std::has_unique_object_representations_v<message>, "uk: no octet that means nothing is hashed");

    static std::uint32_t step(instant now) { return static_cast<std::uint32_t>(now.ns >> step_shift); }
    static std::uint32_t hash(const siphash_key& key, const tcp_ends& e, seq theirs, std::uint32_t step) {
        const message m{e, theirs.value, step};
        return static_cast<std::uint32_t>(siphash(key, std::as_bytes(std::span(&m, 1))));
    }
};

}  // namespace uk::net
