// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>

namespace uk {

/// What can go wrong in an operation of the system. Operations with more to say have an enum of their own, which
/// `reduce` (found by argument-dependent lookup) maps to this one.
enum class error : std::uint8_t {
    no_memory,    ///< the stack's task arena has no room for the frame
    no_buffers,   ///< the packet pool is empty
    timed_out,    ///< the deadline passed first
    cancelled,    ///< the operation was given up
    closed,       ///< the other side finished, or the socket is closed
    reset,        ///< the other side, or the network, aborted the connection
    refused,      ///< nobody listens there
    unreachable,  ///< no route, no neighbour, or no address yet
    in_use,       ///< the address or port is taken
    too_large,    ///< more than the limit in the type allows
    invalid,      ///< malformed input
    no_entropy,   ///< the machine has no source of randomness
    no_device,    ///< the device is absent or does not work
};

/// A sentence for people.
constexpr std::string_view describe(error e) {
    switch (e) {
        case error::no_memory: return "the task arena is exhausted";
        case error::no_buffers: return "no packet buffer is free";
        case error::timed_out: return "the deadline passed";
        case error::cancelled: return "cancelled";
        case error::closed: return "closed";
        case error::reset: return "the connection was reset";
        case error::refused: return "the connection was refused";
        case error::unreachable: return "unreachable";
        case error::in_use: return "the address is in use";
        case error::too_large: return "larger than the limit";
        case error::invalid: return "malformed";
        case error::no_entropy: return "the machine has no source of randomness";
        case error::no_device: return "the device is absent or does not work";
    }
    return "unknown error";
}

constexpr error reduce(error e) { return e; }

/// A value or an error; never ignored by accident. In a task, `co_await` on a result yields the value or ends the task
/// with the error.
template <class T = void, class E = error>
class [[nodiscard]] result : public std::expected<T, E> {
public:
    using std::expected<T, E>::expected;
};

template <class T>
inline constexpr bool is_result = false;
template <class T, class E>
inline constexpr bool is_result<result<T, E>> = true;

/// The failing side of any result: `return uk::fail(error::closed);`
template <class E>
constexpr std::unexpected<E> fail(E e) {
    return std::unexpected<E>(e);
}

}  // namespace uk
