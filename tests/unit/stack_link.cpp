// SPDX-License-Identifier: BSL-1.0
#include <uk/stack_link.hpp>

#include <doctest/doctest.h>

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

}  // namespace

TEST_CASE("a part finds in its stack what the stack has") {
    fake_stack os, other;
    const uk::stack_link<fake_stack> link(os);
    CHECK(link.leads_to(os));
    CHECK_FALSE(link.leads_to(other));
    CHECK(&link[0] == &os.part);
    CHECK(&link.scheduler() == &os.tasks);
    link.each([](int) { return 5; });
    CHECK(os.visits == 5);
    link.each_reversed([](int) { return 3; });
    CHECK(os.visits == 2);
    CHECK(other.visits == 0);
}
