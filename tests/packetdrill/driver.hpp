// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "interface.hpp"

#include <uk/net/ipv4_wire.hpp>
#include <uk/net/tcp_wire.hpp>

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Drives the shared object as the tool does: by what its file exports, and by nothing else.
namespace driver {

using namespace uk::literals;
namespace flag = uk::net::tcp_flag;
using uk::net::seq;
using uk::net::tcp_segment;

inline constexpr uk::ip4_address own = "192.168.0.7"_ip4;
inline constexpr uk::ip4_address remote = "192.0.2.1"_ip4;
inline constexpr std::uint16_t port = 8080;

inline sockaddr_in address(uk::ip4_address a, std::uint16_t p) {
    sockaddr_in s{};
    s.sin_family = AF_INET;
    s.sin_addr.s_addr = htonl(a.value);
    s.sin_port = htons(p);
    return s;
}
inline const sockaddr* plain(const sockaddr_in& s) { return reinterpret_cast<const sockaddr*>(&s); }

/// A packet that the stack has sent.
struct seen {
    long long at = 0;  ///< microseconds
    uk::net::ipv4_header ip;
    tcp_segment tcp;
    std::vector<std::byte> octets;  ///< the whole of it; `tcp.options` points into it
    std::string text;
};

/// The object, loaded and initialised anew.
class object {
public:
    explicit object(const char* flags = nullptr) : file_(dlopen(UK_PACKETDRILL_OBJECT, RTLD_NOW | RTLD_LOCAL)) {
        REQUIRE(file_ != nullptr);
        auto* init = reinterpret_cast<drill::initialize*>(dlsym(file_, "packetdrill_interface_init"));
        tell_ = reinterpret_cast<drill::tell_usage*>(dlsym(file_, "uk_packetdrill_usage"));
        const bool complete = init != nullptr && tell_ != nullptr;
        REQUIRE(complete);
        init(flags, &calls);
        REQUIRE(calls.self != nullptr);
    }
    object(const object&) = delete;
    object& operator=(const object&) = delete;
    ~object() {
        free();
        dlclose(file_);
    }
    void free() {
        if (calls.self != nullptr) calls.destroy(calls.self);
        calls.self = nullptr;
    }

    const drill::interface* operator->() const { return &calls; }
    void* self() const { return calls.self; }

    long long now() const {
        timeval t{};
        REQUIRE(calls.gettimeofday(calls.self, &t, nullptr) == 0);
        return static_cast<long long>(t.tv_sec) * 1'000'000 + t.tv_usec;
    }
    void pass(useconds_t microseconds) const { REQUIRE(calls.usleep(calls.self, microseconds) == 0); }
    drill::usage usage() const {
        drill::usage u{};
        tell_(calls.self, &u);
        return u;
    }

    int socket(int flags = 0) const {
        const int fd = calls.open_socket(calls.self, AF_INET, SOCK_STREAM | flags, IPPROTO_TCP);
        REQUIRE(fd >= 0);
        return fd;
    }
    int listener(int flags = 0, std::uint16_t at = port) const {
        const int fd = socket(flags);
        const sockaddr_in a = address(own, at);
        REQUIRE(calls.bind(calls.self, fd, plain(a), sizeof(a)) == 0);
        REQUIRE(calls.listen(calls.self, fd, 5) == 0);
        return fd;
    }

    /// A segment from the peer.
    void inject(tcp_segment s, std::string_view text = {}) const {
        if (s.source_port == 0) s.source_port = 5000;
        if (s.destination_port == 0) s.destination_port = port;
        const std::size_t header = uk::net::header_octets(s);
        std::vector<std::byte> all(20 + header + text.size());
        uk::net::ipv4_header ip;
        ip.total_length = static_cast<std::uint16_t>(all.size());
        ip.protocol = uk::net::protocol_tcp;
        ip.source = remote;
        ip.destination = own;
        emit(ip, all.data());
        emit(s, all.data() + 20);
        if (!text.empty()) std::memcpy(all.data() + 20 + header, text.data(), text.size());
        const uk::bytes segment = uk::bytes(all).subspan(20);
        auto sum = uk::net::pseudo_header(remote, own, ip.protocol, segment.size());
        uk::store_be(all.data() + 20 + uk::net::tcp_checksum_offset, sum.add(segment).value());
        REQUIRE(calls.netdev_send(calls.self, all.data(), all.size()) == 0);
    }
    void inject(unsigned flags, seq at, seq ack, std::string_view text = {}, std::uint16_t from = 5000) const {
        inject(segment(flags, at, ack, from), text);
    }
    static tcp_segment segment(unsigned flags, seq at, seq ack, std::uint16_t from = 5000) {
        tcp_segment s;
        s.source_port = from;
        s.flags = static_cast<std::uint8_t>(flags);
        s.sequence = at;
        s.acknowledgment = ack;
        s.window = 32'000;
        return s;
    }

    /// The next packet from the stack, however long it takes. Every packet is checked as a receiver would.
    seen next() const {
        seen p;
        p.octets.resize(2000);
        std::size_t size = p.octets.size();
        REQUIRE(calls.netdev_receive(calls.self, p.octets.data(), &size, &p.at) == 0);
        REQUIRE(size != 0);
        p.octets.resize(size);
        REQUIRE(uk::net::parse_ipv4(p.octets, p.ip) == uk::net::ipv4_fault::none);
        CHECK(p.ip.total_length == size);
        if (p.ip.protocol != uk::net::protocol_tcp) return p;
        const uk::bytes segment = uk::bytes(p.octets).subspan(p.ip.header_length);
        CHECK(uk::net::pseudo_header(p.ip.source, p.ip.destination, 6, segment.size()).add(segment).value() == 0);
        REQUIRE(uk::net::parse_tcp(segment, p.tcp));
        const uk::bytes text = segment.subspan(p.tcp.header);
        p.text.assign(reinterpret_cast<const char*>(text.data()), text.size());
        return p;
    }
    /// It has sent nothing that was not looked at.
    bool quiet() const { return usage().unread_packets == 0; }

    drill::interface calls{};

private:
    void* file_;
    drill::tell_usage* tell_;
};

/// A connection that the peer has opened, 100 ms away: its first octet is 1 here and `iss` + 1 there.
struct opened {
    explicit opened(const object& o, tcp_segment syn = object::segment(flag::syn, {0}, {0}), int flags = 0) : on(o) {
        listener = o.listener(flags);
        o.inject(syn);
        const seen answer = o.next();
        REQUIRE(answer.tcp.flags == (flag::syn | flag::ack));
        REQUIRE(answer.tcp.acknowledgment == syn.sequence + 1);
        iss = answer.tcp.sequence;
        o.pass(100'000);
        tcp_segment ack = object::segment(flag::ack, {1}, iss + 1);
        if (answer.tcp.options.stamped) {
            ack.options.stamped = true;
            ack.options.stamp = syn.options.stamp + 100;
            ack.options.echo = answer.tcp.options.stamp;
        }
        o.inject(ack);
        fd = o->accept(o.self(), listener, nullptr, nullptr);
        REQUIRE(fd >= 0);
    }
    const object& on;
    int listener = -1;
    int fd = -1;
    seq iss;
};

/// Both ways of failing of a call.
template <class T>
bool failed(T result, int number) {
    return result == -1 && errno == number;
}

inline long write(const object& o, int fd, std::string_view text) {
    return o->write(o.self(), fd, text.data(), text.size());
}
inline std::string read(const object& o, int fd, std::size_t most = 4096) {
    std::string text(most, '\0');
    const long n = o->read(o.self(), fd, text.data(), text.size());
    REQUIRE(n >= 0);
    text.resize(static_cast<std::size_t>(n));
    return text;
}

/// Nothing of the stack is in use any more, after its timers have run out.
inline void everything_back(const object& o) {
    for (int i = 0; i < 10; ++i) o.pass(60'000'000);
    const drill::usage u = o.usage();
    CHECK(u.descriptors == 0);
    CHECK(u.connections == 0);
    CHECK(u.buffers == 0);
    CHECK(u.frame_octets == 0);
    CHECK(u.dropped == 0);
}

}  // namespace driver
