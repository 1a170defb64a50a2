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

namespace detail {

/// For a task that waits in one place: `co_await turn(what)` suspends into `what.begin_turn(handle)`.
template <class T>
class turn {
public:
    explicit turn(T& of) : of_(&of) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) { return of_->begin_turn(h); }
    void await_resume() const noexcept {}

private:
    T* of_;
};

/// The awaiter's own answer whether it waits, with `h` to be resumed then.
template <class Awaiter>
bool suspend(Awaiter& a, std::coroutine_handle<> h) {
    if (a.await_ready()) return false;
    static_assert(std::is_void_v<decltype(a.await_suspend(h))>);
    a.await_suspend(h);
    return true;
}

/// What a session holds of its connection. Its first base, for short displacements.
template <class Connection>
struct session_link {
    using reading = decltype(std::declval<Connection&>().read().operator co_await());
    using writing = decltype(std::declval<Connection&>().write(bytes()).operator co_await());
    using received = typename decltype(std::declval<reading&>().await_resume())::value_type;

    enum class activity : std::uint8_t { none, read, write };

    // Of the one thing that the connection does at a time.
    union awaiter {
        awaiter() {}
        ~awaiter() {}
        reading read;
        writing write;
    };

    explicit session_link(Connection&& c) : link(std::move(c)) {}

    std::optional<received> head;   // what the head points into, once more was received
    std::optional<received> piece;  // what `unread` points into
    Connection link;
    awaiter waits;
    activity doing_now = activity::none;
};

}  // namespace detail

/// Lives in the frame of the task that serves the connection. `Server` is a `server_state` whose `handle(exchange&,
/// pending&)` calls the handler, with `pending` of type `Server::pending`.
template <class Server, class Connection>
class session : detail::session_link<Connection>, public conversation {
    using base = detail::session_link<Connection>;
    using typename base::activity;
    using typename base::reading;
    using typename base::received;
    using typename base::writing;
    using base::doing_now;
    using base::link;

public:
    [[gnu::noinline]] session(Server& s, Connection&& c) : base(std::move(c)), conversation(s, table, &expire) {
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
        while (s.advance()) co_await detail::turn(s);
        co_return {};
    }

    /// Where the task waits, for whatever it is.
    [[gnu::noinline]] std::coroutine_handle<> begin_turn(std::coroutine_handle<> h) {
        entry.frame = h;
        if constexpr (Server::waits) {
            if (pending_) return pending_->operator co_await().await_suspend(h);
        }
        return begin(*this, h) ? std::coroutine_handle<>(std::noop_coroutine()) : h;
    }

private:
    // What was waited for has come: goes on until the next wait; false at the end.
    [[gnu::noinline]] bool advance() {
        if constexpr (Server::waits) {
            if (pending_) {
                now->outcome = pending_->operator co_await().await_resume();
                pending_.reset();
            }
        }
        if (doing_now != activity::none) {
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
                    base::head.reset();
                    base::piece.reset();
                    sending = false;
                    return true;
                case step::handle:
                    // What the head of the last request pointed into is not needed any more.
                    base::head.reset();
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
            s.doing_now = activity::read;
            return detail::suspend(*new (&s.waits) reading(std::move(text).operator co_await()), h);
        }
        bool in_place = false;
        const bytes next = s.next_to_send(in_place);
        auto text = in_place ? s.link.write_constant(next) : s.link.write(next);
        s.doing_now = activity::write;
        return detail::suspend(*new (&s.waits) writing(std::move(text).operator co_await()), h);
    }

    [[gnu::noinline]] static result<> end(transport& t) {
        session& s = static_cast<session&>(t);
        if (s.sending) {
            const auto sent = s.waits.write.await_resume();
            s.stop();
            if (!s.more_to_send()) s.wait_no_more();
            if (!sent) return fail(reduce(sent.error()));
        } else {
            auto got = s.waits.read.await_resume();
            s.stop();
            if (!got) return fail(reduce(got.error()));
            s.take(std::move(*got));
        }
        return {};
    }

    void take(received&& r) {
        // The head's views point into the first piece.
        std::optional<received>& head = base::head;
        std::optional<received>& piece = base::piece;
        if (!head && piece && !gathered) head.emplace(*std::move(piece));
        piece.emplace(std::move(r));
        received_more(piece->contents());
    }

    // Ends the waiting for the connection.
    [[gnu::noinline]] void stop() {
        const activity was = std::exchange(doing_now, activity::none);
        if (was == activity::read) base::waits.read.~reading();
        if (was == activity::write) base::waits.write.~writing();
    }

    static void cancel(transport& t) {
        session& s = static_cast<session&>(t);
        if (s.doing_now == activity::none) return;
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

    [[no_unique_address]] typename Server::pending pending_{};
};

}  // namespace uk::net::http
