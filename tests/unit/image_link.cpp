// SPDX-License-Identifier: BSL-1.0
#include <uk/image_link.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <new>
#include <type_traits>

namespace {

struct thing {
    int value = 0;
};

// As what uk::run defines in an image.
alignas(thing) std::byte place[sizeof(thing)];

}  // namespace

TEST_CASE("a link of a process leads to what it was made from") {
    thing one, other;
    const uk::image_link<thing, place, false> link(one);
    link->value = 3;
    CHECK(&*link == &one);
    CHECK(one.value == 3);
    CHECK(other.value == 0);
    CHECK(link.leads_to(one));
    CHECK_FALSE(link.leads_to(other));
}

TEST_CASE("a link of an image leads to where the linker says, and takes no memory") {
    auto& there = *new (place) thing;
    thing elsewhere;
    using linked = uk::image_link<thing, place, true>;
    const linked link(there), wrong(elsewhere);
    link->value = 3;
    CHECK(there.value == 3);
    CHECK(&*wrong == &there);
    CHECK(link.leads_to(there));
    CHECK_FALSE(wrong.leads_to(elsewhere));
    CHECK(std::is_empty_v<linked>);
}
