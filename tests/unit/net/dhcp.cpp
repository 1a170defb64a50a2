// SPDX-License-Identifier: BSL-1.0
#include "dhcp_fixture.hpp"

#include <uk/net/dhcp.hpp>
#include <uk/net/ip4.hpp>

#include <doctest/doctest.h>

#include <optional>

using namespace fakes;
namespace net = uk::net;

namespace {

struct host : link_end<uk::stack<link_parts, net::ip4<net::dhcp>>> {
    auto& ip() { return (*this)[uk::port::ip]; }
    auto& dhcp() {
        typename net::dhcp::in<host::stack>* found = nullptr;
        each([&](auto& object) {
            if constexpr (requires { found = &object; }) found = &object;
        });
        return *found;
    }
    auto& counters() { return dhcp().counters(); }
};

/// What the client has sent, if that was a DHCP message.
struct seen {
    int type = 0;
    std::uint32_t xid = 0;
    uk::ip4_address from, to;
    uk::mac link_to;
};

std::optional<seen> next_message(host& os) {
    const auto number = [](const std::byte& at) { return uk::load_be<std::uint32_t>(&at); };
    while (!os.silent()) {
        const sent_frame f = os.take_ip();
        const auto u = net::parse_udp(f.payload, f.ip.source, f.ip.destination);
        if (f.ip.protocol != 17 || !u || u->to_port != 67 || u->from_port != 68 || u->length != 308) continue;
        return seen{std::to_integer<int>(f.payload[8 + 242]), number(f.payload[8 + 4]), f.ip.source, f.ip.destination,
                    f.link.destination};
    }
    return {};
}

/// The server's answer, unicast to the address offered unless `to` says otherwise.
void answer(host& os, int type, std::uint32_t xid, uk::ip4_address to = our_ip) {
    dhcp_message m;
    m.xid = xid;
    m.options = raw({53, 1, type}) + address_option(54, router_ip) + address_option(1, "255.255.255.0"_ip4) +
                address_option(3, router_ip) + address_option(6, "9.9.9.9"_ip4) + number_option(51, 1000) + raw({255});
    os.inject(ip_frame(router_ip, to, 17, udp_payload(router_ip, 67, to, 68, m.octets_of_it()),
                       to == uk::ip4_address::broadcast() ? uk::mac::broadcast() : our_mac));
}

/// Goes through the exchange, and returns the task that starts the part, finished.
void lease(host& os, uk::task<>& start) {
    REQUIRE(start.start());
    auto m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 1);
    answer(os, 2, m->xid);
    m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 3);
    CHECK_FALSE(start.done());
    answer(os, 5, m->xid);
    REQUIRE(start.done());
    CHECK(start.take().has_value());
    CHECK(os.ip().network() == our_net);
}

}  // namespace

TEST_CASE("the exchange configures the host") {
    for (uk::ip4_address to : {our_ip, uk::ip4_address::broadcast()}) {
        host os;
        auto start = os.dhcp().start();
        REQUIRE(start.start());
        CHECK_FALSE(start.done());
        auto m = next_message(os);
        REQUIRE(m);
        CHECK(m->type == 1);
        CHECK(m->from.is_unspecified());
        CHECK(m->to == uk::ip4_address::broadcast());
        CHECK(m->link_to == uk::mac::broadcast());
        answer(os, 2, m->xid, to);
        m = next_message(os);
        REQUIRE(m);
        CHECK(m->type == 3);
        CHECK(os.ip().address().is_unspecified());
        answer(os, 5, m->xid, to);
        CHECK(start.done());
        CHECK(os.ip().network() == our_net);
        CHECK(os.ip().router() == router_ip);
        CHECK(os.dhcp().lease().dns[0] == "9.9.9.9"_ip4);
        CHECK(os.counters().offers == 1);
        CHECK(os.counters().acks == 1);
        CHECK(os.store().available() == uk::packets<>::count);
    }
}

TEST_CASE("lost messages are sent again") {
    host os;
    auto start = os.dhcp().start();
    REQUIRE(start.start());
    REQUIRE(next_message(os));
    os.run_for(2s);
    CHECK_FALSE(next_message(os));
    os.run_for(4s);
    auto m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 1);
    CHECK_FALSE(next_message(os));
    answer(os, 2, m->xid);
    REQUIRE(next_message(os));
    os.run_for(6s);
    m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 3);
    answer(os, 5, m->xid);
    CHECK(start.done());
}

TEST_CASE("a full card or an empty pool only delays") {
    host os;
    os.card().full = true;
    auto start = os.dhcp().start();
    REQUIRE(start.start());
    CHECK(os.counters().not_sent == 1);
    os.card().full = false;
    std::vector<uk::packet> hoard;
    while (uk::packet p = os.store().take()) hoard.push_back(std::move(p));
    os.run_for(6s);
    CHECK(os.counters().not_sent == 2);
    hoard.clear();
    os.run_for(10s);
    CHECK(next_message(os));
}

TEST_CASE("a refusal starts again") {
    host os;
    auto start = os.dhcp().start();
    REQUIRE(start.start());
    auto m = next_message(os);
    answer(os, 2, m->xid);
    m = next_message(os);
    REQUIRE(m);
    answer(os, 6, m->xid, uk::ip4_address::broadcast());
    CHECK(os.counters().naks == 1);
    CHECK_FALSE(next_message(os));
    os.run_for(4s);
    m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 1);
    CHECK_FALSE(start.done());
}

TEST_CASE("the lease is renewed with its server") {
    host os;
    auto start = os.dhcp().start();
    lease(os, start);
    os.run_for(498s);
    CHECK(os.silent());
    os.meet_peer(router_ip);
    os.run_for(3s);
    const auto m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 3);
    CHECK(m->from == our_ip);
    CHECK(m->to == router_ip);
    answer(os, 5, m->xid);
    CHECK(os.counters().acks == 2);
    os.run_for(400s);
    CHECK_FALSE(next_message(os));
    CHECK(os.ip().address() == our_ip);
}

TEST_CASE("a lease that nobody renews ends, and the search begins again") {
    host os;
    auto start = os.dhcp().start();
    lease(os, start);
    os.run_for(999s);
    CHECK(os.ip().address() == our_ip);
    os.card().from_stack.clear();
    os.run_for(2s);
    CHECK(os.ip().address().is_unspecified());
    CHECK(os.counters().lost == 1);
    const auto m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 1);
    CHECK(m->from.is_unspecified());
    answer(os, 2, m->xid);
    answer(os, 5, next_message(os)->xid);
    CHECK(os.ip().address() == our_ip);
}

TEST_CASE("a refused renewal takes the address away") {
    host os;
    auto start = os.dhcp().start();
    lease(os, start);
    os.meet_peer(router_ip);
    os.run_for(501s);
    const auto m = next_message(os);
    REQUIRE(m);
    answer(os, 6, m->xid);
    CHECK(os.ip().address().is_unspecified());
    CHECK(os.counters().lost == 1);
}

TEST_CASE("bad messages are counted by their cause, and change nothing") {
    host os;
    const auto send = [&](std::uint16_t from_port, const octets& payload) {
        os.inject(ip_frame(router_ip, our_ip, 17, udp_payload(router_ip, from_port, our_ip, 68, payload)));
    };
    answer(os, 2, 0);  // before the start
    auto start = os.dhcp().start();
    REQUIRE(start.start());
    const auto xid = next_message(os)->xid;
    send(67, octets(239));
    send(67, octets(300));
    dhcp_message m;
    m.xid = xid;
    send(68, m.octets_of_it());  // not from a server's port
    CHECK(os.counters().malformed == 3);
    answer(os, 2, xid + 1);
    answer(os, 5, xid);
    m.options = raw({53, 1, 2, 255});  // an offer of nothing
    send(67, m.octets_of_it());
    CHECK(os.counters().ignored == 4);
    CHECK(os.silent());
    answer(os, 2, xid);
    CHECK(next_message(os)->type == 3);
}

namespace {
struct no_entropy {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::entropy>;
    static bool fill(uk::writable_bytes) { return false; }
};
struct poor_host : link_end<uk::stack<link_parts, no_entropy, net::ip4<net::dhcp>>> {};
}  // namespace

TEST_CASE("without randomness there is no start") {
    poor_host os;
    os.each([](auto& object) {
        if constexpr (requires { object.start(); }) {
            auto start = object.start();
            REQUIRE(start.start());
            REQUIRE(start.done());
            CHECK(start.take().error() == uk::error::no_entropy);
        }
    });
    CHECK(os.silent());
}

TEST_CASE("a card whose link comes up has the lease confirmed, used on meanwhile") {
    host os;
    os.card().came_up = true;
    os.turn();  // before the start: nothing to confirm
    CHECK(os.silent());
    auto start = os.dhcp().start();
    lease(os, start);
    os.card().came_up = true;
    os.turn();
    const auto m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 3);
    CHECK(m->to == uk::ip4_address::broadcast());
    CHECK(os.ip().address() == our_ip);
    answer(os, 5, m->xid);
    CHECK(os.counters().acks == 2);
    os.card().came_up = true;
    os.turn();
    answer(os, 6, next_message(os)->xid);
    CHECK(os.ip().address().is_unspecified());
    CHECK(os.counters().lost == 1);
}

TEST_CASE("an address is given back when asked to, and another looked for when asked again") {
    host os;
    auto start = os.dhcp().start();
    lease(os, start);
    os.meet_peer(router_ip);
    os.dhcp().release();
    os.dhcp().release();
    const auto m = next_message(os);
    REQUIRE(m);
    CHECK(m->type == 7);
    CHECK(m->to == router_ip);
    CHECK(os.ip().address().is_unspecified());
    CHECK_FALSE(next_message(os));
    os.run_for(5000s);
    CHECK(os.silent());
    os.dhcp().renew();
    CHECK(next_message(os)->type == 1);
}

namespace {
struct named_host : link_end<uk::stack<link_parts, net::ip4<net::dhcp_with<net::dhcp_limits{.domain = 11}>>,
                                       uk::uses<uk::port::resolvers, uk::port::udp>>> {
    auto& resolvers() { return (*this)[uk::port::resolvers]; }
    void reply(int type, std::uint32_t xid, const octets& more) {
        dhcp_message m;
        m.xid = xid;
        m.options = raw({53, 1, type}) + address_option(54, router_ip) + number_option(51, 1000) + more + raw({255});
        inject(ip_frame(router_ip, our_ip, 17, udp_payload(router_ip, 67, our_ip, 68, m.octets_of_it())));
    }
    std::uint32_t xid() {
        const sent_frame f = take_ip();
        return uk::load_be<std::uint32_t>(f.payload.data() + 8 + 4);
    }
};
}  // namespace

TEST_CASE("a resolver learns of name servers and domain") {
    named_host os;
    CHECK(os.resolvers().resolvers().empty());
    auto start = os.resolvers().start();
    REQUIRE(start.start());
    const octets servers = raw({6, 8, 9, 9, 9, 9, 8, 8, 8, 8});
    const auto xid = os.xid();
    os.reply(2, xid, servers);
    CHECK(os.resolvers().resolvers().empty());
    CHECK(os.resolvers().domain().empty());
    SUBCASE("a domain in two parts") {
        os.reply(5, xid, servers + raw({15, 8}) + octets_of("example.") + raw({15, 3}) + octets_of("org"));
        CHECK(os.resolvers().domain() == "example.org");
    }
    SUBCASE("a longer one is none") {
        os.reply(5, xid, servers + raw({15, 12}) + octets_of("example.info"));
        CHECK(os.resolvers().domain().empty());
    }
    REQUIRE(start.done());
    REQUIRE(os.resolvers().resolvers().size() == 2);
    CHECK(os.resolvers().resolvers()[0] == "9.9.9.9"_ip4);
    CHECK(os.resolvers().resolvers()[1] == "8.8.8.8"_ip4);
    os.run_for(1001s);
    CHECK(os.resolvers().resolvers().empty());
    CHECK(os.resolvers().domain().empty());
}

namespace {
struct careful_host : link_end<uk::stack<link_parts, net::arp<net::arp_limits{.probes = 3}>, net::ip4<net::dhcp>,
                                         uk::uses<uk::port::resolvers>>> {
    auto& dhcp() { return (*this)[uk::port::resolvers]; }
    uk::ip4_address address() { return (*this)[uk::port::ip].address(); }
    // The next DHCP message: its type and transaction.
    std::pair<int, std::uint32_t> message() {
        while (!silent()) {
            const sent_frame f = take_ip();
            if (f.ip.protocol != 17) continue;
            return {std::to_integer<int>(f.payload[8 + 242]), uk::load_be<std::uint32_t>(f.payload.data() + 8 + 4)};
        }
        return {};
    }
    void reply(int type, std::uint32_t xid) {
        dhcp_message m;
        m.xid = xid;
        m.options = raw({53, 1, type}) + address_option(54, router_ip) + address_option(1, "255.255.255.0"_ip4) +
                    number_option(51, 1000) + raw({255});
        inject(ip_frame(router_ip, our_ip, 17, udp_payload(router_ip, 67, our_ip, 68, m.octets_of_it())));
    }
    void exchange() {
        const auto xid = message().second;
        reply(2, xid);
        CHECK(message().first == 3);
        reply(5, xid);
    }
    void conflict() {
        inject(arp_frame(our_mac, {net::arp_operation::reply, peer_mac, our_ip, our_mac, {}}));
    }
};
}  // namespace

TEST_CASE("where ARP probes, a lease is used when nobody else has the address") {
    careful_host os;
    auto start = os.dhcp().start();
    REQUIRE(start.start());
    os.exchange();
    CHECK(os.address().is_unspecified());
    os.run_for(8s);
    CHECK(os.address() == our_ip);
    CHECK(start.done());
    os.run_for(500s);  // renewed without being probed for again
    os.card().from_stack.clear();
    CHECK(os.address() == our_ip);
    SUBCASE("and declined when somebody takes it, though it is defended") {
        os.conflict();
        CHECK(os.address() == our_ip);
        os.conflict();
        CHECK(os.address().is_unspecified());
        CHECK(os.dhcp().counters().declined == 1);
        CHECK(os.message().first == 4);
    }
}

TEST_CASE("where ARP probes, an address that somebody has is declined") {
    careful_host os;
    auto start = os.dhcp().start();
    REQUIRE(start.start());
    os.exchange();
    os.run_for(2s);
    os.conflict();
    CHECK(os.message().first == 4);
    CHECK(os.dhcp().counters().declined == 1);
    os.run_for(9s);
    CHECK(os.message().first == 0);
    CHECK_FALSE(start.done());
    os.run_for(3s);
    os.exchange();
    os.run_for(8s);
    CHECK(os.address() == our_ip);
    CHECK(start.done());
}
