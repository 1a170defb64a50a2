// SPDX-License-Identifier: BSL-1.0
#include <uk/plan.hpp>

#include <doctest/doctest.h>

namespace {

struct clock_only {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock>;
    static constexpr std::string_view name = "clock_only";
};
struct other_clock {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock>;
    static constexpr std::string_view name = "other_clock";
};
struct link_user {
    using needs = uk::ports<uk::port::link>;
    using provides = uk::ports<uk::port::ip>;
    static constexpr std::string_view name = "link_user";
};
struct ip_user {
    using needs = uk::ports<uk::port::ip>;
    using provides = uk::ports<uk::port::link>;
    static constexpr std::string_view name = "ip_user";
};
struct clock_user {
    using needs = uk::ports<uk::port::clock>;
    using provides = uk::ports<>;
    static constexpr std::string_view name = "clock_user";
};

using uk::detail::fault;
using uk::detail::row_of;

}  // namespace

TEST_CASE("listed before offered; what nobody needs is left out; order follows needs") {
    static constexpr std::array rows{row_of<clock_user>(false), row_of<clock_only>(true), row_of<other_clock>(true),
                                     row_of<link_user>(true)};
    constexpr auto p = uk::detail::planner<4>(rows).make();
    CHECK(p.what == fault::none);
    CHECK(p.used == 2);
    CHECK(p.order[0] == 1);
    CHECK(p.order[1] == 0);

    static constexpr std::array with_listed{row_of<clock_user>(false), row_of<clock_only>(true),
                                            row_of<other_clock>(false)};
    constexpr auto q = uk::detail::planner<3>(with_listed).make();
    CHECK(q.used == 2);
    CHECK(q.order[0] == 2);
}

TEST_CASE("each fault is found and explained") {
    static constexpr std::array missing{row_of<clock_user>(false)};
    constexpr auto m = uk::detail::planner<1>(missing).make();
    CHECK(m.what == fault::missing);
    CHECK(explain(m, missing, "kvm").view() ==
          "uk::stack: clock_user needs port::clock, but no part provides it and target kvm offers none; list "
          "uk::target from <uk/target.hpp>, which offers one.");

    static constexpr std::array two{row_of<clock_only>(false), row_of<other_clock>(false)};
    constexpr auto a = uk::detail::planner<2>(two).make();
    CHECK(a.what == fault::ambiguous);
    CHECK(explain(a, two, "").view() ==
          "uk::stack: port::clock is provided by both clock_only and other_clock; keep one of them.");

    static constexpr std::array twice{row_of<clock_user>(false), row_of<clock_user>(false)};
    constexpr auto t = uk::detail::planner<2>(twice).make();
    CHECK(t.what == fault::twice);
    CHECK(explain(t, twice, "").view() == "uk::stack: clock_user is listed twice; keep one of them.");

    static constexpr std::array circle{row_of<link_user>(false), row_of<ip_user>(true)};
    constexpr auto c = uk::detail::planner<2>(circle).make();
    CHECK(c.what == fault::cycle);
    CHECK(explain(c, circle, "").view() ==
          "uk::stack: ip_user needs port::ip of link_user, which needs ip_user in turn; break the circle.");
    CHECK(c.used == 0);
}
