// SPDX-License-Identifier: BSL-1.0
#include "fakes.hpp"

#include <uk/stack.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

std::string& events() {
    static std::string all;
    return all;
}

struct low {
    using needs = uk::ports<uk::port::clock>;
    using provides = uk::ports<uk::port::packets>;
    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : store_({}, 16) { events() += os[uk::port::clock].now().ns == 0 ? "+low " : "?"; }
        ~in() { events() += "-low "; }
        uk::packet_store& store() { return store_; }

    private:
        uk::packet_store store_;
    };
};
struct high {
    using needs = uk::ports<uk::port::packets>;
    using provides = uk::ports<>;
    high() { events() += "+high "; }
    ~high() { events() += "-high "; }
};

struct machine : uk::stack<high, fakes::machine, low> {};
struct small : uk::stack<fakes::machine> {};
struct with_clock : uk::stack<fakes::machine, uk::uses<uk::port::clock>> {};

}  // namespace

TEST_CASE("construction follows needs, destruction reverses it") {
    events().clear();
    {
        machine os;
        CHECK(events() == "+low +high ");
    }
    CHECK(events() == "+low +high -high -low ");
}

TEST_CASE("only what is needed is part of the stack") {
    CHECK(small::part_names().size() == 2);
    CHECK(small::has<uk::port::console>);
    CHECK_FALSE(small::has<uk::port::clock>);
    CHECK(with_clock::has<uk::port::clock>);
    CHECK_FALSE(with_clock::has<uk::port::tasks>);
    CHECK(sizeof(small) < sizeof(uk::packet_store) + sizeof(std::string));
}

TEST_CASE("a port leads to its part; two stacks do not know of each other") {
    small a, b;
    a[uk::port::console].print("one {}", 1);
    b[uk::port::console].print("two");
    CHECK(a[uk::port::console].written == "one 1");
    CHECK(b[uk::port::console].written == "two");
}

TEST_CASE("each visits every part in order of construction") {
    machine os;
    std::size_t visited = 0;
    os.each([&](auto&) { ++visited; });
    CHECK(visited == machine::part_names().size());
}
