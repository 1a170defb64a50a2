// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/http_transport.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/port.hpp>
#include <uk/result.hpp>
#include <uk/task.hpp>

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

/// A connection of the stack's port::stream as the server uses it.
namespace uk::net::http {

namespace detail {

template <class Awaitable>
using awaited = decltype(std::declval<Awaitable>().operator co_await().await_resume());

template <class Stack>
using listener_of =
    typename std::remove_cvref_t<decltype(std::declval<Stack&>()[port::stream].listen(std::uint16_t{}))>::value_type;

}  // namespace detail

template <class Stack>
using connection_of =
    typename detail::awaited<decltype(std::declval<detail::listener_of<Stack>&>().accept())>::value_type;

/// Lives in the frame of the task that serves the connection. `Server` has `begin_serving(Connection&, unsigned
/// status)`, which starts such a task; with a status it only sends that and says goodbye.
template <class Server, class Connection>
class session : public transport {
public:
    using received = typename detail::awaited<decltype(std::declval<Connection&>().read())>::value_type;

    session(Server& s, Connection&& c) : transport(s, table, &expire), link(std::move(c)) {
        // What is written in one turn of the loop leaves together as it is; holding back the rest only delays
        // responses.
        if constexpr (requires { link.set_no_delay(true); }) link.set_no_delay(true);
    }

    class entering {
    public:
        explicit entering(session_entry& e) : entry_(&e) {}
        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> h) noexcept {
            entry_->frame = h;
            return false;
        }
        void await_resume() const noexcept {}

    private:
        session_entry* entry_;
    };
    /// Makes the awaiting coroutine the one that is destroyed to end the connection.
    entering enter() { return entering(entry); }

    /// Before the connection is read between requests: gives back what was consumed.
    void before_read() {
        if (doing != waiting::linger) wait_for_head();
        piece_.reset();
    }

    void take(received&& r) {
        piece_.emplace(std::move(r));
        unread = piece_->contents();
    }

    /// Everything that the request's views point into may go.
    void end_request() {
        drop_gathered();
        head_.reset();
        if (unread.empty()) piece_.reset();
        answered = false;
        no_buffers = false;
        body_started_ = false;
    }

    /// Finishes the sending side. What still comes is skipped for a while, so that the peer finds the response before a
    /// reset (RFC 9112 section 9.6).
    void part() {
        end_request();
        link.shutdown();
        wait(waiting::linger, server.limit.linger_timeout);
        become_idle();
        linger_left_ = server.limit.linger_octets;
    }

    /// Skips what came after `part`; false when it was enough.
    bool skip() {
        if (unread.size() > linger_left_) return false;
        linger_left_ -= static_cast<std::uint32_t>(unread.size());
        unread = {};
        return true;
    }

    Connection link;

private:
    static task<result<bytes>> read(transport& t, body_progress& body) {
        session& s = static_cast<session&>(t);
        while (true) {
            const bytes piece = body.reader.take(s.unread);
            const fault wrong = body.reader.wrong();
            if (wrong != fault::none) co_return fail(wrong == fault::body_too_long ? error::too_large : error::invalid);
            if (!piece.empty() || body.reader.done()) co_return piece;
            s.wait_for_body();
            if (body.tell_to_continue) {
                body.tell_to_continue = false;
                const auto sent = co_await s.link.write_constant(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
                if (!sent) co_return fail(reduce(sent.error()));
            }
            auto got = co_await s.link.read();
            s.wait_no_more();
            if (!got) co_return fail(reduce(got.error()));
            s.take_body(std::move(*got));
        }
    }

    static task<> send(transport& t, bytes head, bytes data, bool constant) {
        session& s = static_cast<session&>(t);
        if (s.no_buffers) co_return fail(error::no_buffers);
        while (!head.empty() || !data.empty()) {
            s.wait(waiting::write, s.server.limit.write_timeout);
            const bool by_reference = head.empty() && constant;
            bytes& from = head.empty() ? data : head;
            const bytes next = by_reference ? from : from.first(std::min(from.size(), most_at_once));
            from = from.subspan(next.size());
            auto sending = by_reference ? s.link.write_constant(next) : s.link.write(next);
            const auto sent = co_await std::move(sending);
            if (!sent) co_return fail(reduce(sent.error()));
        }
        s.wait_no_more();
        co_return {};
    }

    static constexpr operations table{&read, &send};
    static constexpr std::size_t most_at_once = 16 * 1024;

    void wait_for_body() {
        const instant latest = server.home.now() + server.limit.body_timeout;
        if (!body_started_ || body_deadline_ > latest) body_deadline_ = latest;
        body_started_ = true;
        wait(waiting::body, body_deadline_ - server.home.now());
    }

    void take_body(received&& r) {
        // The head's views point into the first piece.
        if (!head_ && !gathered) head_ = std::move(piece_);
        take(std::move(r));
        // Every octet earns the time that it may take at the slowest rate allowed.
        const std::uint64_t rate = std::max<std::uint64_t>(server.limit.body_rate, 1);
        body_deadline_ = body_deadline_ + duration(static_cast<std::int64_t>(unread.size() * 1'000'000'000 / rate));
    }

    static void expire(timer& t) {
        session& s = static_cast<session&>(t);
        Server& home = static_cast<Server&>(s.server);
        const waiting what = s.doing;
        switch (what) {
            case waiting::nothing:
            case waiting::linger: break;
            case waiting::idle: ++home.count.timed_out_idle; break;
            case waiting::head: ++home.count.timed_out_head; break;
            case waiting::body: ++home.count.timed_out_body; break;
            case waiting::write: ++home.count.timed_out_write; break;
        }
        const bool tell = (what == waiting::head || what == waiting::body) && !s.answered;
        // The frame first: it waits for the connection.
        Connection taken = std::move(s.link);
        s.entry.frame.destroy();
        if (tell) {
            home.begin_serving(taken, 408);
        } else if (what != waiting::idle) {
            taken.abort();
        }
    }

    std::optional<received> piece_;  // what `unread` points into
    std::optional<received> head_;   // what the head points into, once more was received
    instant body_deadline_{};
    std::uint32_t linger_left_ = 0;
    bool body_started_ = false;
};

}  // namespace uk::net::http
