// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "socket.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace drill {

/// The state's number in Linux.
constexpr std::uint8_t number_of(uk::net::tcp_state s) {
    constexpr std::uint8_t numbers[] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
    return numbers[static_cast<std::size_t>(s)];
}

namespace detail {

constexpr std::uint32_t microseconds(uk::net::tcp_ticks t) {
    return static_cast<std::uint32_t>(uk::net::duration_of(t).count() / 1000);
}

inline void describe_sender(const slot& r, tcp_info& i) {
    const uk::net::tcb& c = r.control;
    i.tcpi_snd_mss = c.mss;
    i.tcpi_snd_cwnd = r.congestion.window / c.mss;
    const bool halved = r.congestion.threshold != ~std::uint32_t{0};
    i.tcpi_snd_ssthresh = halved ? r.congestion.threshold / c.mss : 0x7fffffff;
    i.tcpi_sacked = r.recovery.sacked;
    i.tcpi_lost = r.recovery.lost;
    for (const uk::net::tcp_sent* s = r.recovery.sent.first(); s != nullptr; s = s->next) {
        ++i.tcpi_unacked;
        if (s->again && !s->lost && !s->sacked) ++i.tcpi_retrans;
    }
    using phase = uk::net::tcp_rack::phase;
    i.tcpi_ca_state = r.recovery.now_in == phase::recovery ? 3 : r.recovery.now_in == phase::timeout ? 4 : 0;
    const std::uint32_t under_way = c.opening() ? 0 : c.flight();
    const std::uint32_t queued = r.send.octets();
    i.tcpi_notsent_bytes = queued > under_way ? queued - under_way : 0;
    i.tcpi_snd_wnd = c.window;
}

}  // namespace detail

/// What TCP_INFO says: of Linux's fields those that the stack knows, the others 0.
inline tcp_info describe(const socket& s, uk::instant now) {
    tcp_info i{};
    if (s.now_in() == socket::phase::listening) i.tcpi_state = number_of(uk::net::tcp_state::listen);
    if (s.now_in() == socket::phase::opening) i.tcpi_state = number_of(uk::net::tcp_state::syn_sent);
    if (s.now_in() == socket::phase::fresh) i.tcpi_state = number_of(uk::net::tcp_state::closed);
    const uk::net::tcp_record* record = s.record();
    if (record == nullptr) return i;
    const auto& r = static_cast<const slot&>(*record);
    const uk::net::tcb& c = r.control;
    i.tcpi_state = number_of(c.state);
    i.tcpi_retransmits = i.tcpi_backoff = r.rtt.repeats;
    i.tcpi_options = static_cast<std::uint8_t>((c.stamped ? TCPI_OPT_TIMESTAMPS : 0) | (c.sack ? TCPI_OPT_SACK : 0) |
                                               (c.scaled ? TCPI_OPT_WSCALE : 0) | (c.ecn ? TCPI_OPT_ECN : 0));
    i.tcpi_snd_wscale = c.peer_shift & 15U;
    i.tcpi_rcv_wscale = c.own_shift & 15U;
    i.tcpi_rto = detail::microseconds(r.rtt.timeout());
    i.tcpi_ato = limits.ack_delay_ms * 1000;
    i.tcpi_rtt = detail::microseconds(r.rtt.smoothed);
    i.tcpi_rttvar = detail::microseconds(r.rtt.variance);
    i.tcpi_last_data_sent = detail::microseconds(uk::net::ticks_at(now) - r.sent_at) / 1000;
    detail::describe_sender(r, i);
    return i;
}

/// Puts `value` into the caller's memory, as far as that has room, as `getsockopt` does.
template <class T>
int give(const T& value, void* to, socklen_t* size) {
    if (to == nullptr || size == nullptr) return -EFAULT;
    if (static_cast<int>(*size) < 0) return -EINVAL;
    *size = std::min<socklen_t>(*size, sizeof(T));
    std::memcpy(to, &value, *size);
    return 0;
}

inline int get_option(socket& s, uk::instant now, int level, int name, void* to, socklen_t* size) {
    if (level == SOL_SOCKET) {
        switch (name) {
            case SO_ERROR: return give(s.take_error(), to, size);
            case SO_TYPE: return give(int{SOCK_STREAM}, to, size);
            case SO_DOMAIN: return give(int{AF_INET}, to, size);
            case SO_PROTOCOL: return give(int{IPPROTO_TCP}, to, size);
            case SO_ACCEPTCONN: return give(int{s.now_in() == socket::phase::listening}, to, size);
            case SO_REUSEADDR: return give(int{s.reuse}, to, size);
            case SO_KEEPALIVE: return give(int{s.keep_alive}, to, size);
            case SO_LINGER: return give(s.lingers, to, size);
            case SO_RCVTIMEO: return give(s.receive_limit, to, size);
            case SO_SNDTIMEO: return give(s.send_limit, to, size);
            case SO_RCVBUF: return give(static_cast<int>(limits.receive_window), to, size);
            default: return -ENOPROTOOPT;
        }
    }
    if (level != IPPROTO_TCP) return -EOPNOTSUPP;
    const uk::net::tcp_record* r = s.record();
    switch (name) {
        case TCP_NODELAY: return give(int{s.no_delay}, to, size);
        case TCP_MAXSEG: return give(int{r == nullptr ? 536 : r->control.mss}, to, size);
        case TCP_INFO: return give(describe(s, now), to, size);
        default: return -ENOPROTOOPT;
    }
}

namespace detail {

template <class T>
int take(const void* from, socklen_t size, T& value) {
    if (from == nullptr) return -EFAULT;
    if (size < sizeof(T)) return -EINVAL;
    std::memcpy(&value, from, sizeof(T));
    return 0;
}
inline int take_switch(const void* from, socklen_t size, bool& value) {
    int number = 0;
    const int e = take(from, size, number);
    if (e == 0) value = number != 0;
    return e;
}
inline int take_time(const void* from, socklen_t size, timeval& value) {
    timeval t{};
    const int e = take(from, size, t);
    if (e != 0) return e;
    if (t.tv_usec < 0 || t.tv_usec >= 1'000'000) return -EDOM;
    value = t;
    return 0;
}

}  // namespace detail

inline int set_option(socket& s, int level, int name, const void* from, socklen_t size) {
    int e = -ENOPROTOOPT;
    if (level == SOL_SOCKET) {
        if (name == SO_REUSEADDR) e = detail::take_switch(from, size, s.reuse);
        if (name == SO_KEEPALIVE) e = detail::take_switch(from, size, s.keep_alive);
        if (name == SO_LINGER) e = detail::take(from, size, s.lingers);
        if (name == SO_RCVTIMEO) e = detail::take_time(from, size, s.receive_limit);
        if (name == SO_SNDTIMEO) e = detail::take_time(from, size, s.send_limit);
    } else if (level != IPPROTO_TCP) {
        e = -EOPNOTSUPP;
    } else if (name == TCP_NODELAY) {
        e = detail::take_switch(from, size, s.no_delay);
    }
    if (e == 0) s.apply();
    return e;
}

}  // namespace drill
