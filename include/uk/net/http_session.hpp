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
#include <memory>
#include <new>
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

/// A connection with the one thing that it does at a time, and what was received.
template <class Connection>
class session_link {
    using reading = decltype(std::declval<Connection&>().read().operator co_await());
    using writing = decltype(std::declval<Connection&>().write(bytes()).operator co_await());
    using received = decltype(std::declval<reading&>().await_resume());

public:
    explicit session_link(Connection&& c) : connection(std::move(c)) {
        // What is written in one turn of the loop leaves together as it is; holding back the rest only delays
        // responses.
        if constexpr (requires { connection.set_no_delay(true); }) connection.set_no_delay(true);
    }
    session_link(const session_link&) = delete;
    session_link& operator=(const session_link&) = delete;
    ~session_link() { stop(); }

    bool busy() const { return doing_ != activity::none; }

    bool read(std::coroutine_handle<> h) {
        auto text = connection.read();
        doing_ = activity::read;
        return uk::detail::suspend(*new (&waits_) reading(std::move(text).operator co_await()), h);
    }

    bool write(bytes octets, bool in_place, std::coroutine_handle<> h) {
        auto text = in_place ? connection.write_constant(octets) : connection.write(octets);
        doing_ = activity::write;
        return uk::detail::suspend(*new (&waits_) writing(std::move(text).operator co_await()), h);
    }

    result<> written() {
        const auto sent = waits_.write.await_resume();
        stop();
        if (!sent) return fail(reduce(sent.error()));
        return {};
    }

    /// What was received before goes, but if the head lies in it.
    result<bytes> was_read(bool gathered) {
        if (!head_ && piece_ && !gathered) replace(head_, [&] { return std::move(piece_); });
        replace(piece_, [&] { return waits_.read.await_resume(); });
        stop();
        if (!piece_) return fail(reduce(piece_.error()));
        return piece_->contents();
    }

    void stop() {
        const activity was = std::exchange(doing_, activity::none);
        if (was == activity::read) waits_.read.~reading();
        if (was == activity::write) waits_.write.~writing();
    }

    /// What the head of the last request pointed into is not needed any more.
    void release_head() { drop(head_); }

    /// What was consumed is given back.
    void release() {
        drop(head_);
        drop(piece_);
    }

private:
    enum class activity : std::uint8_t { none, read, write };

    union awaiter {
        awaiter() {}
        ~awaiter() {}
        reading read;
        writing write;
    };

    // In place: to move what was received costs more than to receive it.
    template <class Made>
    static void replace(received& old, Made made) {
        std::destroy_at(&old);
        new (&old) received(made());
    }
    [[gnu::noinline]] static void drop(received& old) {
        replace(old, [] { return fail(typename received::error_type()); });
    }

    received head_ = fail(typename received::error_type());   // what the head points into, once more was received
    received piece_ = fail(typename received::error_type());  // what was received last

public:
    Connection connection;

private:
    awaiter waits_;
    activity doing_ = activity::none;
};

}  // namespace detail

/// Lives in the frame of the task that serves the connection. `Server` is a `server_state` whose `handle(exchange&,
/// pending&)` calls the handler, with `pending` of type `Server::pending`.
template <class Server, class Connection>
class session : detail::session_link<Connection>, public conversation {
    using link = detail::session_link<Connection>;  // the first base, for short displacements

public:
    [[gnu::noinline]] session(Server& s, Connection&& c) : link(std::move(c)), conversation(s, table, &expire) {}
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    [[gnu::noinline]] ~session() {
        if constexpr (Server::waits) pending_.reset();  // it refers to the request
        link::stop();
        end_request();  // before the connection
    }

    /// The task of a connection. It has no end of its own: where there is nothing more to do it is destroyed.
    static task<> serve(Server& home, Connection& accepted) {
        session s(home, std::move(accepted));
        while (true) co_await s;
    }

    bool await_ready() const noexcept { return false; }
    void await_resume() const noexcept {}
    /// Where the task waits, for whatever it is.
    [[gnu::noinline]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
        if (!advance()) {
            h.destroy();
            return std::noop_coroutine();
        }
        entry.frame = h;
        if constexpr (Server::waits) {
            if (pending_) return pending_->operator co_await().await_suspend(h);
        }
        return begin(*this, h) ? std::coroutine_handle<>(std::noop_coroutine()) : h;
    }

private:
    // What was waited for has come: goes on until the next wait; false at the end.
    bool advance() {
        if constexpr (Server::waits) {
            if (pending_) {
                now->outcome = pending_->operator co_await().await_resume();
                pending_.reset();
            }
        }
        if (link::busy()) {
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
                    link::release();
                    sending = false;
                    return true;
                case step::handle:
                    link::release_head();
                    static_cast<Server&>(server).handle(*now, pending_);
                    if constexpr (Server::waits) {
                        if (pending_) return true;
                    }
                    break;
                case step::pause: return true;
                case step::send:
                    sending = true;
                    if (more_to_send()) return true;
                    break;
                case step::part: link::connection.shutdown(); break;
                case step::abort: link::connection.abort(); [[fallthrough]];
                case step::end: return false;
            }
        }
    }

    [[gnu::noinline]] static bool begin(transport& t, std::coroutine_handle<> h) {
        session& s = static_cast<session&>(t);
        if (s.doing == waiting::buffers) return true;  // until the timer fires
        if (!s.sending) return s.link::read(h);
        bool in_place = false;
        const bytes next = s.next_to_send(in_place);
        const bool waits = s.link::write(next, in_place, h);
        if (waits) s.wait(waiting::write, s.server.limit.write_timeout);
        return waits;
    }

    [[gnu::noinline]] static result<> end(transport& t) {
        session& s = static_cast<session&>(t);
        if (s.sending) {
            if (!s.more_to_send()) s.wait_no_more();
            return s.link::written();
        }
        const result<bytes> got = s.link::was_read(static_cast<bool>(s.gathered));
        if (!got) return fail(got.error());
        s.received_more(*got);
        return {};
    }

    static void cancel(transport& t) {
        session& s = static_cast<session&>(t);
        if (!s.link::busy()) return;
        s.link::stop();
        s.wait_no_more();
    }

    static constexpr operations table{&begin, &end, &cancel, Server::waits ? &conversation::may_skip_body : nullptr,
                                      Server::waits ? &conversation::skip_body : nullptr};

    static void expire(timer& t) {
        session& s = static_cast<session&>(t);
        const waiting what = s.doing;
        s.count_timeout();
        if constexpr (Server::waits) s.pending_.reset();
        s.link::stop();
        if ((what == waiting::head || what == waiting::body) && !s.answered) {
            s.give_up_waiting();
            s.entry.frame.resume();
            return;
        }
        if (what == waiting::buffers) return s.entry.frame.resume();
        if (what != waiting::idle) s.link::connection.abort();
        s.entry.frame.destroy();
    }

    [[no_unique_address]] typename Server::pending pending_{};
};

}  // namespace uk::net::http
