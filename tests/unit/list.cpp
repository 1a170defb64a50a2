// SPDX-License-Identifier: BSL-1.0
#include <uk/list.hpp>

#include <doctest/doctest.h>

#include <optional>

namespace {
struct item : uk::list_node {
    explicit item(int v) : value(v) {}
    int value;
};
}  // namespace

TEST_CASE("first in, first out") {
    uk::list<item> l;
    item a(1), b(2), c(3);
    l.push_back(a);
    l.push_back(b);
    l.push_back(c);
    CHECK(l.front().value == 1);
    CHECK(l.pop_front().value == 1);
    CHECK_FALSE(a.linked());
    l.push_back(a);
    CHECK(l.pop_front().value == 2);
    CHECK(l.pop_front().value == 3);
    CHECK(l.pop_front().value == 1);
    CHECK(l.empty());
}

TEST_CASE("a dying node leaves its list") {
    uk::list<item> l;
    item a(1), c(3);
    std::optional<item> b(2);
    l.push_back(a);
    l.push_back(*b);
    l.push_back(c);
    b.reset();
    CHECK(l.pop_front().value == 1);
    CHECK(l.pop_front().value == 3);
    CHECK(l.empty());
}

TEST_CASE("pushing a linked node moves it; a list can be emptied into another") {
    uk::list<item> l, m;
    item a(1), b(2);
    l.push_back(a);
    l.push_back(b);
    l.push_back(a);
    CHECK(l.front().value == 2);
    m.take_all(l);
    CHECK(l.empty());
    CHECK(m.pop_front().value == 2);
    CHECK(m.pop_front().value == 1);
    m.take_all(l);
    CHECK(m.empty());
}

TEST_CASE("a list is as new once its last node has left; nodes that outlive their list are linked to each other") {
    uk::list<item> l;
    item a(1), b(2), c(3);
    CHECK_FALSE(a.linked());
    a.unlink();
    CHECK_FALSE(a.linked());
    l.push_back(a);
    CHECK(a.linked());
    a.unlink();
    CHECK(l.empty());
    CHECK_FALSE(a.linked());
    l.push_back(a);
    l.push_back(b);
    CHECK(&l.pop_front() == &a);
    CHECK(&l.front() == &b);
    {
        uk::list<item> dies;
        dies.push_back(a);
        dies.push_back(c);
    }
    CHECK(a.linked());
    a.unlink();
    CHECK_FALSE(c.linked());
    l.push_back(c);
    CHECK(&l.pop_front() == &b);
    CHECK(&l.pop_front() == &c);
    CHECK(l.empty());
}
