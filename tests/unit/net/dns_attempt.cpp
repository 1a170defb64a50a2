// SPDX-License-Identifier: BSL-1.0
#include "dns_fixture.hpp"

#include <uk/net/dns_attempt.hpp>

#include <doctest/doctest.h>

using namespace dns_fixture;
using net::dns_error;
using net::dns_fault;
using net::dns_next;

namespace {

struct attempt : net::dns_attempt<8> {
    attempt() { asked = query(); }
    dns_fault read_text(const std::string& text, unsigned most_aliases = 8) {
        return read(uk::as_bytes(text), true, most_aliases);
    }
};

}  // namespace

TEST_CASE("addresses are the answer") {
    attempt a;
    CHECK(a.then == dns_next::alias);
    message m;
    m.answers = {address(asked, 0x01020304, 70), address(asked, 0x05060708, 80), address(asked, 0x090a0b0c, 60)};
    CHECK(a.read_text(m.text()) == dns_fault::none);
    CHECK(a.then == dns_next::done);
    CHECK(a.got.count == 2);
    CHECK(a.got.addresses[7] == std::byte{8});
    CHECK(a.keep);
    CHECK(a.r.ttl == 60);
}

TEST_CASE("a bad message decides nothing") {
    attempt a;
    a.then = dns_next::wait;
    message m;
    m.answers = {address(asked, 1)};
    m.more_answers = 1;
    CHECK(a.read_text(m.text()) == dns_fault::count);
    CHECK(a.then == dns_next::wait);
    CHECK(a.got.count == 0);
    CHECK_FALSE(a.keep);
}

TEST_CASE("a truncated answer asks for a stream, whatever its code") {
    for (std::uint32_t flags : {0x8380U, 0x8383U, 0x8382U}) {
        attempt a;
        message m;
        m.flags = flags;
        CHECK(a.read_text(m.text()) == dns_fault::none);
        CHECK(a.then == dns_next::stream);
        CHECK(a.got.wrong == dns_error::truncated);
    }
}

TEST_CASE("a server that fails, or is lame and says nothing, is left for another one") {
    for (std::uint32_t code = 0; code < 16; ++code) {
        attempt a;
        message m;
        m.flags = 0x8180 | code;
        CHECK(a.read_text(m.text()) == dns_fault::none);
        CHECK((a.then == dns_next::server) == (code != 0 && code != 3));
        if (a.then == dns_next::server) CHECK(a.got.wrong == dns_error::server_failed);
        CHECK_FALSE(a.keep);
    }
    attempt a;
    message m;
    m.flags = 0x8100;
    a.read_text(m.text());
    CHECK(a.then == dns_next::server);
    m.answers = {address(asked, 1)};
    a.read_text(m.text());
    CHECK(a.then == dns_next::done);
    CHECK(a.got.count == 1);
}

TEST_CASE("nothing there is told to others only where an SOA says so") {
    for (bool authority : {false, true}) {
        for (std::uint32_t code : {0U, 3U}) {
            attempt a;
            message m;
            m.flags = 0x8180 | code;
            if (authority) m.authority = {soa(name("example"), 50, 40)};
            CHECK(a.read_text(m.text()) == dns_fault::none);
            CHECK(a.then == dns_next::done);
            CHECK(a.got.count == 0);
            CHECK(a.got.wrong == (code == 3 ? dns_error::no_such_name : dns_error::no_address));
            CHECK(a.keep == authority);
            if (authority) CHECK(a.r.ttl == 40);
        }
    }
}

TEST_CASE("with the code of no such name, addresses are not taken nor anything kept without an SOA") {
    attempt a;
    message m;
    m.flags = 0x8183;
    m.answers = {address(asked, 0x66666666)};
    CHECK(a.read_text(m.text()) == dns_fault::none);
    CHECK(a.got.count == 0);
    CHECK(a.got.wrong == dns_error::no_such_name);
    CHECK_FALSE(a.keep);
}

TEST_CASE("an alias that the server did not follow is asked for, unless the answer says that nothing is there") {
    attempt a;
    message m;
    m.answers = {alias(asked, name("b.example"), 40)};
    CHECK(a.read_text(m.text()) == dns_fault::none);
    CHECK(a.then == dns_next::alias);
    CHECK(std::string(uk::as_text(a.asked.name.wire())) == name("b.example"));
    m.question = name("b.example") + "\0\1\0\1"s;
    m.answers = {address(asked, 1, 90)};
    CHECK(a.read_text(m.text()) == dns_fault::none);
    CHECK(a.then == dns_next::done);
    CHECK(a.got.count == 1);
    CHECK(a.r.ttl == 40);

    for (bool missing : {false, true}) {
        attempt b;
        message n;
        n.answers = {alias(asked, name("b.example"), 40)};
        if (missing) n.flags = 0x8183;
        if (!missing) n.authority = {soa(name("example"), 50, 60)};
        CHECK(b.read_text(n.text()) == dns_fault::none);
        CHECK(b.then == dns_next::done);
        CHECK(b.got.wrong == (missing ? dns_error::no_such_name : dns_error::no_address));
    }
}

TEST_CASE("too many aliases end it, in one answer and over several") {
    attempt a;
    message m;
    m.answers = {alias(asked, asked)};
    CHECK(a.read_text(m.text(), 3) == dns_fault::none);
    CHECK(a.then == dns_next::done);
    CHECK(a.got.wrong == dns_error::too_many_aliases);
    CHECK_FALSE(a.keep);

    attempt b;
    for (int i = 0; i < 3; ++i) {
        m.answers = {alias(asked, name("x" + std::to_string(i)))};
        CHECK(b.read_text(m.text(), 2) == dns_fault::none);
        CHECK(b.then == (i < 2 ? dns_next::alias : dns_next::done));
        m.question = name("x" + std::to_string(i)) + "\0\1\0\1"s;
    }
    CHECK(b.got.wrong == dns_error::too_many_aliases);
}
