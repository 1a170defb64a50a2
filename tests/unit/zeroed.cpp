// SPDX-License-Identifier: BSL-1.0
#include <uk/list.hpp>
#include <uk/zeroed.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace {

struct entry {
    std::uint32_t number = 0;
    uk::list_node place;
    int* ended = nullptr;
    ~entry() {
        if (ended != nullptr) ++*ended;
    }
};

// As an image's stack lies.
alignas(uk::zeroed<std::array<entry, 3>, true>) std::byte memory[sizeof(uk::zeroed<std::array<entry, 3>, true>)];

template <class Entries>
void begins_as_zeros(Entries& entries) {
    for (entry& e : *entries) {
        CHECK(e.number == 0);
        CHECK_FALSE(e.place.linked());
    }
    entries->at(1).number = 5;
    const auto& same = entries;
    CHECK((*same)[1].number == 5);
    CHECK(same->front().number == 0);
}

}  // namespace

TEST_CASE("in a process a zeroed value is made and ended") {
    int ended = 0;
    {
        uk::zeroed<std::array<entry, 3>, false> entries;
        begins_as_zeros(entries);
        for (entry& e : *entries) e.ended = &ended;
    }
    CHECK(ended == 3);
}

TEST_CASE("in an image it is the zeros that are there") {
    auto& entries = *new (memory) uk::zeroed<std::array<entry, 3>, true>;
    begins_as_zeros(entries);
    CHECK(sizeof(entries) == sizeof(std::array<entry, 3>));
}
