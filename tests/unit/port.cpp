// SPDX-License-Identifier: BSL-1.0
#include "fakes.hpp"

#include <uk/packets.hpp>
#include <uk/port.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace {

struct nothing {};
struct half_card {
    uk::packet receive() { return {}; }
};

template <auto Port>
constexpr std::string_view lacks_of_nothing = std::remove_cvref_t<decltype(Port)>::template lacks<nothing>();

}  // namespace

TEST_CASE("a contract names the first thing that is missing") {
    CHECK(uk::port::frame_port::lacks<nothing>() == "uk::packet receive()");
    CHECK(uk::port::frame_port::lacks<half_card>() == "bool send(uk::outgoing)");
    CHECK(uk::port::clock_port::lacks<nothing>() == "uk::instant now()");
    for (std::string_view missing :
         {lacks_of_nothing<uk::port::console>, lacks_of_nothing<uk::port::idle>, lacks_of_nothing<uk::port::entropy>,
          lacks_of_nothing<uk::port::tasks>, lacks_of_nothing<uk::port::packets>, lacks_of_nothing<uk::port::pci>,
          lacks_of_nothing<uk::port::mmio>, lacks_of_nothing<uk::port::link>, lacks_of_nothing<uk::port::neighbour>,
          lacks_of_nothing<uk::port::ip>, lacks_of_nothing<uk::port::udp>, lacks_of_nothing<uk::port::stream>,
          lacks_of_nothing<uk::port::resolver>, lacks_of_nothing<uk::port::arguments>}) {
        CHECK_FALSE(missing.empty());
    }
}

TEST_CASE("what keeps its contract lacks nothing") {
    CHECK(uk::port::console_port::lacks<fakes::console>().empty());
    CHECK(uk::port::clock_port::lacks<fakes::clock>().empty());
    CHECK(uk::port::idle_port::lacks<fakes::clock>().empty());
    CHECK(uk::port::entropy_port::lacks<fakes::entropy>().empty());
    CHECK(uk::port::packets_port::lacks<uk::packets<>>().empty());
}
