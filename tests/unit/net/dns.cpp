// SPDX-License-Identifier: BSL-1.0
#include "dns_host.hpp"

#include <uk/event.hpp>

#include <set>
#include <type_traits>
#include <vector>

using namespace dns_fixture;
using net::dns_fault;

namespace {

struct knows_servers {
    using needs = uk::ports<>;
    using provides = uk::ports<>;
    std::span<const uk::ip4_address> resolvers() const { return list; }
    net::dns_server_list list{};
};

template <class Host>
knows_servers& knowing(Host& os) {
    knows_servers* found = nullptr;
    os.each([&](auto& object) {
        if constexpr (requires { found = &object; }) found = &object;
    });
    return *found;
}

/// What comes of a look-up with this answer.
template <class Host>
std::string outcome_of(Host& os, const message& m, const asked_question& q, uk::task<uk::result<std::string>>& t) {
    say(os, q, m);
    return outcome(t);
}

/// Nothing more goes out for a while.
template <class Host>
bool quiet(Host& os) {
    os.run_for(60s);
    return os.silent();
}

}  // namespace

TEST_CASE("a name is asked for, and known from then on for its time") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    const auto q = next_question(os);
    REQUIRE(q);
    CHECK(q->server == peer_ip);
    CHECK(q->lower_name() == name("www.example"));
    CHECK(q->question.substr(q->question.size() - 4) == "\0\1\0\1"s);
    message m = q->answer();
    m.answers = {address(asked, 0x01020304, 60), address(asked, 0x05060708, 60)};
    say(os, *q, m);
    CHECK(outcome(t) == "1.2.3.4 5.6.7.8");
    CHECK(at_once(os, "WWW.example.") == "1.2.3.4 5.6.7.8");
    os.run_for(59s);
    CHECK(at_once(os, "www.example") == "1.2.3.4 5.6.7.8");
    CHECK(os.silent());
    CHECK(os.counters().cached == 2);
    CHECK(os.counters().sent == 1);
    CHECK(os.counters().answered == 1);
    os.run_for(2s);
    CHECK(at_once(os, "www.example").empty());
    CHECK(next_question(os));
}

TEST_CASE("addresses beyond the limit are left out") {
    host<net::dns_limits{.servers = {peer_ip}, .addresses = 1}> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    const auto q = next_question(os);
    message m = q->answer();
    m.answers = {address(asked, 0x01020304), address(asked, 0x05060708)};
    CHECK(outcome_of(os, m, *q, t) == "1.2.3.4");
}

TEST_CASE("a dotted address is its own, what is no name is not asked for") {
    host<> os;
    CHECK(at_once(os, "192.0.2.7") == "192.0.2.7");
    CHECK(at_once(os, "a..b") == "not a name");
    CHECK(at_once(os, std::string(300, 'a')) == "not a name");
    CHECK(quiet(os));
}

TEST_CASE("who asks for the same at the same time shares one query") {
    host<> os;
    auto one = look(os, "www.example");
    auto two = look(os, "WWW.example");
    auto other = look(os, "other.example");
    REQUIRE(one.start());
    REQUIRE(two.start());
    REQUIRE(other.start());
    const auto q = next_question(os);
    const auto r = next_question(os);
    REQUIRE(q);
    REQUIRE(r);
    CHECK(os.silent());
    CHECK(os.counters().shared == 1);
    CHECK(r->lower_name() == name("other.example"));
    say_address(os, *q, 0x01020304);
    CHECK(outcome(one) == "1.2.3.4");
    CHECK(outcome(two) == "1.2.3.4");
    CHECK(outcome(other).empty());
    say_address(os, *r, 0x01020305);
    CHECK(outcome(other) == "1.2.3.5");
}

TEST_CASE("as many names at one time as the limit says") {
    host<net::dns_limits{.servers = {peer_ip}, .queries = 2}> os;
    auto one = look(os, "one.example");
    auto two = look(os, "two.example");
    REQUIRE(one.start());
    REQUIRE(two.start());
    CHECK(at_once(os, "three.example") == "too many names are being asked for");
    const auto q = next_question(os);
    say_address(os, *q, 1);
    CHECK(outcome(one) == "0.0.0.1");
    CHECK(at_once(os, "three.example").empty());
}

TEST_CASE("BI-24: what does not come from the server and port that were asked is dropped") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    const auto q = next_question(os);
    message m = q->answer();
    m.answers = {address(asked, 0x66666666)};
    say(os, *q, m, router_ip);
    say(os, *q, m, {}, 54);
    CHECK(os.counters().bad_source == 2);
    CHECK(outcome(t).empty());
    say_address(os, *q, 0x01020304);
    CHECK(outcome(t) == "1.2.3.4");
}

TEST_CASE("BI-24: what goes to another port does not reach the query") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    asked_question q = *next_question(os);
    ++q.from_port;
    say_address(os, q, 0x66666666);
    CHECK(outcome(t).empty());
    --q.from_port;
    say_address(os, q, 0x01020304);
    CHECK(outcome(t) == "1.2.3.4");
}

TEST_CASE("BI-20 to BI-24: a malformed message is dropped and counted by cause; the good one still comes through") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    const auto q = next_question(os);
    message forged = q->answer();
    forged.answers = {address(asked, 0x66666666)};
    const std::vector<std::pair<dns_fault, void (*)(message&)>> ways{
        {dns_fault::header, [](message& m) { m.flags = 0x0100; }},
        {dns_fault::header, [](message& m) { m.flags |= 0x2800; }},
        {dns_fault::id, [](message& m) { m.id ^= 1; }},
        {dns_fault::question, [](message& m) { m.question[1] ^= 0x20; }},
        {dns_fault::question, [](message& m) { m.question[2] = 'x'; }},
        {dns_fault::name, [](message& m) { m.answers[0] = address(pointer(29), 1); }},
        {dns_fault::record, [](message& m) { m.answers[0] = record(asked, 1, 60, "xxx"); }},
        {dns_fault::count, [](message& m) { m.more_answers = 1; }},
        {dns_fault::count, [](message& m) { m.behind = "x"; }},
    };
    for (const auto& [fault, spoil] : ways) {
        message m = forged;
        spoil(m);
        const std::uint32_t before = os.bad(fault);
        say(os, *q, m);
        CHECK(os.bad(fault) == before + 1);
        CHECK(outcome(t).empty());
    }
    say_address(os, *q, 0x01020304);
    CHECK(outcome(t) == "1.2.3.4");
    CHECK(os.counters().sent == 1);
}

TEST_CASE("bad datagrams do not lengthen the time that the server has") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    asked_question q = *next_question(os);
    for (int i = 0; i < 4; ++i) {
        os.run_for(240ms);
        message m = q.answer();
        ++m.id;
        say(os, q, m);
    }
    CHECK(os.silent());
    os.run_for(50ms);
    CHECK(next_question(os));
}

TEST_CASE("BI-24: an answer to an earlier try, and a second one, come to nobody") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    const auto late = next_question(os);
    os.run_for(1500ms);
    const auto q = next_question(os);
    REQUIRE(q);
    say_address(os, *late, 0x66666666);
    CHECK(outcome(t).empty());
    say_address(os, *q, 0x01020304);
    CHECK(outcome(t) == "1.2.3.4");
    say_address(os, *q, 0x66666666);
    CHECK(at_once(os, "www.example") == "1.2.3.4");
}

TEST_CASE("each server has its turn, and twice as long at each further try") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    const uk::instant begin = os.time();
    std::vector<std::pair<uk::ip4_address, long>> tries;
    std::set<int> ids, ports;
    while (!t.done() && tries.size() < 20) {
        if (const auto q = next_question(os)) {
            tries.emplace_back(q->server, (os.time() - begin) / 100ms);
            ids.insert(q->id);
            ports.insert(q->from_port);
        }
        os.run_for(100ms);
    }
    CHECK(outcome(t) == "no name server answered in time");
    const std::vector<std::pair<uk::ip4_address, long>> expected{{peer_ip, 0},    {router_ip, 10}, {peer_ip, 20},
                                                                 {router_ip, 40}, {peer_ip, 60},   {router_ip, 100}};
    REQUIRE(tries.size() == expected.size());
    for (std::size_t i = 0; i < tries.size(); ++i) {
        CHECK(tries[i].first == expected[i].first);
        // A timer fires late by up to the two milliseconds of its wheel's ticks, at each try.
        CHECK(tries[i].second >= expected[i].second);
        CHECK(tries[i].second <= expected[i].second + 1);
    }
    CHECK(ids.size() == 6);
    CHECK(ports.size() == 6);
    CHECK((os.time() - begin) / 1s == 14);
    CHECK(os.counters().timed_out == 6);
    CHECK(os.counters().sent == 6);
    // Not remembered: the network may be better now.
    CHECK(at_once(os, "www.example").empty());
    CHECK(next_question(os));
}

TEST_CASE("the server that answered is asked first from then on") {
    host<> os;
    auto t = look(os, "one.example");
    REQUIRE(t.start());
    os.run_for(1100ms);
    CHECK(next_question(os)->server == peer_ip);
    const auto q = next_question(os);
    CHECK(q->server == router_ip);
    say_address(os, *q, 1);
    CHECK(outcome(t) == "0.0.0.1");
    CHECK(at_once(os, "two.example").empty());
    CHECK(next_question(os)->server == router_ip);
}

TEST_CASE("a server that fails is not waited for") {
    host<net::dns_limits{.servers = {peer_ip, router_ip}, .tries = 1}> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    for (uk::ip4_address server : {peer_ip, router_ip}) {
        const auto q = next_question(os);
        REQUIRE(q);
        CHECK(q->server == server);
        message m = q->answer();
        m.flags = 0x8182;
        say(os, *q, m);
    }
    CHECK(outcome(t) == "the name servers could not answer");
    CHECK(os.counters().failed == 2);
}

TEST_CASE("that a name does not exist is remembered where there is an SOA") {
    host<> os;
    auto t = look(os, "no.example");
    REQUIRE(t.start());
    auto q = next_question(os);
    message m = q->answer();
    m.flags = 0x8183;
    CHECK(outcome_of(os, m, *q, t) == "no such name");
    auto again = look(os, "no.example");
    REQUIRE(again.start());
    q = next_question(os);
    REQUIRE(q);
    m = q->answer();
    m.flags = 0x8183;
    m.authority = {soa(name("example"), 60, 30)};
    CHECK(outcome_of(os, m, *q, again) == "no such name");
    os.run_for(29s);
    CHECK(at_once(os, "no.example") == "no such name");
    os.run_for(2s);
    CHECK(at_once(os, "no.example").empty());
}

TEST_CASE("where the server does not follow an alias, its target is asked for") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    auto q = next_question(os);
    message m = q->answer();
    m.answers = {alias(asked, name("a.example"), 500), alias(name("a.example"), name("B.example"), 40)};
    CHECK(outcome_of(os, m, *q, t).empty());
    q = next_question(os);
    REQUIRE(q);
    CHECK(q->lower_name() == name("b.example"));
    CHECK(q->server == peer_ip);
    say_address(os, *q, 0x01020304, 500);
    CHECK(outcome(t) == "1.2.3.4");
    // Known under the name that was asked for, for the least of the times.
    os.run_for(39s);
    CHECK(at_once(os, "www.example") == "1.2.3.4");
    os.run_for(2s);
    CHECK(at_once(os, "www.example").empty());
}

TEST_CASE("a chain of aliases over several answers ends") {
    host<net::dns_limits{.servers = {peer_ip}, .aliases = 3}> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    for (int i = 0; i < 4; ++i) {
        CHECK(outcome(t).empty());
        const auto q = next_question(os);
        REQUIRE(q);
        message m = q->answer();
        m.answers = {alias(asked, name("x" + std::to_string(i)))};
        say(os, *q, m);
    }
    CHECK(outcome(t) == "too many aliases");
    CHECK(quiet(os));
}

TEST_CASE("BI-25, BI-26: nothing is sent without randomness") {
    host<> os;
    os[uk::port::entropy].broken = true;
    CHECK(at_once(os, "www.example") == "the machine has no source of randomness");
    CHECK(quiet(os));
    CHECK(os.counters().sent == 0);
    CHECK(os.counters().not_sent != 0);
    os[uk::port::entropy].broken = false;
    CHECK(at_once(os, "www.example").empty());
    CHECK(next_question(os));
}

TEST_CASE("BI-25, BI-26: ids, ports and cases are all new each time, from all that there are") {
    host<net::dns_limits{.servers = {peer_ip}, .tries = 1}> os;
    std::set<int> ids, ports;
    std::set<std::string> cases;
    unsigned id_ones[16]{}, low_ports = 0;
    constexpr unsigned rounds = 256;
    for (unsigned i = 0; i < rounds; ++i) {
        os.meet_peer();
        auto t = look(os, "abcdefgh.example");
        REQUIRE(t.start());
        const auto q = next_question(os);
        REQUIRE(q);
        CHECK(q->from_port >= 1024);
        low_ports += q->from_port < 32768;
        ids.insert(q->id);
        ports.insert(q->from_port);
        cases.insert(q->question);
        for (unsigned bit = 0; bit < 16; ++bit) id_ones[bit] += q->id >> bit & 1U;
        CHECK(q->lower_name() == name("abcdefgh.example"));
        os.run_for(2s);
        CHECK(outcome(t) == "no name server answered in time");
    }
    CHECK(ids.size() > rounds - 8);
    CHECK(ports.size() > rounds - 8);
    CHECK(cases.size() > rounds - 8);
    for (unsigned ones : id_ones) CHECK((ones > rounds / 4 && ones < rounds * 3 / 4));
    CHECK((low_ports > rounds / 4 && low_ports < rounds * 3 / 4));
}

TEST_CASE("a port that somebody has is not taken: the next try has another") {
    host<net::dns_limits{.servers = {peer_ip}}> os;
    os[uk::port::entropy].zeros = 1;
    auto taken = os[uk::port::udp].bind(1024);
    REQUIRE(taken);
    CHECK(at_once(os, "www.example").empty());
    CHECK(os.counters().not_sent == 1);
    const auto q = next_question(os);
    REQUIRE(q);
    CHECK(q->from_port != 1024);
    os[uk::port::entropy].zeros = 3;
    CHECK(at_once(os, "other.example") == "too many names are being asked for");
    CHECK(os.silent());
}

TEST_CASE("without mixed case the name goes as it was asked for, and may come back in another") {
    host<net::dns_limits{.servers = {peer_ip}, .mixed_case = false}> os;
    auto t = look(os, "wWw.example");
    REQUIRE(t.start());
    const auto q = next_question(os);
    CHECK(q->question == name("wWw.example") + "\0\1\0\1"s);
    message m = q->answer();
    m.question = name("WWW.EXAMPLE") + "\0\1\0\1"s;
    m.answers = {address(asked, 0x01020304)};
    CHECK(outcome_of(os, m, *q, t) == "1.2.3.4");
}

TEST_CASE("servers: those set, else the limits', else what an object of the stack knows") {
    host<net::dns_limits{}, knows_servers> os;
    CHECK(at_once(os, "a.example") == "no name server is known");
    knowing(os).list = {router_ip};
    CHECK(at_once(os, "b.example").empty());
    CHECK(next_question(os)->server == router_ip);
    const uk::ip4_address set[]{"0.0.0.0"_ip4, "224.0.0.1"_ip4, "255.255.255.255"_ip4, peer_ip};
    os.dns().set_servers(set);
    CHECK(at_once(os, "c.example").empty());
    CHECK(next_question(os)->server == peer_ip);
    os.dns().set_servers({});
    CHECK(at_once(os, "d.example").empty());
    CHECK(next_question(os)->server == router_ip);

    host<net::dns_limits{.servers = {peer_ip}}, knows_servers> fixed;
    knowing(fixed).list = {router_ip};
    CHECK(at_once(fixed, "a.example").empty());
    CHECK(next_question(fixed)->server == peer_ip);
}

TEST_CASE("no more than three servers are kept") {
    host<net::dns_limits{.tries = 1}> os;
    const uk::ip4_address set[]{"10.0.0.11"_ip4, "10.0.0.12"_ip4, "10.0.0.13"_ip4, "10.0.0.14"_ip4, "10.0.0.15"_ip4};
    os.dns().set_servers(set);
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    os.run_for(30s);
    CHECK(outcome(t) == "no name server answered in time");
    CHECK(os.counters().sent == 3);
}

TEST_CASE("without an address of our own, or buffers, or sockets, the look-up fails at once") {
    host<> os;
    os[uk::port::ip].configure({}, {});
    CHECK(at_once(os, "www.example") == "the name servers are unreachable");
    os[uk::port::ip].configure(our_net, router_ip);
    {
        std::vector<uk::packet> all;
        while (uk::packet p = os.store().take()) all.push_back(std::move(p));
        CHECK(at_once(os, "www.example") == "no packet buffer is free");
    }
    {
        std::vector<std::remove_cvref_t<decltype(*os[uk::port::udp].bind(1))>> all;
        while (auto s = os[uk::port::udp].bind(0)) all.push_back(std::move(*s));
        CHECK(at_once(os, "www.example") == "too many names are being asked for");
    }
    CHECK(os.silent());
    os.meet_peer();
    CHECK(at_once(os, "www.example").empty());
    CHECK(next_question(os));
}

TEST_CASE("without memory for the query the look-up fails, and a later one goes on") {
    host<> os;
    std::vector<void*> all;
    auto t = look(os, "www.example");
    for (std::size_t size = 32768; size >= 64; size /= 2) {
        while (void* p = os.scheduler().frames.allocate(size)) all.push_back(p);
    }
    REQUIRE(t.start());
    os.turn();
    CHECK(outcome(t) == "the task arena is exhausted");
    for (void* p : all) uk::arena::free(p);
    CHECK(at_once(os, "www.example").empty());
    CHECK(next_question(os));
}

namespace {
uk::task<uk::result<std::string>> look_within(host<>& os, uk::duration limit) {
    co_return text_of(co_await uk::within(limit, os.dns().resolve("www.example")));
}
}  // namespace

TEST_CASE("a look-up may be given up; its question goes on for the cache") {
    host<> os;
    auto t = look_within(os, 100ms);
    REQUIRE(t.start());
    const auto q = next_question(os);
    REQUIRE(q);
    os.run_for(200ms);
    CHECK(outcome(t) == "no name server answered in time");
    {
        auto destroyed = look(os, "www.example");
        REQUIRE(destroyed.start());
    }
    say_address(os, *q, 0x01020304);
    CHECK(at_once(os, "www.example") == "1.2.3.4");
    auto known = look_within(os, 100ms);
    REQUIRE(known.start());
    os.turn();
    CHECK(outcome(known) == "1.2.3.4");
    CHECK(os.silent());
}

TEST_CASE("a stack may end while somebody asks") {
    host<> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    CHECK(os.counters().sent == 1);
}

TEST_CASE("IPv6 addresses, beside those of IPv4") {
    host<net::dns_limits{.servers = {peer_ip}, .addresses = 2, .ip6 = true}> os;
    auto four = look(os, "www.example");
    auto six = look_ip6(os, "www.example");
    REQUIRE(four.start());
    REQUIRE(six.start());
    const auto q = next_question(os);
    const auto r = next_question(os);
    REQUIRE(r);
    CHECK(os.counters().shared == 0);
    CHECK(r->question.substr(r->question.size() - 4) == "\0\x1c\0\1"s);
    say_address(os, *q, 0x01020304);
    CHECK(outcome(four) == "1.2.3.4");
    message m = r->answer();
    m.answers = {record(asked, 28, 60, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s),
                 record(asked, 28, 60, std::string(16, 'a')), record(asked, 28, 60, std::string(16, 'b'))};
    CHECK(outcome_of(os, m, *r, six) == "20010db8000000000000000000000001 61616161616161616161616161616161");
    CHECK(at_once(os, "www.example") == "1.2.3.4");
    auto again = look_ip6(os, "1.2.3.4");
    REQUIRE(again.start());
    CHECK(next_question(os));
}

TEST_CASE("without a cache each look-up asks") {
    host<net::dns_limits{.servers = {peer_ip}, .cache = {.entries = 0}}> os;
    for (int i = 0; i < 2; ++i) {
        auto t = look(os, "www.example");
        REQUIRE(t.start());
        const auto q = next_question(os);
        REQUIRE(q);
        say_address(os, *q, 0x01020304);
        CHECK(outcome(t) == "1.2.3.4");
    }
}

TEST_CASE("without TCP an answer too long for a datagram is none, and there is no need of streams") {
    static_assert(std::is_same_v<net::dns<>::needs, uk::ports<uk::port::udp, uk::port::tasks, uk::port::entropy>>);
    host<net::dns_limits{.servers = {peer_ip}, .tries = 1}> os;
    auto t = look(os, "www.example");
    REQUIRE(t.start());
    const auto q = next_question(os);
    message m = q->answer();
    m.flags = 0x8380;
    m.answers = {address(asked, 1)};
    CHECK(outcome_of(os, m, *q, t) == "the answer is too long for UDP");
    CHECK(os.counters().truncated == 1);
}
