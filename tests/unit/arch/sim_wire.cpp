// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_wire.hpp>

#include "sim_host.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace uk::literals;
using uk::instant;

namespace {

struct counter : uk::sim::observer {
    explicit counter(uk::sim::world& w) {
        saw = [](uk::sim::observer& o, const uk::sim::passage& p) {
            if (!p.sent) ++static_cast<counter&>(o).arrived[p.seat];
        };
        w.watch(*this);
    }
    unsigned arrived[3]{};
};

uk::sim::frame to(const uk::mac& m) {
    uk::sim::frame f(20);
    for (std::size_t i = 0; i < 6; ++i) f[i] = static_cast<std::byte>(m.octets[i]);
    return f;
}

}  // namespace

TEST_CASE("joined seats reach each other, each direction with its quality") {
    uk::sim::world w(1);
    uk::sim::seat a(w, 0);
    uk::sim::seat b(w, 1);
    uk::sim::wire cables(w);
    cables.join(a, b, {.delay = 1ms}, {.delay = 5ms});
    counter c(w);
    a.outlet->carry(uk::sim::frame(20));
    while (w.step(instant::never())) {}
    CHECK(c.arrived[1] == 1);
    CHECK(w.now() < instant{2'000'000});
    b.outlet->carry(uk::sim::frame(20));
    while (w.step(instant::never())) {}
    CHECK(c.arrived[0] == 1);
    CHECK(w.now() > instant{6'000'000});
    CHECK(cables.pipes().size() == 2);
}

TEST_CASE("a switch sends to one seat, or to all others") {
    uk::sim::world w(1);
    uk::sim::seat a(w, 0);
    uk::sim::seat b(w, 1);
    uk::sim::seat d(w, 2);
    uk::sim::wire cables(w);
    for (uk::sim::seat* s : {&a, &b, &d}) cables.attach(*s, {}, {});
    counter c(w);
    a.outlet->carry(to(b.address()));
    a.outlet->carry(to(d.address()));
    b.outlet->carry(to(uk::mac::broadcast()));
    b.outlet->carry(to(b.address()));  // nobody else has it
    a.outlet->carry(uk::sim::frame(3));
    while (w.step(instant::never())) {}
    CHECK(c.arrived[0] == 1);
    CHECK(c.arrived[1] == 1);
    CHECK(c.arrived[2] == 2);
}
