// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <memory>
#include <type_traits>
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
    // In the order of the enum, each ended by a zero.
    const char* at =
        "the task arena is exhausted\0no packet buffer is free\0the deadline passed\0cancelled\0closed\0"
        "the connection was reset\0the connection was refused\0unreachable\0the address is in use\0"
        "larger than the limit\0malformed\0the machine has no source of randomness\0"
        "the device is absent or does not work\0unknown error";
    constexpr unsigned known = static_cast<unsigned>(error::no_device) + 1;
    const auto number = static_cast<unsigned>(e);
    for (unsigned skip = number < known ? number : known; skip != 0; --skip) {
        while (*at++ != '\0') {}
    }
    return at;
}

constexpr error reduce(error e) { return e; }

/// A value or an error; never ignored by accident. In a task, `co_await` on a result yields the value or ends the task
/// with the error.
template <class T = void, class E = error>
class [[nodiscard]] result : public std::expected<T, E> {
    static constexpr bool octets_only = std::is_trivially_copy_constructible_v<std::expected<T, E>> &&
                                        std::is_trivially_destructible_v<std::expected<T, E>>;

public:
    using std::expected<T, E>::expected;

    result() = default;
    result(const result&) = default;
    result(result&&) = default;
    result& operator=(const result&) = default;
    result& operator=(result&&) = default;

    // Where a copy is a copy of octets so is an assignment; std::expected would look at both states first.
    result& operator=(const result& other)
        requires(octets_only)
    {
        return *std::construct_at(this, other);
    }
    result& operator=(result&& other)
        requires(octets_only)
    {
        return *std::construct_at(this, other);
    }
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
