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
#include <new>
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

/// Lives in the frame of the task that serves the connection. `Server` is a `server_state` whose `handle(exchange&,
/// pending&)` calls the handler, with `pending` of type `Server::pending`.
template <class Server, class Connection>
class session : public conversation {
public:
    using reading = decltype(std::declval<Connection&>().read().operator co_await());
    using writing = decltype(std::declval<Connection&>().write(bytes()).operator co_await());
    using received = typename decltype(std::declval<reading&>().await_resume())::value_type;

    [[gnu::noinline]] session(Server& s, Connection&& c) : conversation(s, table, &expire), link(std::move(c)) {
        // What is written in one turn of the loop leaves together as it is; holding back the rest only delays
        // responses.
        if constexpr (requires { link.set_no_delay(true); }) link.set_no_delay(true);
    }
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    [[gnu::noinline]] ~session() {
        if constexpr (Server::waits) pending_.reset();  // it refers to the request
        stop();
        end_request();  // before the connection
    }

    /// The task of a connection.
    static task<> serve(Server& home, Connection& accepted) {
        session s(home, std::move(accepted));
        while (s.advance()) co_await turn(s);
        co_return {};
    }

private:
    enum class activity : std::uint8_t { none, read, write, handle };

    // The one place where the task waits, for whatever it is.
    class turn {
    public:
        explicit turn(session& s) : session_(&s) {}
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) { return session_->begin_turn(h); }
        void await_resume() const noexcept {}

    private:
        session* session_;
    };

    [[gnu::noinline]] std::coroutine_handle<> begin_turn(std::coroutine_handle<> h) {
        entry.frame = h;
        if constexpr (Server::waits) {
            if (pending_) return pending_->operator co_await().await_suspend(h);
        }
        return begin(*this, h) ? std::coroutine_handle<>(std::noop_coroutine()) : h;
    }

    // What was waited for has come: goes on until the next wait; false at the end.
    [[gnu::noinline]] bool advance() {
        if constexpr (Server::waits) {
            if (pending_) {
                now->outcome = pending_->operator co_await().await_resume();
                pending_.reset();
            }
        }
        if (activity_ != activity::none) {
            if (!end(*this)) {
                if (!sending) return false;
                give_up();
            } else if (sending && more_to_send()) {
                return true;
            }
        }
        while (true) {
            switch (next()) {
                case step::read:
                    // Between requests what was consumed is given back.
                    head_.reset();
                    piece_.reset();
                    sending = false;
                    return true;
                case step::handle:
                    // What the head of the last request pointed into is not needed any more.
                    head_.reset();
                    static_cast<Server&>(server).handle(*now, pending_);
                    if constexpr (Server::waits) {
                        if (pending_) return true;
                    }
                    break;
                case step::send:
                    sending = true;
                    if (more_to_send()) return true;
                    break;
                case step::part: link.shutdown(); break;
                case step::abort: link.abort(); [[fallthrough]];
                case step::end: return false;
            }
        }
    }

    [[gnu::noinline]] static bool begin(transport& t, std::coroutine_handle<> h) {
        session& s = static_cast<session&>(t);
        if (!s.sending) {
            auto text = s.link.read();
            s.activity_ = activity::read;
            return suspend(*new (&s.room_) reading(std::move(text).operator co_await()), h);
        }
        bool in_place = false;
        const bytes next = s.next_to_send(in_place);
        auto text = in_place ? s.link.write_constant(next) : s.link.write(next);
        s.activity_ = activity::write;
        return suspend(*new (&s.room_) writing(std::move(text).operator co_await()), h);
    }

    template <class Awaiter>
    static bool suspend(Awaiter& a, std::coroutine_handle<> h) {
        if (a.await_ready()) return false;
        static_assert(std::is_void_v<decltype(a.await_suspend(h))>);
        a.await_suspend(h);
        return true;
    }

    [[gnu::noinline]] static result<> end(transport& t) {
        session& s = static_cast<session&>(t);
        if (s.sending) {
            const auto sent = s.room_.write.await_resume();
            s.stop();
            if (!s.more_to_send()) s.wait_no_more();
            if (!sent) return fail(reduce(sent.error()));
        } else {
            auto got = s.room_.read.await_resume();
            s.stop();
            if (!got) return fail(reduce(got.error()));
            s.take(std::move(*got));
        }
        return {};
    }

    void take(received&& r) {
        // The head's views point into the first piece.
        if (!head_ && piece_ && !gathered) head_.emplace(*std::move(piece_));
        piece_.emplace(std::move(r));
        received_more(piece_->contents());
    }

    // Ends the waiting for the connection.
    [[gnu::noinline]] void stop() {
        const activity was = std::exchange(activity_, activity::none);
        if (was == activity::read) room_.read.~reading();
        if (was == activity::write) room_.write.~writing();
    }

    static void cancel(transport& t) {
        session& s = static_cast<session&>(t);
        if (s.activity_ == activity::none) return;
        s.stop();
        s.wait_no_more();
    }

    static constexpr operations table{&begin, &end, &cancel};

    static void expire(timer& t) {
        session& s = static_cast<session&>(t);
        const waiting what = s.doing;
        s.count_timeout();
        if constexpr (Server::waits) s.pending_.reset();
        s.stop();
        if ((what == waiting::head || what == waiting::body) && !s.answered) {
            s.give_up_waiting();
            s.entry.frame.resume();
            return;
        }
        if (what != waiting::idle) s.link.abort();
        s.entry.frame.destroy();
    }

    // Of the one thing that the connection does at a time.
    union room {
        room() {}
        ~room() {}
        reading read;
        writing write;
    };

    [[no_unique_address]] typename Server::pending pending_{};
    activity activity_ = activity::none;
    Connection link;
    room room_;
    std::optional<received> piece_;  // what `unread` points into
    std::optional<received> head_;   // what the head points into, once more was received
};

}  // namespace uk::net::http
