// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_card.hpp>

#include "sim_host.hpp"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace uk::literals;
using uk::instant;

namespace {

struct linked {
    explicit linked(const uk::sim::quality& q) { cables.join(a, b, q, q); }
    uk::sim::world w{1};
    uk::sim::seat a{w, 0};
    uk::sim::seat b{w, 1};
    uk::sim::wire cables{w};
    fakes::sim_host left{a};
    fakes::sim_host right{b};
};

}  // namespace

TEST_CASE("a frame of two pieces arrives as one") {
    linked l({.delay = 1ms});
    l.b.switch_on(l.right);
    fakes::sim_log log(l.w);
    static constexpr std::array<std::byte, 3> body{std::byte{3}, std::byte{4}, std::byte{5}};
    uk::packet head = l.left.store().take();
    uk::copy(head.push_back(2), fakes::frame_of({1, 2}));
    CHECK(l.left.card().send({.head = std::move(head), .body = body}));
    while (l.w.step(instant::never())) {}
    CHECK(log.sent.size() == 1);
    CHECK(log.octets == fakes::frame_of({1, 2, 3, 4, 5}));
    const uk::packet p = l.right.card().receive();
    CHECK(p.size() == 5);
    CHECK(p.headroom() >= 2);
    CHECK_FALSE(l.right.card().receive());
}

TEST_CASE("what is sent is kept until it has left, and must not change meanwhile") {
    linked l({.bits_per_second = 1'000'000});
    uk::packet head = l.left.store().take();
    uk::copy(head.push_back(101), std::vector<std::byte>(101));
    const uk::packet second = head.share();
    CHECK(l.left.card().send({.head = std::move(head)}));
    CHECK_FALSE(second.exclusive());
    l.w.step({999'999});
    CHECK_FALSE(l.left.card().receive());
    CHECK_FALSE(second.exclusive());
    const_cast<std::byte*>(second.data())[100] = std::byte{1};
    l.w.step({1'000'000});
    CHECK_FALSE(l.left.card().receive());
    CHECK(second.exclusive());
    CHECK(l.a.counted.changed == 1);
}

TEST_CASE("a frame that finds no packet, or none that is long enough, is dropped") {
    linked l({});
    l.b.switch_on(l.right);
    std::vector<uk::packet> all;
    while (uk::packet p = l.right.store().take()) all.push_back(std::move(p));
    l.b.arrive(fakes::frame_of({1}));
    CHECK_FALSE(l.right.card().receive());
    CHECK(l.b.counted.no_buffer == 1);
    all.clear();
    l.b.arrive(uk::sim::frame(5000));
    l.b.arrive(fakes::frame_of({2}));
    CHECK(l.right.card().receive().size() == 1);
    CHECK(l.b.counted.no_buffer == 2);
    CHECK(l.right.store().available() == 4);
}

TEST_CASE("a link that refuses, and no link, are a card without room") {
    linked l({.bits_per_second = 1'000, .queue = 1, .refuses = true});
    CHECK(l.left.send(fakes::frame_of({1})));
    CHECK_FALSE(l.left.send(fakes::frame_of({2})));
    CHECK(l.left.store().available() == 3);
    l.a.outlet = nullptr;
    CHECK_FALSE(l.left.send(fakes::frame_of({3})));
}
