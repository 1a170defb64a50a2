// SPDX-License-Identifier: BSL-1.0
#include <uk/net/dhcp_state.hpp>

#include <doctest/doctest.h>

using namespace uk;
using namespace uk::literals;
using namespace uk::net;
using state = dhcp_client::state;

namespace {

constexpr mac own = "02:00:00:00:00:01"_mac;
constexpr ip4_address address = "10.0.0.50"_ip4;
constexpr ip4_address server = "10.0.0.1"_ip4;

dhcp_reply reply(dhcp_type type, std::uint32_t xid) {
    dhcp_reply r;
    r.type = type;
    r.xid = xid;
    r.client = own;
    r.address = address;
    r.server = server;
    r.router = server;
    r.mask = 0xffffff00;
    r.lease_seconds = 3600;
    return r;
}

bool between(duration d, duration low, duration high) { return d >= low && d <= high; }

// A client with a lease, taken at second 0.
struct leased {
    dhcp_client client{own, 1};
    dhcp_client::step last;
    explicit leased(std::uint32_t seconds = 3600) {
        const auto xid = client.on_time({}).send.xid;
        auto r = reply(dhcp_type::offer, xid);
        r.lease_seconds = seconds;
        REQUIRE(client.on_reply(r, {}));
        r.type = dhcp_type::ack;
        const auto s = client.on_reply(r, {});
        REQUIRE(s);
        last = *s;
    }
};

instant at(duration d) { return instant{} + d; }

}  // namespace

TEST_CASE("the usual exchange: discover, offer, request, acknowledge") {
    dhcp_client c(own, 1);
    CHECK(c.now_in() == state::init);
    auto s = c.on_time({});
    CHECK(c.now_in() == state::selecting);
    REQUIRE(s.send.type != dhcp_type::none);
    CHECK(s.to == ip4_address::broadcast());
    CHECK(s.send.type == dhcp_type::discover);
    CHECK(s.send.client == own);
    CHECK(s.send.own.is_unspecified());
    CHECK(s.send.requested.is_unspecified());
    CHECK_FALSE(c.has_lease());
    const auto xid = s.send.xid;
    auto next = c.on_reply(reply(dhcp_type::offer, xid), at(1s));
    REQUIRE(next);
    CHECK(c.now_in() == state::requesting);
    REQUIRE(next->send.type != dhcp_type::none);
    CHECK(next->to == ip4_address::broadcast());
    CHECK(next->send.type == dhcp_type::request);
    CHECK(next->send.xid == xid);
    CHECK(next->send.requested == address);
    CHECK(next->send.server == server);
    CHECK(next->send.own.is_unspecified());
    CHECK(next->send.seconds == 1);
    next = c.on_reply(reply(dhcp_type::ack, xid), at(2s));
    REQUIRE(next);
    CHECK(c.now_in() == state::bound);
    CHECK(c.has_lease());
    CHECK(next->send.type == dhcp_type::none);
    CHECK(next->wake == at(2s + 1800s));
    CHECK(c.lease().own() == cidr{address, 24});
    CHECK(c.lease().router == server);
    CHECK(c.lease().since == at(2s));
    CHECK(c.lease().rebind_seconds == 3150);
    CHECK(c.lease().lease_seconds == 3600);
}

TEST_CASE("without an answer the delays grow to a minute, give or take a second") {
    dhcp_client c(own, 7);
    instant now{};
    auto s = c.on_time(now);
    for (int expected : {4, 8, 16, 32, 64, 64, 64}) {
        CHECK(between(s.wake - now, std::chrono::seconds(expected - 1), std::chrono::seconds(expected + 1)));
        now = s.wake;
        s = c.on_time(now);
        REQUIRE(s.send.type != dhcp_type::none);
        CHECK(s.send.type == dhcp_type::discover);
        CHECK(s.send.seconds == now.ns / 1'000'000'000);
    }
}

TEST_CASE("a server that offers and falls silent is given up") {
    dhcp_client c(own, 1);
    auto s = c.on_time({});
    const auto xid = s.send.xid;
    s = *c.on_reply(reply(dhcp_type::offer, xid), {});
    for (int i = 0; i < 3; ++i) {
        s = c.on_time(s.wake);
        CHECK(s.send.type == dhcp_type::request);
        CHECK(s.send.xid == xid);
    }
    s = c.on_time(s.wake);
    CHECK(s.send.type == dhcp_type::discover);
    CHECK(s.send.xid != xid);
    CHECK(c.now_in() == state::selecting);
}

TEST_CASE("replies to others, unasked or of no use are ignored") {
    dhcp_client c(own, 1);
    CHECK_FALSE(c.on_reply(reply(dhcp_type::offer, 0), {}));  // nothing was asked yet
    const auto xid = c.on_time({}).send.xid;
    CHECK_FALSE(c.on_reply(reply(dhcp_type::offer, xid + 1), {}));
    auto r = reply(dhcp_type::offer, xid);
    r.client.octets[5] = 9;
    CHECK_FALSE(c.on_reply(r, {}));
    CHECK_FALSE(c.on_reply(reply(dhcp_type::ack, xid), {}));
    CHECK_FALSE(c.on_reply(reply(dhcp_type::nak, xid), {}));
    CHECK(c.now_in() == state::selecting);
    REQUIRE(c.on_reply(reply(dhcp_type::offer, xid), {}));
    CHECK_FALSE(c.on_reply(reply(dhcp_type::offer, xid), {}));  // a second offer
    r = reply(dhcp_type::ack, xid);
    r.server.value += 1;
    CHECK_FALSE(c.on_reply(r, {}));
    r = reply(dhcp_type::nak, xid);
    r.server.value += 1;
    CHECK_FALSE(c.on_reply(r, {}));
    r = reply(dhcp_type::ack, xid);
    r.address.value += 1;
    CHECK_FALSE(c.on_reply(r, {}));
    r = reply(dhcp_type::ack, xid);
    r.lease_seconds = 0;
    CHECK_FALSE(c.on_reply(r, {}));
    CHECK(c.now_in() == state::requesting);
    REQUIRE(c.on_reply(reply(dhcp_type::ack, xid), {}));
    CHECK_FALSE(c.on_reply(reply(dhcp_type::nak, xid), {}));  // bound: nothing was asked
    CHECK_FALSE(c.on_reply(reply(dhcp_type::ack, xid), {}));
    CHECK(c.has_lease());
}

TEST_CASE("no lease comes from an offer that no host could use") {
    const auto usable = [](auto change) {
        dhcp_reply r = reply(dhcp_type::offer, 1);
        change(r);
        return lease_of(r, {}).has_value();
    };
    CHECK(usable([](auto&) {}));
    for (auto bad : {"0.0.0.0"_ip4, "255.255.255.255"_ip4, "224.0.0.5"_ip4, "127.0.0.1"_ip4, "240.0.0.1"_ip4}) {
        CHECK_FALSE(usable([&](auto& r) { r.address = bad; }));
        CHECK_FALSE(usable([&](auto& r) { r.server = bad; }));
    }
    CHECK_FALSE(usable([](auto& r) { r.address = r.server; }));
    CHECK_FALSE(usable([](auto& r) { r.address = "10.0.0.255"_ip4; }));
    CHECK_FALSE(usable([](auto& r) { r.address = "10.0.0.0"_ip4; }));
    CHECK_FALSE(usable([](auto& r) { r.mask = 0xff00ff00; }));
    CHECK_FALSE(usable([](auto& r) { r.mask = 1; }));
    CHECK_FALSE(usable([](auto& r) { r.lease_seconds = 0; }));
    CHECK(usable([](auto& r) { r.mask = 0xffffffff; }));
    CHECK(usable([](auto& r) {
        r.mask = 0xfffffffe;
        r.address = "10.0.0.0"_ip4;
    }));
}

TEST_CASE("masks, routers and times of a lease") {
    dhcp_reply r = reply(dhcp_type::ack, 1);
    r.mask = 0;
    CHECK(lease_of(r, {})->own().prefix == 8);
    r.address = "172.16.0.9"_ip4;
    CHECK(lease_of(r, {})->own().prefix == 16);
    CHECK(lease_of(r, {})->router.is_unspecified());  // not in the network
    r.address = "192.168.0.9"_ip4;
    CHECK(lease_of(r, {})->own().prefix == 24);
    r.router = r.address;
    CHECK(lease_of(r, {})->router.is_unspecified());
    for (std::uint32_t longest : {0xffffffffU, 0xfffffffeU}) {
        r.lease_seconds = longest;
        CHECK(lease_of(r, {})->lease_seconds == longest);
        CHECK(lease_of(r, {})->renew_seconds == 0x7fffffff);
        CHECK(lease_of(r, {})->rebind_seconds == longest - 0x1fffffff);
    }
    r.lease_seconds = 1000;
    r.renew_seconds = 100;
    r.rebind_seconds = 200;
    CHECK(lease_of(r, {})->renew_seconds == 100);
    CHECK(lease_of(r, {})->rebind_seconds == 200);
    for (auto [renew, rebind] : {std::pair{200U, 100U}, {100U, 1000U}, {0U, 100U}, {1U, 0U}, {100U, 0xffffffffU}}) {
        r.renew_seconds = renew;
        r.rebind_seconds = rebind;
        CHECK(lease_of(r, {})->renew_seconds == 500);
        CHECK(lease_of(r, {})->rebind_seconds == 875);
    }
}

TEST_CASE("an mtu that no link has is none") {
    dhcp_reply r = reply(dhcp_type::ack, 1);
    for (int mtu : {0, 68, 576, 1500, 65535}) {
        r.mtu = static_cast<std::uint16_t>(mtu);
        CHECK(lease_of(r, {})->mtu == mtu);
    }
    r.mtu = 67;
    CHECK(lease_of(r, {})->mtu == 0);
}

TEST_CASE("a lease for ever is never renewed") { CHECK(leased(0xffffffff).last.wake == instant::never()); }

TEST_CASE("half way a lease is renewed with its server, which changes nothing") {
    leased l;
    auto s = l.client.on_time(at(1800s));
    CHECK(l.client.now_in() == state::renewing);
    REQUIRE(s.send.type != dhcp_type::none);
    CHECK(s.to == server);
    CHECK(s.send.type == dhcp_type::request);
    CHECK(s.send.own == address);
    CHECK(s.send.requested.is_unspecified());
    CHECK(s.send.server.is_unspecified());
    const auto answer = l.client.on_reply(reply(dhcp_type::ack, s.send.xid), at(1801s));
    REQUIRE(answer);
    CHECK(answer->wake == at(1801s + 1800s));
    CHECK(l.client.lease().since == at(1801s));
    CHECK(l.client.lease().own() == cidr{address, 24});
}

TEST_CASE("a silent server is asked at half times, then all are, then the lease ends") {
    leased l;
    instant now = l.last.wake;
    auto s = l.client.on_time(now);
    CHECK(s.wake - now == 675s);  // half of what is left until 3150
    now = s.wake;
    for (int i = 0; i < 20 && l.client.now_in() == state::renewing; ++i) {
        s = l.client.on_time(now);
        CHECK((s.wake - now >= 60s || s.wake == at(3150s) || s.wake == at(3600s)));
        now = s.wake;
    }
    CHECK(s.to == ip4_address::broadcast());
    CHECK(l.client.now_in() == state::rebinding);
    CHECK(s.send.own == address);
    CHECK(now <= at(3600s));
    SUBCASE("another server takes over") {
        auto r = reply(dhcp_type::ack, s.send.xid);
        r.server = "10.0.0.3"_ip4;
        REQUIRE(l.client.on_reply(r, at(3200s)));
        CHECK(l.client.now_in() == state::bound);
        CHECK(l.client.lease().server == "10.0.0.3"_ip4);
    }
    SUBCASE("nobody answers") {
        for (int i = 0; i < 20 && l.client.now_in() == state::rebinding; ++i) {
            s = l.client.on_time(now);
            if (l.client.now_in() == state::rebinding) now = s.wake;
        }
        CHECK(now == at(3600s));
        CHECK_FALSE(l.client.has_lease());
        CHECK(l.client.now_in() == state::selecting);
        CHECK(s.send.type == dhcp_type::discover);
    }
}

TEST_CASE("a clock that jumps past the end ends the lease") {
    leased l;
    const auto s = l.client.on_time(at(100'000s));
    CHECK_FALSE(l.client.has_lease());
    CHECK(s.send.type == dhcp_type::discover);
}

TEST_CASE("a refusal takes the lease away and starts again after a pause") {
    leased l;
    const auto xid = l.client.on_time(at(1800s)).send.xid;
    const auto s = l.client.on_reply(reply(dhcp_type::nak, xid), at(1801s));
    REQUIRE(s);
    CHECK(s->send.type == dhcp_type::none);
    CHECK(between(s->wake - at(1801s), 1s, 3s));
    CHECK_FALSE(l.client.has_lease());
    CHECK(l.client.on_time(s->wake).send.type == dhcp_type::discover);
}

TEST_CASE("a changed network is a changed lease") {
    leased l;
    auto r = reply(dhcp_type::ack, l.client.on_time(at(1800s)).send.xid);
    r.mask = 0xffff0000;
    REQUIRE(l.client.on_reply(r, at(1800s)));
    CHECK(l.client.lease().own().prefix == 16);
}

TEST_CASE("a changed link has the lease confirmed (INIT-REBOOT)") {
    leased l;
    const auto s = l.client.on_link_change(at(100s));
    CHECK(l.client.now_in() == state::rebooting);
    CHECK(l.client.has_lease());
    CHECK(s.send.type == dhcp_type::request);
    CHECK(s.send.requested == address);
    CHECK(s.send.own.is_unspecified());
    CHECK(s.send.server.is_unspecified());
    CHECK(s.to == ip4_address::broadcast());
    CHECK(between(s.wake - at(100s), 3s, 5s));
    auto r = reply(dhcp_type::ack, s.send.xid);
    r.server = "10.0.0.3"_ip4;  // any server may know
    SUBCASE("confirmed") {
        REQUIRE(l.client.on_reply(r, at(101s)));
        CHECK(l.client.now_in() == state::bound);
        CHECK(l.client.lease().since == at(101s));
    }
    SUBCASE("another address is not what was asked for") {
        r.address.value += 1;
        CHECK_FALSE(l.client.on_reply(r, at(101s)));
    }
    SUBCASE("refused: it is another network") {
        r.type = dhcp_type::nak;
        const auto refused = l.client.on_reply(r, at(101s));
        REQUIRE(refused);
        CHECK_FALSE(l.client.has_lease());
        CHECK(l.client.on_time(refused->wake).send.type == dhcp_type::discover);
    }
    SUBCASE("no answer: the lease is used on, and renewed") {
        instant now = s.wake;
        for (int i = 0; i < 3; ++i) {
            const auto again = l.client.on_time(now);
            CHECK(l.client.now_in() == state::rebooting);
            CHECK(again.send.requested == address);
            now = again.wake;
        }
        const auto renewal = l.client.on_time(now);
        CHECK(l.client.now_in() == state::renewing);
        CHECK(renewal.send.own == address);
        CHECK(renewal.to == server);
    }
    SUBCASE("no answer until it ends") {
        CHECK(l.client.on_time(at(3600s)).send.type == dhcp_type::discover);
        CHECK_FALSE(l.client.has_lease());
    }
}

TEST_CASE("a changed link without a lease begins anew") {
    dhcp_client c(own, 1);
    auto s = c.on_time({});
    const auto xid = s.send.xid;
    c.on_reply(reply(dhcp_type::offer, xid), {});
    s = c.on_link_change(at(1s));
    CHECK(s.send.type == dhcp_type::discover);
    CHECK(s.send.xid != xid);
    CHECK(s.send.seconds == 0);
}

TEST_CASE("an address that somebody else uses is declined, then another is looked for") {
    leased l;
    auto s = l.client.decline(at(5s));
    CHECK_FALSE(l.client.has_lease());
    CHECK(s.send.type == dhcp_type::decline);
    CHECK(s.send.client == own);
    CHECK(s.send.requested == address);
    CHECK(s.send.server == server);
    CHECK(s.send.own.is_unspecified());
    CHECK(s.to == ip4_address::broadcast());
    CHECK(between(s.wake - at(5s), 10s, 12s));
    CHECK_FALSE(l.client.on_reply(reply(dhcp_type::ack, s.send.xid), at(6s)));
    s = l.client.on_time(s.wake);
    CHECK(s.send.type == dhcp_type::discover);
    CHECK(s.send.requested.is_unspecified());
}

TEST_CASE("an address is given back") {
    leased l;
    const auto s = l.client.release();
    CHECK_FALSE(l.client.has_lease());
    CHECK(s.send.type == dhcp_type::release);
    CHECK(s.send.own == address);
    CHECK(s.send.server == server);
    CHECK(s.send.requested.is_unspecified());
    CHECK(s.to == server);
    CHECK(s.wake == instant::never());
}
