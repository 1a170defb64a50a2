// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_table.hpp>
#include <uk/result.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace uk::net {

/// Received text in the packet in which it came. The peer may send as much again once it is let go.
class [[nodiscard]] tcp_received {
public:
    tcp_received(packet p, tcp_reference of) : packet_(std::move(p)), of_(of) {}
    tcp_received(tcp_received&&) = default;
    tcp_received& operator=(tcp_received&& other) noexcept {
        tcp_received old(std::move(*this));
        packet_ = std::move(other.packet_);
        of_ = other.of_;
        return *this;
    }
    ~tcp_received() {
        if (!packet_) return;
        const std::size_t octets = packet_.size();
        packet_.drop();
        if (tcp_record* r = tcp_core::find(of_)) r->core->give_back(*r, octets);
    }

    /// Never empty.
    bytes contents() const { return packet_.contents(); }

private:
    packet packet_;
    tcp_reference of_;
};

namespace detail {

inline tcp_record* find(const tcp_reference& r) { return tcp_core::find(r); }

class tcp_read_awaiter : waiter {
public:
    explicit tcp_read_awaiter(tcp_reference of) : of_(of) {}
    ~tcp_read_awaiter() {
        if (tcp_record* r = find(of_); r != nullptr && r->reader == this) r->reader = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) {
        tcp_record* r = find(of_);
        if (r == nullptr || tcp_core::readable(*r)) return false;
        check(r->reader == nullptr, "tcp: two tasks read from one connection");
        coroutine = h;
        r->reader = this;
        return true;
    }
    result<tcp_received> await_resume() {
        tcp_record* r = find(of_);
        if (r == nullptr) return fail(error::closed);
        packet p = r->core->read(*r);
        if (p) return result<tcp_received>(std::in_place, std::move(p), of_);
        return fail(r->outcome);
    }

private:
    tcp_reference of_;
};

class tcp_write_awaiter : tcp_writer {
public:
    tcp_write_awaiter(tcp_reference of, bytes text, bool is_constant) : of_(of) {
        rest = text;
        constant = is_constant;
    }
    ~tcp_write_awaiter() {
        if (tcp_record* r = find(of_); r != nullptr && r->writer == this) r->writer = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) {
        tcp_record* r = find(of_);
        if (r == nullptr) {
            failed = true;
            return false;
        }
        check(r->writer == nullptr, "tcp: two tasks write to one connection");
        if (r->core->write(*r, *this)) return false;
        coroutine = h;
        r->writer = this;
        return true;
    }
    result<> await_resume() const {
        if (failed) return fail(why);
        return {};
    }

private:
    tcp_reference of_;
};

/// Waits at a record's place for a waiter until `Done` says so.
template <waiter* tcp_record::* Place, bool (*Done)(const tcp_record&)>
class tcp_wait_awaiter : waiter {
public:
    explicit tcp_wait_awaiter(tcp_reference of) : of_(of) {}
    ~tcp_wait_awaiter() {
        if (tcp_record* r = find(of_); r != nullptr && r->*Place == this) r->*Place = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) {
        tcp_record* r = find(of_);
        if (r == nullptr || Done(*r)) return false;
        check(r->*Place == nullptr, "tcp: two tasks wait for the same of one connection");
        coroutine = h;
        r->*Place = this;
        return true;
    }
    result<> await_resume() const {
        tcp_record* r = find(of_);
        if (r == nullptr) return fail(error::closed);
        if constexpr (Place == &tcp_record::observer) {
            // A mark is news once; whoever waits for more of them learns that there will be none.
            if (!std::exchange(r->marks.news, false)) return fail(r->outcome);
            return {};
        }
        if (!r->open() && (r->outcome != error::closed || !r->control.shut)) return fail(r->outcome);
        return {};
    }

private:
    tcp_reference of_;
};

inline bool urgent_or_over(const tcp_record& r) { return r.marks.news || !r.open(); }

}  // namespace detail

/// The next received text; `co_await` yields result<tcp_received>.
struct [[nodiscard]] tcp_read {
    tcp_reference of;
    detail::tcp_read_awaiter operator co_await() const { return detail::tcp_read_awaiter(of); }
};

/// A write under way; `co_await` yields result<>.
struct [[nodiscard]] tcp_write {
    tcp_reference of;
    bytes text;
    bool constant;
    detail::tcp_write_awaiter operator co_await() const { return {of, text, constant}; }
};

/// The end of what was written; `co_await` yields result<>.
struct [[nodiscard]] tcp_flush {
    tcp_reference of;
    detail::tcp_wait_awaiter<&tcp_record::flusher, &tcp_core::flushed> operator co_await() const {
        return detail::tcp_wait_awaiter<&tcp_record::flusher, &tcp_core::flushed>(of);
    }
};

/// An urgent mark; `co_await` yields result<>.
struct [[nodiscard]] tcp_urgent {
    tcp_reference of;
    detail::tcp_wait_awaiter<&tcp_record::observer, &detail::urgent_or_over> operator co_await() const {
        return detail::tcp_wait_awaiter<&tcp_record::observer, &detail::urgent_or_over>(of);
    }
};

struct tcp_peer {
    ip4_address address;
    std::uint16_t port = 0;
};

/// What does not end a connection yet (RFC 9293 section 3.9.1.8).
struct tcp_trouble {
    unsigned timeouts = 0;     ///< in a row; above 3 (R1) the path or the peer is likely gone
    bool unreachable = false;  ///< a router or the peer's host says so, and nothing has got through since
};

/// A connection in the hands of an application: one task may read and one may write at a time, anything else is a bug.
/// Destroyed, it is closed in the background: what was written is still sent. Where received text was not read, the
/// peer gets a RST instead. Move-only.
class [[nodiscard]] tcp_connection {
public:
    tcp_connection() = default;
    explicit tcp_connection(tcp_reference of) : of_(of) {}
    tcp_connection(tcp_connection&& other) noexcept : of_(std::exchange(other.of_, {})) {}
    tcp_connection& operator=(tcp_connection&& other) noexcept {
        tcp_connection old(std::move(*this));
        of_ = std::exchange(other.of_, {});
        return *this;
    }
    ~tcp_connection() {
        if (tcp_record* r = detail::find(of_)) r->core->disown(*r);
    }

    /// Waits for text, in order. `error::closed` once the peer has finished and all has been read; `reset`, `timed_out`
    /// when the connection failed.
    tcp_read read() const { return {of_}; }

    /// Copies `text`, which must live until then, to be sent; waits while the connection holds as much as it may. Done
    /// when all is queued: two writes in one turn of the loop leave in one segment where they fit.
    tcp_write write(bytes text) const { return {of_, text, false}; }

    /// The same without a copy: `text` is sent from where it lies, and must not change until the peer has it all. For
    /// constants.
    tcp_write write_constant(bytes text) const { return {of_, text, true}; }

    /// Tells the peer, behind what was written, that nothing more comes. Reading goes on.
    void shutdown() {
        if (tcp_record* r = detail::find(of_); r != nullptr && r->open()) r->core->shut(*r);
    }

    /// Waits until the peer has acknowledged all that was written, and the FIN behind it after `shutdown`. Fails with
    /// `reset` or `timed_out` when that cannot be any more.
    tcp_flush flush() const { return {of_}; }

    /// `shutdown` and `flush` in one.
    tcp_flush close() {
        shutdown();
        return {of_};
    }

    /// Marks what was written so far as urgent (RFC 9293 section 3.8.5; RFC 6093 advises new applications against it).
    void urge() {
        tcp_record* r = detail::find(of_);
        if (r == nullptr || !r->open()) return;
        r->marks.own = r->control.text_base() + r->send.octets();
        r->marks.own_set = true;
        r->core->schedule(*r);
    }
    /// Octets from the next to be read to the end of the peer's urgent text; 0: none is to come.
    std::uint32_t urgent() const {
        const tcp_record* r = detail::find(of_);
        if (r == nullptr || !r->marks.peers_set) return 0;
        const seq next{r->control.rcv_nxt.value - r->receive.octets()};
        return r->marks.peers > next ? r->marks.peers - next : 0;
    }
    /// Waits for an urgent mark, or for the one told of last to move on (MUST-32). Fails once the connection is over:
    /// with `closed` where it ended well.
    tcp_urgent urgent_mark() const { return {of_}; }

    /// Asks a silent peer now and then whether it is still there, as the stack's limits say, and gives the connection
    /// up with `timed_out` when it is not. Off at first (MUST-25).
    void set_keep_alive(bool on) {
        tcp_record* r = detail::find(of_);
        if (r == nullptr || !r->open()) return;
        r->keep_alive = on;
        r->core->schedule(*r);
    }

    /// How often in a row to send again, from 1, before the connection is given up with `timed_out` (MUST-21): each
    /// time after twice the wait, at most a minute. At first as the stack's limits say.
    void set_retries(std::uint8_t most) {
        if (tcp_record* r = detail::find(of_)) r->retries = most;
    }

    /// Gives the connection up at once; the peer gets a RST.
    void abort() {
        tcp_record* r = detail::find(of_);
        if (r == nullptr) return;
        if (r->open()) r->core->abort(*r);
        if ((r = detail::find(of_)) != nullptr) r->core->disown(*r);
        of_ = {};
    }

    /// Asked when a write or a flush takes long (MUST-47).
    tcp_trouble trouble() const {
        const tcp_record* r = detail::find(of_);
        return r == nullptr ? tcp_trouble{} : tcp_trouble{r->rtt.repeats, r->unreachable};
    }

    tcp_peer peer() const {
        const tcp_record* r = detail::find(of_);
        return r == nullptr ? tcp_peer{} : tcp_peer{r->ends.remote, r->ends.remote_port};
    }

    /// Sends small segments at once instead of gathering them while others are under way (Nagle's algorithm).
    void set_no_delay(bool on) {
        if (tcp_record* r = detail::find(of_)) r->no_delay = on;
    }

    /// The DS field of what is sent from now on (RFC 2474; RFC 9293 MUST-48), 0 to 63.
    void set_service(std::uint8_t codepoint) {
        if (tcp_record* r = detail::find(of_)) r->service = codepoint & 63U;
    }

    /// The record behind the handle, for whoever extends the layer; null when there is none any more.
    tcp_record* record() const { return detail::find(of_); }

private:
    tcp_reference of_;
};

namespace detail {

class tcp_connect_awaiter : waiter {
public:
    tcp_connect_awaiter(tcp_connection c, error why) : connection_(std::move(c)), why_(why) {}
    ~tcp_connect_awaiter() {
        if (tcp_record* r = connection_.record(); r != nullptr && r->reader == this) r->reader = nullptr;
    }
    bool await_ready() const {
        const tcp_record* r = connection_.record();
        return r == nullptr || r->control.state == tcp_state::closed || r->control.state >= tcp_state::established;
    }
    void await_suspend(std::coroutine_handle<> h) {
        coroutine = h;
        connection_.record()->reader = this;
    }
    result<tcp_connection> await_resume() {
        const tcp_record* r = connection_.record();
        if (r == nullptr) return fail(why_);
        if (!r->open()) return fail(r->outcome);
        return std::move(connection_);
    }

private:
    tcp_connection connection_;
    error why_;
};

}  // namespace detail

/// A connection that is being opened; `co_await` yields result<tcp_connection>. Destroyed before that, it is given up.
class [[nodiscard]] tcp_connecting {
public:
    explicit tcp_connecting(tcp_reference of) : connection_(of) {}
    explicit tcp_connecting(error why) : why_(why) {}

    detail::tcp_connect_awaiter operator co_await() && { return {std::move(connection_), why_}; }

private:
    tcp_connection connection_;
    error why_ = error::closed;
};

namespace detail {

class tcp_accept_awaiter : tcp_acceptor {
public:
    tcp_accept_awaiter(tcp_core& core, const tcp_listening_reference& of) : core_(&core), of_(of) {}
    ~tcp_accept_awaiter() {
        tcp_listening* l = tcp_core::find(of_);
        if (l != nullptr && l->acceptor == this) l->acceptor = nullptr;
        // Woken, but cancelled before it ran.
        tcp_record* r = find(got);
        if (r != nullptr && l != nullptr) core_->put_back(*l, *r);
        if (r != nullptr && l == nullptr) core_->disown(*r);
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) {
        tcp_listening* l = tcp_core::find(of_);
        if (l == nullptr) {
            closed = true;
            return false;
        }
        check(l->acceptor == nullptr, "tcp: two tasks accept from one listener");
        if (tcp_record* r = core_->take_accepted(*l)) {
            got = core_->reference(*r);
            return false;
        }
        coroutine = h;
        l->acceptor = this;
        return true;
    }
    result<tcp_connection> await_resume() {
        if (closed) return fail(error::closed);
        return result<tcp_connection>(std::in_place, std::exchange(got, {}));
    }

private:
    tcp_core* core_;
    tcp_listening_reference of_;
};

}  // namespace detail

/// The next connection; `co_await` yields result<tcp_connection>, `error::closed` when the listener is gone.
struct [[nodiscard]] tcp_accept {
    tcp_core* core;
    tcp_listening_reference of;
    detail::tcp_accept_awaiter operator co_await() const { return {*core, of}; }
};

/// A port that is listened on, until the handle is destroyed: connections not yet accepted then get a RST. Move-only.
class [[nodiscard]] tcp_listener {
public:
    tcp_listener(tcp_core& core, const tcp_listening_reference& of) : core_(&core), of_(of) {}
    tcp_listener(tcp_listener&& other) noexcept : core_(other.core_), of_(std::exchange(other.of_, {})) {}
    tcp_listener& operator=(tcp_listener&& other) noexcept {
        tcp_listener old(std::move(*this));
        core_ = other.core_;
        of_ = std::exchange(other.of_, {});
        return *this;
    }
    ~tcp_listener() { core_->close_listener(of_); }

    /// Waits for a connection; one task at a time. The listener must outlive the call, not the connection.
    tcp_accept accept() const { return {core_, of_}; }

private:
    tcp_core* core_;
    tcp_listening_reference of_;
};

}  // namespace uk::net
