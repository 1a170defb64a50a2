// SPDX-License-Identifier: BSL-1.0
#include <uk/stack_link.hpp>

#include <doctest/doctest.h>

#include <new>
#include <type_traits>

namespace {

struct fake_scheduler {};

struct fake_stack {
    int part = 7;
    int visits = 0;
    fake_scheduler tasks;

    int& operator[](int) { return part; }
    template <class Visit>
    void each(Visit visit) {
        visits += visit(part);
    }
    template <class Visit>
    void each_reversed(Visit visit) {
        visits -= visit(part);
    }
    fake_scheduler& scheduler() { return tasks; }
};

template <class Link>
void leads_to(const Link& link, fake_stack& os) {
    CHECK(&link.get() == &os);
    CHECK(&link[0] == &os.part);
    CHECK(&link.scheduler() == &os.tasks);
    link.each([](int) { return 5; });
    CHECK(os.visits == 5);
    link.each_reversed([](int) { return 3; });
    CHECK(os.visits == 2);
}

}  // namespace

// What uk::run reserves in an image.
extern "C" {
alignas(fake_stack) std::byte uk_stack_object[sizeof(fake_stack)];
}

TEST_CASE("a link of a process leads to the stack that it was made from") {
    fake_stack one, other;
    leads_to(uk::stack_link<fake_stack, false>(one), one);
    CHECK(other.visits == 0);
}

TEST_CASE("a link of an image leads to the image's stack and takes no memory") {
    auto& os = *new (uk_stack_object) fake_stack;
    fake_stack elsewhere;
    const uk::stack_link<fake_stack, true> link(os);
    leads_to(link, os);
    CHECK(link.is_to(os));
    CHECK_FALSE(link.is_to(elsewhere));
    CHECK(std::is_empty_v<uk::stack_link<fake_stack, true>>);
}
