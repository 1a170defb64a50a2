// SPDX-License-Identifier: BSL-1.0
#include "fakes.hpp"

#include <uk/any_entropy.hpp>
#include <uk/stack.hpp>

#include <doctest/doctest.h>

#include <array>

namespace {
template <int Value, bool Works>
struct source {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::entropy>;
    bool fill(uk::writable_bytes out) {
        for (std::byte& b : out) b = std::byte{Value};
        return Works;
    }
};
struct timed {
    using needs = uk::ports<uk::port::clock>;
    using provides = uk::ports<uk::port::entropy>;
    template <class Stack>
    struct in {
        explicit in(Stack& os) : os_(os) {}
        bool fill(uk::writable_bytes) { return os_[uk::port::clock].now().ns == 0; }
        Stack& os_;
    };
};

template <class... Sources>
int first_octet() {
    struct machine : uk::stack<fakes::machine, uk::any_entropy<Sources...>> {};
    machine os;
    std::array<std::byte, 3> out{};
    return os[uk::port::entropy].fill(out) ? std::to_integer<int>(out[2]) : -1;
}
}  // namespace

TEST_CASE("the first source that works") {
    CHECK(first_octet<source<1, true>, source<2, true>>() == 1);
    CHECK(first_octet<source<1, false>, source<2, true>>() == 2);
    CHECK(first_octet<source<1, false>, timed, source<2, true>>() == 1);
}

TEST_CASE("none working is a failure, not a weak secret") {
    CHECK(first_octet<source<1, false>, source<2, false>>() == -1);
}
