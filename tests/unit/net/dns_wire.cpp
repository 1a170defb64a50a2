// SPDX-License-Identifier: BSL-1.0
#include "dns_fixture.hpp"

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>

using namespace dns_fixture;
using net::dns_fault;
using net::dns_type;

namespace {

struct outcome {
    dns_fault wrong;
    net::dns_reading r;
    std::string addresses;
};

outcome read(const std::string& message, dns_type type = dns_type::a, unsigned room = 4, bool exact = true,
             unsigned most_aliases = 8) {
    // On the heap to their own sizes, so that a sanitizer sees the first octet beyond them.
    const std::vector<char> copy(message.begin(), message.end());
    const unsigned octets = type == dns_type::a ? 4 : 16;
    std::vector<std::byte> into(room * octets);
    outcome o{};
    o.wrong =
        net::read_dns_answer(std::as_bytes(std::span(copy)), query(type), exact, most_aliases, into.data(), room, o.r);
    o.addresses = std::string(uk::as_text(into)).substr(0, o.r.addresses * octets);
    return o;
}
dns_fault fault_of(const message& m) { return read(m.text()).wrong; }

const std::string one_two = "\1\2\3\4\5\6\7\10"s;

}  // namespace

TEST_CASE("a query is one question of class IN, recursion desired") {
    net::dns_query q = query();
    std::vector<std::byte> out(q.size());
    emit(q, out.data());
    CHECK(std::string(uk::as_text(out)) == "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\3www\7example\0\0\1\0\1"s);
    q.type = dns_type::aaaa;
    emit(q, out.data());
    CHECK(uk::load_be<std::uint32_t>(out.data() + out.size() - 4) == 0x001c0001);
}

TEST_CASE("addresses are taken in their order, as many as there is room for, with the least time") {
    message m;
    m.answers = {address(asked, 0x01020304, 90), address(name("www.example"), 0x05060708, 70),
                 address(name("WWW.example"), 0x090a0b0c, 80)};
    outcome o = read(m.text());
    CHECK(o.wrong == dns_fault::none);
    CHECK(o.addresses == "\1\2\3\4\5\6\7\10\11\12\13\14"s);
    CHECK(o.r.addresses == 3);
    CHECK(o.r.ttl == 70);
    CHECK(o.r.code == 0);
    CHECK_FALSE(o.r.authority);
    CHECK(read(m.text(), dns_type::a, 2).addresses == one_two);
    CHECK(read(m.text(), dns_type::a, 0).addresses.empty());
}

TEST_CASE("addresses of 16 octets") {
    message m;
    m.question = name("www.example") + number16(28) + number16(1);
    const std::string a(16, 'a'), b(16, 'b');
    m.answers = {address(asked, 1), record(asked, 28, 60, a), record(asked, 28, 60, b)};
    CHECK(read(m.text(), dns_type::aaaa, 2).addresses == a + b);
    CHECK(read(m.text(), dns_type::aaaa, 1).addresses == a);
}

TEST_CASE("what was not asked for is not taken") {
    message m;
    m.answers = {address(name("other.example"), 1), record(asked, 1, 60, "\1\2\3\4", 3), record(asked, 16, 60, "text"),
                 address(asked, 0x01020304)};
    m.additional = {address(asked, 0x05060708), record("\0"s, 41, 0, "", 4096)};
    const outcome o = read(m.text());
    CHECK(o.wrong == dns_fault::none);
    CHECK(o.addresses == "\1\2\3\4"s);
}

TEST_CASE("the highest bit of a time makes it none") {
    message m;
    m.answers = {address(asked, 1, 0x80000001)};
    CHECK(read(m.text()).r.ttl == 0);
    m.answers = {address(asked, 1, 0x7fffffff)};
    CHECK(read(m.text()).r.ttl == 0x7fffffff);
}

TEST_CASE("aliases are followed, in whatever order they come") {
    message m;
    m.answers = {address(name("c.example"), 0x01020304, 60), alias(name("B.example"), name("c.Example"), 50),
                 alias(asked, name("b.example"), 40)};
    const outcome o = read(m.text());
    CHECK(o.wrong == dns_fault::none);
    CHECK(o.addresses == "\1\2\3\4"s);
    CHECK(o.r.aliases == 2);
    CHECK(o.r.ttl == 40);
    CHECK(read(m.text(), dns_type::a, 4, true, 2).r.aliases == 2);
    const outcome cut = read(m.text(), dns_type::a, 4, true, 1);
    CHECK(cut.r.aliases == 2);
    CHECK(cut.addresses.empty());
}

TEST_CASE("of two aliases of one name the first counts") {
    message m;
    m.answers = {alias(asked, name("b.example")), alias(asked, name("c.example")), address(name("c.example"), 1),
                 address(name("b.example"), 0x01020304)};
    CHECK(read(m.text()).addresses == "\1\2\3\4"s);
}

TEST_CASE("the last alias's target is known where the answer does not go on") {
    message m;
    m.answers = {alias(asked, "\1b"s + pointer(16)), alias("\1b"s + pointer(16), "\1C"s + pointer(16))};
    const outcome o = read(m.text());
    CHECK(o.wrong == dns_fault::none);
    CHECK(o.r.addresses == 0);
    CHECK(o.r.aliases == 2);
    net::dns_name target;
    const std::string text = m.text();
    net::take_dns_name(uk::as_bytes(text), o.r.name_at, target);
    CHECK(std::string(uk::as_text(target.wire())) == name("C.example"));
}

TEST_CASE("a circle of aliases ends") {
    message m;
    m.answers = {alias(asked, name("b.example")), alias(name("b.example"), name("www.example"))};
    CHECK(read(m.text()).r.aliases == 9);
    m.answers = {alias(asked, asked)};
    CHECK(read(m.text()).r.aliases == 9);
    CHECK(read(m.text(), dns_type::a, 4, true, 0).r.aliases == 1);
}

TEST_CASE("aliases and times are counted over several answers, the rest is of the last") {
    message m;
    m.answers = {alias(asked, name("b.example"), 40)};
    m.authority = {soa(name("example"), 500, 300)};
    const std::string first = m.text();
    m.answers = {address(asked, 0x01020304, 90)};
    m.authority = {};
    const std::string second = m.text();
    std::byte into[8];
    net::dns_reading r;
    CHECK(net::read_dns_answer(uk::as_bytes(first), query(), true, 8, into, 2, r) == dns_fault::none);
    CHECK(r.authority);
    CHECK(r.name_at != net::dns_query::header);
    CHECK(net::read_dns_answer(uk::as_bytes(second), query(), true, 8, into, 2, r) == dns_fault::none);
    CHECK(r.aliases == 1);
    CHECK(r.ttl == 40);
    CHECK(r.addresses == 1);
    CHECK_FALSE(r.authority);
    CHECK(r.name_at == net::dns_query::header);
    CHECK(net::read_dns_answer(uk::as_bytes(second), query(), true, 8, into, 2, r) == dns_fault::none);
    CHECK(r.addresses == 1);
}

TEST_CASE("what is missing is so for as long as the SOA says") {
    message m;
    m.flags = 0x8183;
    m.authority = {soa(name("example"), 500, 300)};
    CHECK(read(m.text()).r.ttl == 300);
    CHECK(read(m.text()).r.authority);
    CHECK(read(m.text()).r.code == net::dns_no_such_name);
    m.authority = {soa(name("example"), 200, 300)};
    CHECK(read(m.text()).r.ttl == 200);
    // Elsewhere an SOA says nothing.
    m.authority = {};
    m.additional = {soa(name("example"), 200, 300)};
    CHECK_FALSE(read(m.text()).r.authority);
    m.additional = {};
    m.answers = {soa(name("example"), 200, 300)};
    CHECK_FALSE(read(m.text()).r.authority);
}

TEST_CASE("what a truncated answer holds is not looked at") {
    message m;
    m.flags = 0x8380;
    m.answers = {address(asked, 1)};
    m.more_answers = 7;
    const outcome o = read(m.text());
    CHECK(o.wrong == dns_fault::none);
    CHECK(o.r.truncated);
    CHECK(o.r.addresses == 0);
}

TEST_CASE("a lame server neither knows by itself nor asks others") {
    message m;
    for (std::uint32_t flags : {0x8000U, 0x8100U}) {
        m.flags = flags;
        CHECK(read(m.text()).r.lame);
    }
    for (std::uint32_t flags : {0x8080U, 0x8400U}) {
        m.flags = flags;
        CHECK_FALSE(read(m.text()).r.lame);
    }
}

TEST_CASE("BI-24: no response, or not one to a standard query") {
    message m;
    m.flags = 0x0180;
    CHECK(fault_of(m) == dns_fault::header);
    for (std::uint32_t opcode = 1; opcode < 16; ++opcode) {
        m.flags = 0x8180 | opcode << 11;
        CHECK(fault_of(m) == dns_fault::header);
    }
    for (std::size_t size = 0; size < 12; ++size) {
        CHECK(read(message{}.text().substr(0, size)).wrong == dns_fault::header);
    }
}

TEST_CASE("BI-24: another id") {
    for (int bit = 0; bit < 16; ++bit) {
        message m;
        m.id = static_cast<std::uint16_t>(m.id ^ 1U << bit);
        CHECK(fault_of(m) == dns_fault::id);
    }
}

TEST_CASE("BI-24: another question") {
    message m;
    m.answers = {address(name("www.example"), 1)};
    REQUIRE(fault_of(m) == dns_fault::none);
    for (const std::string& question :
         {name("wwx.example") + "\0\1\0\1"s, name("www.exampl") + "\0\1\0\1"s, name("www.example.org") + "\0\1\0\1"s,
          name("www.example") + "\0\x1c\0\1"s, name("www.example") + "\0\1\0\3"s}) {
        m.question = question;
        CHECK(fault_of(m) == dns_fault::question);
    }
    m = {};
    for (const int questions : {0, 2, 0xffff}) {
        m.questions = static_cast<std::uint16_t>(questions);
        CHECK(fault_of(m) == dns_fault::question);
    }
    m = {};
    // Cut off within the question.
    for (std::size_t size = 12; size < m.text().size(); ++size) {
        CHECK(read(m.text().substr(0, size)).wrong == dns_fault::question);
    }
}

TEST_CASE("the question comes back in its case, unless that does not matter") {
    message m;
    m.question = name("wwW.example") + number16(1) + number16(1);
    m.answers = {address(asked, 1)};
    CHECK(fault_of(m) == dns_fault::question);
    CHECK(read(m.text(), dns_type::a, 4, false).wrong == dns_fault::none);
    CHECK(read(m.text(), dns_type::a, 4, false).r.addresses == 1);
    m.question = name("wwX.example") + number16(1) + number16(1);
    CHECK(read(m.text(), dns_type::a, 4, false).wrong == dns_fault::question);
}

TEST_CASE("BI-23: more or fewer records than announced") {
    message m;
    m.answers = {address(asked, 1)};
    REQUIRE(fault_of(m) == dns_fault::none);
    m.more_answers = 1;
    CHECK(fault_of(m) == dns_fault::count);
    m.more_answers = 0xffff - 1;
    CHECK(fault_of(m) == dns_fault::count);
    m.more_answers = -1;
    CHECK(fault_of(m) == dns_fault::count);
    m.more_answers = 0;
    m.more_additional = 0xffff;
    CHECK(fault_of(m) == dns_fault::count);
    m.more_additional = 0;
    m.behind = "\0"s;
    CHECK(fault_of(m) == dns_fault::count);
    // All three at their greatest.
    m = {};
    std::string text = m.text();
    for (std::size_t at = 6; at < 12; ++at) text[at] = '\xff';
    CHECK(read(text).wrong == dns_fault::count);
}

TEST_CASE("BI-22: data of another length than the type's") {
    message m;
    for (std::size_t size : {0U, 3U, 5U, 16U}) {
        m.answers = {record(asked, 1, 60, std::string(size, 'x'))};
        CHECK(fault_of(m) == dns_fault::record);
    }
    for (std::size_t size : {0U, 4U, 15U, 17U}) {
        m.answers = {record(asked, 28, 60, std::string(size, 'x'))};
        CHECK(fault_of(m) == dns_fault::record);
    }
    for (const std::string& data : {""s, "\1b\0x"s, "\1b"s, name("b.example") + "\0"s, "\1b"s + pointer(12) + "x"}) {
        m.answers = {alias(asked, data)};
        CHECK(fault_of(m) == dns_fault::record);
    }
    m.answers = {};
    for (std::size_t size : {0U, 19U, 21U}) {
        m.authority = {record(asked, 6, 60, name("a") + name("b") + std::string(size, 'x'))};
        CHECK(fault_of(m) == dns_fault::record);
    }
    for (const std::string& data : {"\1a"s + std::string(30, 'x'), name("a") + "\x3f" + std::string(20, 'x'), ""s}) {
        m.authority = {record(asked, 6, 60, data)};
        CHECK(fault_of(m) == dns_fault::record);
    }
}

TEST_CASE("BI-22: an SOA whose first name is malformed, where the header would do as a name") {
    message m;
    m.id = 0x0b34;  // a label of 11 octets, and behind it the question
    m.authority = {record(asked, 6, 60, "\x41xxx")};
    net::dns_query q = query();
    q.id = m.id;
    net::dns_reading r;
    std::byte into[4];
    const std::string text = m.text();
    CHECK(net::read_dns_answer(uk::as_bytes(text), q, true, 8, into, 1, r) == dns_fault::record);
}

TEST_CASE("BI-22: an MX, as everything that is not read, may hold what it likes, but not reach beyond the message") {
    message m;
    m.answers = {record(asked, 15, 60, "x"), address(asked, 0x01020304)};
    CHECK(read(m.text()).addresses == "\1\2\3\4"s);
    std::string text = m.text();
    text[12 + 17 + 11] = '\xff';  // the high octet of its length
    CHECK(read(text).wrong == dns_fault::record);
    // One octet too long for the message.
    m.answers = {record(asked, 15, 60, "x")};
    text = m.text();
    ++text[12 + 17 + 11];
    CHECK(read(text).wrong == dns_fault::record);
}

TEST_CASE("BI-22: a record cut off") {
    message m;
    m.answers = {address(asked, 1)};
    const std::string whole = m.text();
    for (std::size_t less = 1; less < 16; ++less) {
        CAPTURE(less);
        CHECK(read(whole.substr(0, whole.size() - less)).wrong == (less == 15 ? dns_fault::name : dns_fault::record));
    }
}

TEST_CASE("BI-20, BI-21: an owner's name that is malformed") {
    message m;
    const std::size_t at = m.text().size();
    for (const std::string& owner : {pointer(at), pointer(at + 2), pointer(4), pointer(0x3fff), "\x41"s,
                                     "\1a"s + pointer(at), std::string("\x80\x80")}) {
        m.answers = {address(owner, 1)};
        CHECK(fault_of(m) == dns_fault::name);
    }
}

TEST_CASE("BI-21: an alias whose target's pointer does not lead back") {
    message m;
    const std::size_t data = m.text().size() + 12;
    for (std::size_t to : {data, data + 2, std::size_t{3}, std::size_t{0x3fff}}) {
        m.answers = {alias(asked, pointer(to))};
        CHECK(fault_of(m) == dns_fault::record);
    }
    m.answers = {alias(asked, pointer(12))};
    CHECK(fault_of(m) == dns_fault::none);
}

TEST_CASE("any octet changed, and any length: never beyond the message, never for ever") {
    message m;
    m.answers = {alias(asked, "\1b"s + pointer(16)), address("\1b"s + pointer(16), 0x01020304),
                 record(asked, 15, 60, "mx")};
    m.authority = {soa(pointer(16), 60, 60)};
    m.additional = {record(asked, 28, 60, std::string(16, 'x'))};
    const std::string good = m.text();
    REQUIRE(read(good).addresses == "\1\2\3\4"s);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (unsigned value : {0x00U, 0x01U, 0x3fU, 0x40U, 0x80U, 0xc0U, 0xc1U, 0xffU}) {
            std::string bad = good;
            bad[at] = static_cast<char>(value);
            refused += read(bad).wrong != dns_fault::none;
        }
        CHECK(read(good.substr(0, at)).wrong != dns_fault::none);
    }
    CHECK(refused > 200);
}
