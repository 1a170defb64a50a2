// SPDX-License-Identifier: BSL-1.0
#include <uk/wiring.hpp>

#include <doctest/doctest.h>

#include <type_traits>

namespace {

struct screen {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::console>;
    void write(std::string_view) {}
};
struct ticker {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock>;
    uk::instant now() { return {}; }
};
struct reader {
    using needs = uk::ports<uk::port::clock>;
    using provides = uk::ports<>;
};

}  // namespace

TEST_CASE("bundles list, offers and machines offer, nested as they may be") {
    using wiring = decltype(uk::detail::wire<uk::machine<"board", screen, uk::bundle<ticker>>,
                                             uk::bundle<uk::bundle<reader>>>())::type;
    REQUIRE(wiring::table.size() == 4);
    CHECK(wiring::table[1].offered);
    CHECK(wiring::table[2].offered);
    CHECK_FALSE(wiring::table[3].offered);
    CHECK(wiring::size == 4);
    CHECK(wiring::place_of(uk::detail::port_info_of<uk::port::clock_port>) == 2);
    CHECK(wiring::place_of(uk::detail::port_info_of<uk::port::ip_port>) == wiring::size);
    static_assert(std::is_same_v<wiring::part<3>, reader>);
}

TEST_CASE("offers inside a bundle stay offers") {
    using wiring = decltype(uk::detail::wire<screen, uk::bundle<uk::offers<ticker>>>())::type;
    CHECK(wiring::size == 2);
}
