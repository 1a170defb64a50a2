// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_rack.hpp>
#include <uk/net/tcp_record.hpp>
#include <uk/net/tcp_stamps.hpp>

#include <cstdint>
#include <type_traits>

namespace uk::net {

/// What a connection tells its peer about text that came early, or twice.
struct tcp_told {
    seq recent{};       ///< where the last text that came early begins (RFC 2018 section 4)
    tcp_range twice{};  ///< to be told once (RFC 2883); empty: nothing
};

/// Congestion told of (RFC 3168 section 6.1).
struct tcp_ecn {
    bool echo = false;     ///< acknowledgments tell the peer of a mark, until its CWR
    bool reduced = false;  ///< our next text tells it that the window was reduced
    seq until{};           ///< once for what was sent before this
};

namespace detail {

template <int>
struct nothing {};
template <bool Wanted, class T, int Number>
using when = std::conditional_t<Wanted, T, nothing<Number>>;

}  // namespace detail

/// What a connection has because of its stack's policy and features.
template <tcp_features F, class Congestion>
struct tcp_slot_state {
    Congestion congestion;
    std::conditional_t<F.sack, tcp_rack, tcp_go_back> recovery;
    [[no_unique_address]] detail::when<F.timestamps, tcp_stamps, 0> stamps;
    [[no_unique_address]] detail::when<F.sack, tcp_told, 1> told;
    [[no_unique_address]] detail::when<F.ecn, tcp_ecn, 2> ecn;
};

template <tcp_features F, class Congestion>
struct tcp_slot : tcp_record, tcp_slot_state<F, Congestion> {};

/// Memory for one, in which somebody makes it.
template <class Slot>
union tcp_place {
    tcp_place() {}
    ~tcp_place() { slot.~Slot(); }
    Slot slot;
};

}  // namespace uk::net
