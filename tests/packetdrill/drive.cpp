// SPDX-License-Identifier: BSL-1.0
#include "driver.hpp"

#include <uk/net/icmp_wire.hpp>

#include <linux/tcp.h>

#include <set>

using namespace driver;

namespace {

// Timers run in ticks of about a millisecond and never early.
bool after(long long took, long long microseconds) { return took >= microseconds && took < microseconds + 3000; }

tcp_segment syn_with_everything() {
    tcp_segment syn = object::segment(flag::syn, {0}, {0});
    syn.options.mss = 1000;
    syn.options.shift = 7;
    syn.options.sack_permitted = true;
    syn.options.stamped = true;
    syn.options.stamp = 1000;
    return syn;
}
tcp_segment syn_with_sack() {
    tcp_segment syn = object::segment(flag::syn, {0}, {0});
    syn.options.mss = 1000;
    syn.options.sack_permitted = true;
    return syn;
}

// Of what `p` says came early: one block.
void check_block(const seen& p, std::uint32_t begin, std::uint32_t end) {
    REQUIRE(p.tcp.options.blocks >= 1);
    const uk::net::tcp_range r = uk::net::sack_block(p.tcp.options.sack, 0);
    CHECK(r.begin.value == begin);
    CHECK(r.end.value == end);
}

}  // namespace

TEST_CASE("a peer opens: the answer offers what it offered, and accept tells its address") {
    object o;
    const int fd = o.listener();
    o.inject(syn_with_everything());
    const seen a = o.next();
    CHECK(a.ip.source == own);
    CHECK(a.ip.destination == remote);
    CHECK(a.tcp.flags == (flag::syn | flag::ack));
    CHECK(a.tcp.acknowledgment == seq{1});
    CHECK(a.tcp.options.mss == 1460);
    CHECK(a.tcp.options.sack_permitted);
    CHECK(a.tcp.options.shift != uk::net::tcp_options::no_shift);
    CHECK(a.tcp.options.stamped);
    CHECK(a.tcp.options.echo == 1000);
    tcp_segment ack = object::segment(flag::ack, {1}, a.tcp.sequence + 1);
    ack.options.stamped = true;
    ack.options.stamp = 1001;
    ack.options.echo = a.tcp.options.stamp;
    o.inject(ack);
    sockaddr_in from{};
    socklen_t size = sizeof(from);
    const int c = o->accept(o.self(), fd, reinterpret_cast<sockaddr*>(&from), &size);
    REQUIRE(c >= 0);
    CHECK(size == sizeof(from));
    CHECK(from.sin_family == AF_INET);
    CHECK(ntohl(from.sin_addr.s_addr) == remote.value);
    CHECK(ntohs(from.sin_port) == 5000);
    CHECK(o.quiet());
    CHECK(o->close(o.self(), c) == 0);
    CHECK(o->close(o.self(), fd) == 0);
}

TEST_CASE("a peer that offers no option gets none but the MSS") {
    object o;
    o.listener();
    o.inject(flag::syn, {0}, {0});
    const seen a = o.next();
    CHECK(a.tcp.options.mss == 1460);
    CHECK_FALSE(a.tcp.options.sack_permitted);
    CHECK_FALSE(a.tcp.options.stamped);
    CHECK(a.tcp.options.shift == uk::net::tcp_options::no_shift);
}

TEST_CASE("the windows of a scaled connection count in the units that the answer told") {
    object o;
    const int fd = o.listener();
    o.inject(syn_with_everything());
    const seen a = o.next();
    CHECK(a.tcp.window == 65'535);  // never scaled in a SYN (RFC 7323 section 2.2)
    tcp_segment s = object::segment(flag::ack, {1}, a.tcp.sequence + 1);
    s.options.stamped = true;
    s.options.stamp = 1001;
    s.options.echo = a.tcp.options.stamp;
    s.window = 4;  // of 128 octets
    o.inject(s);
    const int c = o->accept(o.self(), fd, nullptr, nullptr);
    const std::string text(4000, 'w');
    CHECK(write(o, c, text) == 4000);
    const seen first = o.next();
    CHECK(first.text.size() == 512);
    CHECK((first.tcp.window << a.tcp.options.shift) > 65'535);
}

TEST_CASE("text goes both ways") {
    object o;
    opened c(o, syn_with_everything());
    CHECK(write(o, c.fd, "hello") == 5);
    const seen p = o.next();
    CHECK(p.text == "hello");
    CHECK(p.tcp.sequence == c.iss + 1);
    CHECK(p.tcp.flags == (flag::psh | flag::ack));
    tcp_segment s = object::segment(flag::ack | flag::psh, {1}, c.iss + 6);
    s.options.stamped = true;
    s.options.stamp = 2000;
    s.options.echo = p.tcp.options.stamp;
    o.inject(s, "good morning");
    CHECK(read(o, c.fd, 4) == "good");
    CHECK(read(o, c.fd) == " morning");
    const seen ack = o.next();
    CHECK(ack.tcp.acknowledgment == seq{13});
    CHECK(ack.tcp.options.echo == 2000);
    CHECK(ack.text.empty());
}

TEST_CASE("a single segment is acknowledged late, the second at once") {
    object o;
    opened c(o);
    const long long start = o.now();
    o.inject(flag::ack, {1}, c.iss + 1, "x");
    CHECK(o.quiet());
    const seen late = o.next();
    CHECK(late.tcp.acknowledgment == seq{2});
    CHECK(after(late.at - start, 40'000));
    o.inject(flag::ack, {2}, c.iss + 1, "y");
    CHECK(o.quiet());
    o.inject(flag::ack, {3}, c.iss + 1, "z");
    CHECK_FALSE(o.quiet());
    CHECK(o.next().tcp.acknowledgment == seq{4});
}

TEST_CASE("what is not acknowledged is sent again after 300, 600 and 1200 ms") {
    object o;
    opened c(o);  // 100 ms away: 100 ms, and 200 ms above
    const long long start = o.now();
    CHECK(write(o, c.fd, "again") == 5);
    const seen first = o.next();
    CHECK(first.at - start <= 1);
    long long before = first.at;
    for (const long long wait : {300'000, 600'000, 1'200'000}) {
        const seen p = o.next();
        CHECK(p.text == "again");
        CHECK(p.tcp.sequence == first.tcp.sequence);
        CHECK(after(p.at - before, wait));
        before = p.at;
    }
    o.inject(flag::ack, {1}, c.iss + 6);
    o.pass(10'000'000);
    CHECK(o.quiet());
}

TEST_CASE("what is sent while time passes carries the time of its sending") {
    object o;
    opened c(o);
    CHECK(write(o, c.fd, "again") == 5);
    const long long first = o.next().at;
    o.pass(5'000'000);
    CHECK(after(o.next().at - first, 300'000));
    CHECK(after(o.next().at - first, 900'000));
}

TEST_CASE("a tail is probed for after two round trips where there is SACK") {
    object o;
    opened c(o, syn_with_sack());
    CHECK(write(o, c.fd, std::string(1000, 'a') + std::string(1000, 'b')) == 2000);
    const seen first = o.next();
    CHECK(o.next().text == std::string(1000, 'b'));
    const seen probe = o.next();
    CHECK(probe.text == std::string(1000, 'b'));
    CHECK(probe.at - first.at >= 200'000);
    CHECK(probe.at - first.at < 300'000);
}

TEST_CASE("what came early is told of, and what came twice") {
    object o;
    opened c(o, syn_with_sack());
    o.inject(flag::ack, {1001}, c.iss + 1, std::string(1000, 'b'));
    const seen early = o.next();
    CHECK(early.tcp.acknowledgment == seq{1});
    check_block(early, 1001, 2001);
    o.inject(flag::ack, {1}, c.iss + 1, std::string(1000, 'a'));
    const seen whole = o.next();
    CHECK(whole.tcp.acknowledgment == seq{2001});
    CHECK(whole.tcp.options.blocks == 0);
    o.inject(flag::ack, {1}, c.iss + 1, std::string(1000, 'a'));
    const seen twice = o.next();
    CHECK(twice.tcp.acknowledgment == seq{2001});
    check_block(twice, 1, 1001);  // RFC 2883
    CHECK(read(o, c.fd, 5000) == std::string(1000, 'a') + std::string(1000, 'b'));
}

TEST_CASE("what SACK shows to be missing is sent again at once, and nothing else") {
    object o;
    opened c(o, syn_with_sack());
    CHECK(write(o, c.fd, std::string(5000, 's')) == 5000);
    for (std::uint32_t i = 0; i < 5; ++i) CHECK(o.next().tcp.sequence == c.iss + 1 + i * 1000);
    o.pass(100'000);
    std::byte block[8];
    uk::store_be(block, (c.iss + 1001).value);
    uk::store_be(block + 4, (c.iss + 5001).value);
    tcp_segment s = object::segment(flag::ack, {1}, c.iss + 1);
    s.options.blocks = 1;
    s.options.sack = block;
    const long long start = o.now();
    o.inject(s);
    const seen again = o.next();
    CHECK(again.tcp.sequence == c.iss + 1);
    CHECK(again.text.size() == 1000);
    CHECK(again.at - start <= 1);
    o.inject(flag::ack, {1}, c.iss + 5001);
    o.pass(10'000'000);
    CHECK(o.quiet());
}

TEST_CASE("an old timestamp is refused (RFC 7323 section 5)") {
    object o;
    opened c(o, syn_with_everything());
    tcp_segment s = object::segment(flag::ack, {1}, c.iss + 1);
    s.options.stamped = true;
    s.options.stamp = 500;
    o.inject(s, "old");
    CHECK(o.next().tcp.acknowledgment == seq{1});
    s.options.stamp = 1200;
    o.inject(s, "new");
    CHECK(read(o, c.fd) == "new");
}

TEST_CASE("FIN both ways: the peer first") {
    object o;
    opened c(o);
    o.inject(flag::ack | flag::fin, {1}, c.iss + 1, "last");
    CHECK(o.next().tcp.acknowledgment == seq{6});
    CHECK(read(o, c.fd) == "last");
    CHECK(read(o, c.fd).empty());
    CHECK(write(o, c.fd, "and ours") == 8);
    CHECK(o.next().text == "and ours");
    CHECK(o->close(o.self(), c.fd) == 0);
    const seen fin = o.next();
    CHECK(fin.tcp.has(flag::fin));
    CHECK(fin.tcp.sequence == c.iss + 9);
    o.inject(flag::ack, {6}, c.iss + 10);
    CHECK(o.usage().connections == 0);
    CHECK(o->close(o.self(), c.listener) == 0);
    everything_back(o);
    CHECK(o.quiet());
}

TEST_CASE("FIN both ways: ours first, with a half-open time and TIME-WAIT") {
    object o;
    opened c(o);
    CHECK(o->shutdown(o.self(), c.fd, SHUT_WR) == 0);
    CHECK(o.next().tcp.has(flag::fin));
    CHECK(failed(write(o, c.fd, "x"), EPIPE));
    o.inject(flag::ack, {1}, c.iss + 2, "still here");
    CHECK(read(o, c.fd) == "still here");
    o.inject(flag::ack | flag::fin, {11}, c.iss + 2);
    CHECK(o.next().tcp.acknowledgment == seq{12});
    CHECK(read(o, c.fd).empty());
    CHECK(o->close(o.self(), c.fd) == 0);
    CHECK(o->close(o.self(), c.listener) == 0);
    CHECK(o.usage().connections == 1);
    o.inject(flag::ack | flag::fin, {11}, c.iss + 2);
    CHECK(o.next().tcp.acknowledgment == seq{12});
    everything_back(o);
}

TEST_CASE("a RST from the peer fails the next call, and those after it as Linux does") {
    object o;
    opened c(o);
    o.inject(flag::rst, {1}, {0});
    CHECK(o.usage().connections == 1);  // the descriptor holds it
    char octet = 0;
    CHECK(failed(o->read(o.self(), c.fd, &octet, 1), ECONNRESET));
    CHECK(o->read(o.self(), c.fd, &octet, 1) == 0);
    CHECK(failed(write(o, c.fd, "x"), EPIPE));
    CHECK(o->close(o.self(), c.fd) == 0);
    CHECK(o->close(o.self(), c.listener) == 0);
    everything_back(o);
    CHECK(o.quiet());
}

TEST_CASE("a RST from us: unread text, SO_LINGER of 0, and a port where nobody listens") {
    object o;
    SUBCASE("unread") {
        opened c(o);
        o.inject(flag::ack, {1}, c.iss + 1, "not read");
        CHECK(o->close(o.self(), c.fd) == 0);
        CHECK(o.next().tcp.has(flag::rst));
    }
    SUBCASE("read in part") {
        opened c(o);
        o.inject(flag::ack, {1}, c.iss + 1, "not read");
        CHECK(read(o, c.fd, 3) == "not");
        CHECK(o->close(o.self(), c.fd) == 0);
        CHECK(o.next().tcp.has(flag::rst));
    }
    SUBCASE("lingering") {
        opened c(o);
        const linger none{1, 0};
        CHECK(o->setsockopt(o.self(), c.fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) == 0);
        CHECK(o->close(o.self(), c.fd) == 0);
        const seen p = o.next();
        CHECK(p.tcp.has(flag::rst));
        CHECK(p.tcp.sequence == c.iss + 1);
    }
    SUBCASE("nobody") {
        o.inject(flag::syn, {7}, {0});
        const seen p = o.next();
        CHECK(p.tcp.flags == (flag::rst | flag::ack));
        CHECK(p.tcp.acknowledgment == seq{8});
    }
}

TEST_CASE("a narrower path's MTU is learnt from ICMP (RFC 1191)") {
    object o;
    opened c(o);
    CHECK(write(o, c.fd, std::string(536, 'm') + std::string(536, 'n')) == 1072);
    const seen first = o.next();
    CHECK(first.text.size() == 536);
    o.next();
    std::vector<std::byte> message(20 + 8 + 28);
    uk::net::ipv4_header ip;
    ip.total_length = static_cast<std::uint16_t>(message.size());
    ip.protocol = uk::net::protocol_icmp;
    ip.source = remote;
    ip.destination = own;
    emit(ip, message.data());
    message[20] = std::byte{3};
    message[21] = std::byte{4};
    uk::store_be(message.data() + 26, std::uint16_t{560});
    std::memcpy(message.data() + 28, first.octets.data(), 28);
    const uk::bytes icmp = uk::bytes(message).subspan(20);
    uk::store_be(message.data() + 22, uk::net::checksum_of(icmp));
    REQUIRE(o->netdev_send(o.self(), message.data(), message.size()) == 0);
    const seen again = o.next();
    CHECK(again.tcp.sequence == c.iss + 1);
    CHECK(again.text.size() == 520);
}

TEST_CASE("200 connections at once, and everything back") {
    object o;
    const int fd = o.listener();
    std::vector<int> all;
    std::vector<seq> next;
    std::set<std::uint32_t> numbers;
    for (std::uint16_t i = 0; i < 200; ++i) {
        const auto from = static_cast<std::uint16_t>(6000 + i);
        o.inject(flag::syn, {0}, {0}, {}, from);
        const seen a = o.next();
        CHECK(a.tcp.destination_port == from);
        next.push_back(a.tcp.sequence + 1);
        numbers.insert(a.tcp.sequence.value);
        o.inject(flag::ack, {1}, next.back(), std::to_string(i), from);
        all.push_back(o->accept(o.self(), fd, nullptr, nullptr));
        REQUIRE(all.back() >= 0);
    }
    CHECK(numbers.size() == 200);
    CHECK(o.usage().descriptors == 201);
    CHECK(o.usage().connections == 200);
    for (std::uint16_t i = 0; i < 200; ++i) {
        const std::string text = std::to_string(i);
        CHECK(read(o, all[i]) == text);
        CHECK(write(o, all[i], text) == static_cast<long>(text.size()));
        seen p = o.next();
        CHECK(p.text == text);
        CHECK(p.tcp.destination_port == 6000 + i);
        next[i] = next[i] + static_cast<std::uint32_t>(text.size());
        CHECK(o->close(o.self(), all[i]) == 0);
        p = o.next();
        CHECK(p.tcp.has(flag::fin));
        const auto end = seq{1} + static_cast<std::uint32_t>(text.size());
        o.inject(flag::ack | flag::fin, end, next[i] + 1, {}, static_cast<std::uint16_t>(6000 + i));
        CHECK(o.next().tcp.acknowledgment == end + 1);
    }
    CHECK(o->close(o.self(), fd) == 0);
    everything_back(o);
}

TEST_CASE("whatever arrives, the stack goes on") {
    object o;
    opened c(o);
    std::uint64_t state = 1;
    const auto random = [&] { return state = state * 6364136223846793005U + 1442695040888963407U, state >> 40; };
    for (int round = 0; round < 3000; ++round) {
        std::vector<std::byte> noise(1 + random() % 80);
        for (std::byte& b : noise) b = static_cast<std::byte>(random());
        if (round % 2 == 0 && noise.size() >= 20) {  // a good header, and noise in it
            uk::net::ipv4_header ip;
            ip.total_length = static_cast<std::uint16_t>(noise.size());
            ip.protocol = round % 4 == 0 ? 6 : 1;
            ip.source = remote;
            ip.destination = own;
            emit(ip, noise.data());
        }
        CHECK(o->netdev_send(o.self(), noise.data(), noise.size()) == 0);
    }
    o.inject(flag::ack, {1}, c.iss + 1, "still");
    CHECK(read(o, c.fd) == "still");
}

TEST_CASE("two objects know nothing of each other, and the same calls lead to the same octets") {
    object a;
    object b;
    opened left(a, syn_with_everything());
    a.pass(1'000'000);
    opened right(b, syn_with_everything());
    CHECK(left.iss == right.iss);
    CHECK(write(a, left.fd, "a") == 1);
    CHECK(b.quiet());
    CHECK(write(b, right.fd, "a") == 1);
    CHECK(a.next().text == b.next().text);
}
