// SPDX-License-Identifier: BSL-1.0
#include <uk/image_link.hpp>

#include <doctest/doctest.h>

#include <new>
#include <type_traits>

namespace {

struct thing {
    int value = 0;
};

}  // namespace

// What uk::run defines in an image.
extern "C" {
alignas(thing) std::byte uk_stack_object[sizeof(thing)];
}

TEST_CASE("a link of a process leads to what it was made from") {
    thing one, other;
    const uk::image_link<thing, uk_stack_object, false> link(one);
    link->value = 3;
    CHECK(&*link == &one);
    CHECK(one.value == 3);
    CHECK(other.value == 0);
    CHECK(link.leads_to(one));
    CHECK_FALSE(link.leads_to(other));
}

TEST_CASE("a link of an image leads to where the linker says, and takes no memory") {
    auto& there = *new (uk_stack_object) thing;
    thing elsewhere;
    using linked = uk::image_link<thing, uk_stack_object, true>;
    const linked link(there), wrong(elsewhere);
    link->value = 3;
    CHECK(there.value == 3);
    CHECK(&*wrong == &there);
    CHECK(link.leads_to(there));
    CHECK_FALSE(wrong.leads_to(elsewhere));
    CHECK(std::is_empty_v<linked>);
}
