// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "interface.hpp"
#include "options.hpp"
#include "socket.hpp"
#include "timeline.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace drill {

/// What flags can set.
struct settings {
    uk::ip4_address address;  ///< unspecified: that of the first `bind`, or the first packet's destination
    std::size_t mtu = 1500;
    std::uint32_t patience = 3 * 60 * 60;  ///< seconds for which a call waits in vain
};

/// The calls of the interface but for C's calling conventions: a negative number is an error's.
class kernel {
public:
    explicit kernel(const settings& s) : time_(os_) {
        os_.line().most = s.mtu;
        time_.patience = std::chrono::seconds(s.patience);
        if (!s.address.is_unspecified()) adopt(s.address);
    }
    ~kernel() {
        auto held = time_.enter();
        time_.shut(held);
        files_.clear();
    }

    int open_socket(int family, int type, int protocol) {
        const auto held = time_.enter();
        if (family != AF_INET) return -EAFNOSUPPORT;
        if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM) return -ESOCKTNOSUPPORT;
        if (protocol != 0 && protocol != IPPROTO_TCP) return -EPROTONOSUPPORT;
        auto s = std::make_shared<socket>();
        s->nonblocking = (type & SOCK_NONBLOCK) != 0;
        return add(std::move(s));
    }

    int bind(int fd, const sockaddr* a, socklen_t size) {
        const auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        sockaddr_in to;
        if (const int e = take(a, size, to); e != 0) return e;
        if (s->port != 0 || s->now_in() != socket::phase::fresh) return -EINVAL;
        const uk::ip4_address own{ntohl(to.sin_addr.s_addr)};
        const std::uint16_t port = ntohs(to.sin_port);
        if (!own.is_unspecified() && !adopt(own)) return -EADDRNOTAVAIL;
        for (const auto& other : files_) {
            if (port == 0 || !other || other->port != port) continue;
            const bool both = other->reuse && s->reuse && other->now_in() != socket::phase::listening;
            if (!both && !other->record()) return -EADDRINUSE;
        }
        s->port = port;
        return 0;
    }

    int listen(int fd) {
        auto held = time_.enter();
        const auto s = find(fd);
        return s ? s->listen(os_) : -EBADF;
    }

    int accept(int fd, sockaddr* a, socklen_t* size) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        if (a != nullptr && size == nullptr) return -EFAULT;
        auto fresh = std::make_shared<socket>();
        const long got = attempt(held, !s->nonblocking, s->receive_limit,
                                 [&]() -> long { return s->gone ? -EBADF : s->accept(*fresh); });
        if (got != 0) return static_cast<int>(got);
        if (a != nullptr) tell_peer(*fresh, a, *size);
        return add(std::move(fresh));
    }

    int connect(int fd, const sockaddr* a, socklen_t size) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        sockaddr_in to;
        if (const int e = take(a, size, to); e != 0) return e;
        if (os_[uk::port::ip].address().is_unspecified()) adopt(uk::ip4_address{0xc0a80002});
        const int e = s->connect(os_, {ntohl(to.sin_addr.s_addr)}, ntohs(to.sin_port));
        if (e != -EAGAIN) return e;
        if (s->nonblocking) {
            time_.turn(held);
            return s->now_in() == socket::phase::opening ? -EINPROGRESS : s->opened();
        }
        const long got = attempt(held, true, s->send_limit, [&]() -> long { return s->gone ? -EBADF : s->opened(); });
        return static_cast<int>(got == -EAGAIN ? -EINPROGRESS : got);
    }

    long read(int fd, std::span<const iovec> to, int flags) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        if ((flags & ~(MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL | MSG_NOSIGNAL)) != 0) return -EOPNOTSUPP;
        std::size_t wanted = 0;
        for (const iovec& v : to) {
            if (v.iov_base == nullptr && v.iov_len != 0) return -EFAULT;
            wanted += v.iov_len;
        }
        const bool waits = !s->nonblocking && (flags & MSG_DONTWAIT) == 0;
        if ((flags & MSG_WAITALL) == 0 || !waits) wanted = 1;
        return attempt(held, waits, s->receive_limit, [&]() -> long {
            if (s->gone) return -EBADF;
            const bool more = (s->events() & (POLLRDHUP | POLLERR | POLLHUP)) == 0;
            if (s->now_in() == socket::phase::connected && wanted > 1 && more && s->readable() < wanted) return -EAGAIN;
            return s->read(to, (flags & MSG_PEEK) != 0);
        });
    }

    long write(int fd, std::span<const iovec> from, int flags) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        if ((flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_OOB)) != 0) return -EOPNOTSUPP;
        std::vector<std::byte> text;
        for (const iovec& v : from) {
            if (v.iov_base == nullptr && v.iov_len != 0) return -EFAULT;
            const auto* at = static_cast<const std::byte*>(v.iov_base);
            if (at != nullptr) text.insert(text.end(), at, at + v.iov_len);
        }
        std::size_t done = 0;
        const auto more = [&]() -> long {
            if (s->gone) return -EBADF;
            const long n = s->write(uk::bytes(text).subspan(done));
            if (n > 0) done += static_cast<std::size_t>(n);
            if (n < 0) return n;
            if (done != text.size()) return -EAGAIN;
            if ((flags & MSG_OOB) != 0) s->urge();
            return 0;
        };
        const bool waits = !s->nonblocking && (flags & MSG_DONTWAIT) == 0;
        const long e = attempt(held, waits, s->send_limit, more);
        if (done == 0 && e != 0) return e;
        time_.turn(held);
        return static_cast<long>(done);
    }

    int control(int fd, int command, int value) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        switch (command) {
            case F_GETFL: return O_RDWR | (s->nonblocking ? O_NONBLOCK : 0);
            case F_SETFL: s->nonblocking = (value & O_NONBLOCK) != 0; return 0;
            case F_GETFD: return FD_CLOEXEC;
            case F_SETFD: return 0;
            default: return -EINVAL;
        }
    }

    int request(int fd, unsigned long what, int* value) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        if (what != FIONREAD && what != TIOCOUTQ && what != SIOCOUTQNSD && what != FIONBIO) return -ENOTTY;
        if (value == nullptr) return -EFAULT;
        if (what == FIONBIO) {
            s->nonblocking = *value != 0;
            return 0;
        }
        if (s->now_in() == socket::phase::listening) return -EINVAL;
        const uk::net::tcp_record* r = s->record();
        std::size_t n = r == nullptr ? 0 : r->send.octets();
        if (what == FIONREAD) n = s->readable();
        if (what == SIOCOUTQNSD) n = describe(*s, time_.now()).tcpi_notsent_bytes;
        *value = static_cast<int>(n);
        return 0;
    }

    int close(int fd) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        if (s->lingers.l_onoff != 0 && s->lingers.l_linger > 0 && s->now_in() == socket::phase::connected) {
            s->shutdown(SHUT_WR);
            const uk::instant until = time_.now() + std::chrono::seconds(s->lingers.l_linger);
            if (!s->nonblocking) time_.wait(held, [&] { return s->gone || s->flushed(); }, until);
        }
        if (s->gone) return -EBADF;
        s->close(s->lingers.l_onoff != 0 && s->lingers.l_linger == 0);
        files_[static_cast<std::size_t>(fd - first_fd)].reset();
        time_.turn(held);
        return 0;
    }

    int shutdown(int fd, int how) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        const int e = s->shutdown(how);
        time_.turn(held);
        return e;
    }

    int get(int fd, int level, int name, void* to, socklen_t* size) {
        auto held = time_.enter();
        const auto s = find(fd);
        return s ? get_option(*s, time_.now(), level, name, to, size) : -EBADF;
    }
    int set(int fd, int level, int name, const void* from, socklen_t size) {
        auto held = time_.enter();
        const auto s = find(fd);
        if (!s) return -EBADF;
        const int e = set_option(*s, level, name, from, size);
        time_.turn(held);
        return e;
    }

    int poll(std::span<pollfd> fds, int milliseconds) {
        auto held = time_.enter();
        int ready = 0;
        const auto look = [&] {
            ready = 0;
            for (pollfd& p : fds) {
                const auto s = find(p.fd);
                const int always = POLLERR | POLLHUP;
                p.revents = p.fd < 0 ? short{0} : s ? static_cast<short>(s->events() & (p.events | always)) : POLLNVAL;
                if (p.revents != 0) ++ready;
            }
            return ready != 0;
        };
        uk::instant until = uk::instant::never();
        if (milliseconds >= 0) until = time_.now() + std::chrono::milliseconds(milliseconds);
        const auto e = time_.wait(held, look, until);
        if (e == timeline::end::interrupted) return -EINTR;
        return e == timeline::end::stuck ? -EDEADLK : ready;
    }

    int netdev_send(uk::bytes packet) {
        auto held = time_.enter();
        if (packet.empty()) return -EINVAL;
        uk::net::ipv4_header h;
        const bool good = uk::net::parse_ipv4(packet, h) == uk::net::ipv4_fault::none;
        if (good && os_[uk::port::ip].address().is_unspecified()) adopt(h.destination);
        if (!os_.line().arrive(packet)) return -EMSGSIZE;
        time_.turn(held);
        return 0;
    }

    int netdev_receive(uk::writable_bytes to, std::size_t& size, long long& at) {
        auto held = time_.enter();
        auto& departed = os_.line().departed;
        const uk::instant limit = time_.now() + time_.patience;
        time_.turn(held);
        while (departed.empty() && time_.step(held, limit)) {
        }
        size = 0;
        at = static_cast<long long>(time_.now().ns / 1000);
        if (departed.empty()) return 0;
        const wire::sent packet = std::move(departed.front());
        departed.pop_front();
        if (packet.octets.size() > to.size()) return -EMSGSIZE;
        uk::copy(to, packet.octets);
        size = packet.octets.size();
        at = static_cast<long long>(packet.at.ns / 1000);
        return 0;
    }

    int sleep(std::uint32_t microseconds) {
        auto held = time_.enter();
        time_.advance(held, time_.now() + std::chrono::microseconds(microseconds));
        return 0;
    }

    /// Each look at the time takes a microsecond: the tool waits for the last few of them by looking.
    std::uint64_t microseconds() {
        auto held = time_.enter();
        time_.advance(held, time_.now() + std::chrono::microseconds(1));
        return time_.now().ns / 1000;
    }

    void tell(usage& u) {
        auto held = time_.enter();
        u = {};
        for (const auto& s : files_) u.descriptors += s ? 1 : 0;
        u.connections = os_.net().in_use();
        u.buffers = os_.used_buffers();
        u.frame_octets = os_.scheduler().frames.used();
        u.unread_packets = os_.line().departed.size();
        u.dropped = os_.line().dropped;
        u.waiting = time_.waiting();
    }

private:
    static constexpr int first_fd = 3;

    // Gives the stack its address once; says whether that is `own`. The tool's networks are of this size.
    bool adopt(uk::ip4_address own) {
        auto& ip = os_[uk::port::ip];
        if (ip.address().is_unspecified() && own.is_unicast()) {
            ip.configure(uk::cidr{own, 16}, uk::ip4_address{(own.value & 0xffff0000) | 1});
        }
        return ip.address() == own;
    }

    int add(std::shared_ptr<socket> s) {
        std::size_t at = 0;
        while (at < files_.size() && files_[at]) ++at;
        if (at == files_.size()) files_.emplace_back();
        files_[at] = std::move(s);
        return static_cast<int>(at) + first_fd;
    }
    std::shared_ptr<socket> find(int fd) const {
        if (fd < first_fd || static_cast<std::size_t>(fd - first_fd) >= files_.size()) return nullptr;
        return files_[static_cast<std::size_t>(fd - first_fd)];
    }

    static int take(const sockaddr* a, socklen_t size, sockaddr_in& to) {
        if (a == nullptr) return -EFAULT;
        if (size < sizeof(to)) return -EINVAL;
        std::memcpy(&to, a, sizeof(to));
        return to.sin_family == AF_INET ? 0 : -EAFNOSUPPORT;
    }
    static void tell_peer(const socket& s, sockaddr* a, socklen_t& size) {
        sockaddr_in from{};
        from.sin_family = AF_INET;
        if (const uk::net::tcp_record* r = s.record()) {
            from.sin_addr.s_addr = htonl(r->ends.remote.value);
            from.sin_port = htons(r->ends.remote_port);
        }
        std::memcpy(a, &from, std::min<std::size_t>(size, sizeof(from)));
        size = sizeof(from);
    }

    // `what()` until it is something else than -EAGAIN, waiting if it may.
    template <class What>
    long attempt(timeline::lock& held, bool waits, const timeval& most, What what) {
        long r = what();
        if (!waits) {
            time_.turn(held);
            return r;
        }
        const auto tried = [&] { return r != -EAGAIN || (r = what()) != -EAGAIN; };
        uk::instant until = uk::instant::never();
        if (most.tv_sec != 0 || most.tv_usec != 0) {
            until = time_.now() + std::chrono::seconds(most.tv_sec) + std::chrono::microseconds(most.tv_usec);
        }
        switch (time_.wait(held, tried, until)) {
            case timeline::end::stuck: return -EDEADLK;
            case timeline::end::interrupted: return -EINTR;
            default: return r;
        }
    }

    machine os_;
    timeline time_;
    std::vector<std::shared_ptr<socket>> files_;
};

}  // namespace drill
