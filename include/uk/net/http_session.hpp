// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/http_exchange.hpp>
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
class session : public conversation {
public:
    using received = typename detail::awaited<decltype(std::declval<Connection&>().read())>::value_type;

    session(Server& s, Connection&& c, unsigned status)
        : conversation(s, table, &expire, status), link(std::move(c)) {
        // What is written in one turn of the loop leaves together as it is; holding back the rest only delays
        // responses.
        if constexpr (requires { link.set_no_delay(true); }) link.set_no_delay(true);
    }

    ~session() { end_request(); }  // before the connection

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
    void release() {
        head_.reset();
        piece_.reset();
    }

    /// Before the handler: what the head of the last request pointed into is not needed any more.
    void release_head() { head_.reset(); }

    void take(received&& r) {
        // The head's views point into the first piece.
        if (!head_ && piece_ && !gathered) head_.emplace(*std::move(piece_));
        piece_.emplace(std::move(r));
        received_more(piece_->contents());
    }

    Connection link;

private:
    static task<result<bytes>> read_piece(transport& t, body_progress& body) {
        session& s = static_cast<session&>(t);
        while (true) {
            const result<bytes> piece = body.reader.next(s.unread);
            if (!piece || !piece->empty() || body.reader.done()) co_return piece;
            if (body.tell_to_continue) {
                body.tell_to_continue = false;
                const result<> sent = co_await s.send(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"), {}, false);
                if (!sent) co_return fail(sent.error());
            }
            s.wait_for_body();
            auto got = co_await s.link.read();
            s.wait_no_more();
            if (!got) co_return fail(reduce(got.error()));
            s.take(std::move(*got));
        }
    }

    static task<> send_prepared(transport& t) {
        session& s = static_cast<session&>(t);
        if (s.no_buffers) co_return fail(error::no_buffers);
        while (true) {
            bool in_place = false;
            const bytes next = s.next_to_send(in_place);
            if (next.empty()) co_return {};
            auto sending = in_place ? s.link.write_constant(next) : s.link.write(next);
            const auto sent = co_await std::move(sending);
            if (!sent) co_return fail(reduce(sent.error()));
        }
    }

    static constexpr operations table{&read_piece, &send_prepared};

    static void expire(timer& t) {
        session& s = static_cast<session&>(t);
        Server& home = static_cast<Server&>(s.server);
        const waiting what = s.doing;
        s.count_timeout();
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
};

}  // namespace uk::net::http
