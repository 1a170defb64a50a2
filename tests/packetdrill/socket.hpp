// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "machine.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>

namespace drill {

/// The number of an error in Linux.
constexpr int number_of(uk::error e) {
    switch (e) {
        case uk::error::timed_out: return ETIMEDOUT;
        case uk::error::reset: return ECONNRESET;
        case uk::error::refused: return ECONNREFUSED;
        case uk::error::unreachable: return ENETUNREACH;
        case uk::error::in_use: return EADDRINUSE;
        case uk::error::closed: return EPIPE;
        case uk::error::invalid: return EINVAL;
        case uk::error::no_memory:
        case uk::error::no_buffers:
        case uk::error::too_large: return ENOBUFS;
        default: return EIO;
    }
}

/// A socket of the stack as Linux would show it. No call waits: what would have to yields -EAGAIN, any other failure
/// its negative number.
class socket {
public:
    enum class phase : std::uint8_t { fresh, opening, connected, listening };

    bool nonblocking = false;
    bool reuse = false;
    bool keep_alive = false;
    bool no_delay = false;
    bool gone = false;  ///< closed while somebody waited
    linger lingers{0, 0};
    timeval receive_limit{0, 0};
    timeval send_limit{0, 0};
    std::uint16_t port = 0;  ///< bound to; 0: none

    phase now_in() const { return phase_; }
    uk::net::tcp_record* record() const { return connection_.record(); }

    int listen(machine& os) {
        if (phase_ == phase::listening) return 0;
        if (phase_ != phase::fresh) return -EINVAL;
        if (port == 0) return -EOPNOTSUPP;  // a port of the stack's own choice
        auto l = os.net().listen(port);
        if (!l) return -number_of(l.error());
        listener_.emplace(std::move(*l));
        phase_ = phase::listening;
        return 0;
    }

    /// Whether a connection can be accepted. It leaves the listener's queue by this.
    bool fetch() {
        if (phase_ != phase::listening || accepted_) return accepted_.has_value();
        auto next = listener_->accept().operator co_await();
        if (!next.await_ready() && next.await_suspend(std::noop_coroutine())) return false;
        auto c = next.await_resume();
        if (c) accepted_.emplace(std::move(*c));
        return accepted_.has_value();
    }
    int accept(socket& into) {
        if (phase_ != phase::listening) return -EINVAL;
        if (!fetch()) return -EAGAIN;
        into.take(std::move(*accepted_));
        into.told_ = true;
        accepted_.reset();
        into.no_delay = no_delay;
        into.keep_alive = keep_alive;
        into.apply();
        return 0;
    }

    int connect(machine& os, uk::ip4_address to, std::uint16_t to_port) {
        if (phase_ == phase::opening) return -EALREADY;
        if (phase_ == phase::connected) return told_ ? -EISCONN : (told_ = true, 0);
        if (phase_ == phase::listening) return -EISCONN;
        if (error_ != 0) return -std::exchange(error_, 0);
        if (port != 0) return -EOPNOTSUPP;  // from a port of the caller's choice
        phase_ = phase::opening;
        opening_.emplace(open(os, *this, to, to_port));
        if (!opening_->start()) {
            opening_.reset();
            phase_ = phase::fresh;
            return -ENOBUFS;
        }
        return opened();
    }
    /// How the attempt went: 0, its error, or -EAGAIN while it goes on.
    int opened() {
        if (phase_ == phase::opening) return -EAGAIN;
        if (phase_ != phase::connected) return -std::exchange(error_, 0);
        told_ = true;
        return 0;
    }

    /// Text in order into `to`, at least an octet where there is one: how many, 0 at the end.
    long read(std::span<const iovec> to, bool peek) {
        if (phase_ != phase::connected) return phase_ == phase::opening ? -EAGAIN : -ENOTCONN;
        std::size_t wanted = 0;
        for (const iovec& v : to) wanted += v.iov_len;
        if (wanted == 0) return 0;
        while (unread() < wanted && pull()) {
        }
        if (text_.empty()) {
            if (const int e = take_error(); e != 0) return -e;
            const uk::net::tcp_record* r = record();
            return read_shut_ || r == nullptr || !r->open() || r->control.ended() ? 0 : -EAGAIN;
        }
        return copy_out(to, peek);
    }

    /// Queues what finds room: how many octets, or -EAGAIN when none did.
    long write(uk::bytes text) {
        if (phase_ == phase::opening) return -EAGAIN;
        if (phase_ != phase::connected) return -EPIPE;
        if (const int e = take_error(); e != 0) return -e;
        uk::net::tcp_record* r = record();
        if (r == nullptr || !r->open() || r->control.shut) return -EPIPE;
        if (text.empty()) return 0;
        uk::net::tcp_writer w;
        w.rest = text;
        r->core->write(*r, w);
        const std::size_t done = text.size() - w.rest.size();
        return done != 0 ? static_cast<long>(done) : -EAGAIN;
    }
    void urge() { connection_.urge(); }

    int shutdown(int how) {
        if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
        if (phase_ != phase::connected) return -ENOTCONN;
        if (how != SHUT_WR) read_shut_ = true;
        if (how != SHUT_RD) connection_.shutdown();
        return 0;
    }

    /// Says farewell, or with `at_once` does not. Nothing of the stack is held afterwards.
    void close(bool at_once) {
        gone = true;
        const bool unread_text = !text_.empty();
        text_.clear();
        opening_.reset();
        accepted_.reset();
        listener_.reset();
        // RFC 2525 section 2.17: the stack does not know of what was pulled out of it and not read.
        if (at_once || unread_text) connection_.abort();
        connection_ = {};
        phase_ = phase::fresh;
    }
    /// All that was written is acknowledged, our FIN too after `shutdown`.
    bool flushed() const {
        const uk::net::tcp_record* r = record();
        return r == nullptr || uk::net::tcp_core::flushed(*r);
    }

    /// The error that nobody was told of yet, now told.
    int take_error() {
        if (error_ != 0) return std::exchange(error_, 0);
        const int e = failure();
        if (e != 0) failure_told_ = true;
        return e;
    }

    short events() {
        switch (phase_) {
            case phase::fresh: return static_cast<short>(POLLOUT | POLLHUP | (error_ != 0 ? POLLERR | POLLIN : 0));
            case phase::opening: return 0;
            case phase::listening: return fetch() ? POLLIN : 0;
            case phase::connected: break;
        }
        const uk::net::tcp_record* r = record();
        unsigned all = 0;
        if (failure() != 0) all |= POLLERR;
        if (r == nullptr || !r->open()) return static_cast<short>(all | POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
        const bool ended = r->control.ended() || read_shut_;
        if (ended || !text_.empty() || r->receive.buffers() != 0) all |= POLLIN;
        if (ended) all |= POLLRDHUP;
        if (ended && r->control.shut) all |= POLLHUP;
        if (r->control.shut || r->send.buffers() < limits.send_buffers) all |= POLLOUT;
        return static_cast<short>(all);
    }

    /// Octets of text in order that wait to be read.
    std::size_t readable() const {
        const uk::net::tcp_record* r = record();
        return unread() + (r == nullptr ? 0 : r->receive.octets());
    }

    /// Makes the connection's switches those of the socket.
    void apply() {
        connection_.set_no_delay(no_delay);
        if (record() != nullptr) connection_.set_keep_alive(keep_alive);
    }

private:
    static uk::task<> open(machine& os, socket& s, uk::ip4_address to, std::uint16_t to_port) {
        auto c = co_await os.net().connect(to, to_port);
        if (c) {
            s.take(std::move(*c));
            s.apply();
        } else {
            s.phase_ = phase::fresh;
            s.error_ = number_of(c.error());
        }
        co_return {};
    }
    void take(uk::net::tcp_connection&& c) {
        connection_ = std::move(c);
        phase_ = phase::connected;
    }

    // What ended the connection, unless it was told of before.
    int failure() const {
        const uk::net::tcp_record* r = record();
        if (r == nullptr || r->open() || failure_told_ || r->outcome == uk::error::closed) return 0;
        return number_of(r->outcome);
    }

    bool pull() {
        uk::net::tcp_record* r = record();
        if (r == nullptr || r->receive.buffers() == 0) return false;
        auto next = connection_.read().operator co_await();
        auto got = next.await_resume();
        if (!got) return false;
        text_.push_back(std::move(*got));
        return true;
    }
    std::size_t unread() const {
        std::size_t all = 0;
        for (const auto& t : text_) all += t.contents().size();
        return all - offset_;
    }
    long copy_out(std::span<const iovec> to, bool peek) {
        std::size_t from = 0;
        std::size_t skip = offset_;
        std::size_t done = 0;
        for (const iovec& v : to) {
            for (std::size_t at = 0; at < v.iov_len && from < text_.size();) {
                const uk::bytes rest = text_[from].contents().subspan(skip);
                const std::size_t n = std::min(rest.size(), v.iov_len - at);
                uk::copy({static_cast<std::byte*>(v.iov_base) + at, n}, rest.first(n));
                at += n;
                done += n;
                skip = n == rest.size() ? 0 : skip + n;
                from += n == rest.size() ? 1 : 0;
            }
        }
        if (peek) return static_cast<long>(done);
        for (; from != 0; --from) text_.pop_front();
        offset_ = skip;
        return static_cast<long>(done);
    }

    phase phase_ = phase::fresh;
    bool read_shut_ = false;
    bool told_ = false;  ///< `connect` has said that it succeeded
    bool failure_told_ = false;
    int error_ = 0;
    std::optional<uk::net::tcp_listener> listener_;
    std::optional<uk::net::tcp_connection> accepted_;
    std::optional<uk::task<>> opening_;
    uk::net::tcp_connection connection_;
    std::deque<uk::net::tcp_received> text_;  ///< pulled out of the stack
    std::size_t offset_ = 0;                  ///< of the first of them, already read
};

}  // namespace drill
