// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <poll.h>
#include <time.h>

namespace uk::hosted {

/// The kernel's monotone clock, and waiting for the descriptors of the stack's other parts: any object with
/// `int descriptor()` ends `idle` when it has something to read.
struct clock {
    using needs = ports<>;
    using provides = ports<port::clock, port::idle>;
    static constexpr std::string_view name = "hosted::clock";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os), start_(monotonic()) {}

        instant now() const { return {monotonic() - start_}; }

        void idle(instant until) {
            std::array<pollfd, 8> waiting;
            nfds_t count = 0;
            os_.each([&](auto& object) {
                if constexpr (requires { object.descriptor(); }) {
                    waiting[count++] = {.fd = object.descriptor(), .events = POLLIN, .revents = 0};
                }
            });
            const instant at = now();
            const std::uint64_t left = until > at ? until.ns - at.ns : 0;
            const timespec limit{.tv_sec = static_cast<time_t>(left / second),
                                 .tv_nsec = static_cast<long>(left % second)};
            ::ppoll(waiting.data(), count, until == instant::never() ? nullptr : &limit, nullptr);
        }

    private:
        static constexpr std::uint64_t second = 1'000'000'000;

        static std::uint64_t monotonic() {
            timespec t{};
            ::clock_gettime(CLOCK_MONOTONIC, &t);
            return static_cast<std::uint64_t>(t.tv_sec) * second + static_cast<std::uint64_t>(t.tv_nsec);
        }

        Stack& os_;
        std::uint64_t start_;
    };
};

}  // namespace uk::hosted
