// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arena.hpp>
#include <uk/net/http_exchange.hpp>
#include <uk/net/http_request.hpp>
#include <uk/net/http_response.hpp>
#include <uk/net/http_routes.hpp>
#include <uk/net/http_session.hpp>
#include <uk/net/http_transport.hpp>
#include <uk/net/port_number.hpp>
#include <uk/port.hpp>
#include <uk/result.hpp>
#include <uk/stack_link.hpp>
#include <uk/task.hpp>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

/// An HTTP/1.1 server (RFC 9110, RFC 9112) over any part that provides port::stream. Not supported: TRACE, CONNECT,
/// upgrades, transfer codings but chunked, trailers (skipped), ranges, conditions. No Date field: RFC 9110
/// section 6.6.1 forbids one to a server without a wall clock.
namespace uk::net::http {

namespace detail {

// Whether there are frames for one request besides those that connections hold: connections alone never use up the
// memory, not even in pieces too small for anything else, so that one request can always be answered.
inline bool room_for_request(arena& from, unsigned blocks = 4) {
    if (blocks == 0) return true;
    void* block = from.allocate(blocks > 2 ? 1024 : 512);
    const bool enough = block != nullptr && room_for_request(from, blocks - 1);
    arena::free(block);
    return enough;
}

/// What a server holds of its listener. Its first base, for short displacements.
template <class Stack>
struct server_link {
    using connection = connection_of<Stack>;
    using connection_error = typename result<connection>::error_type;
    using accepting = decltype(std::declval<listener_of<Stack>&>().accept().operator co_await());

    union awaiter {
        awaiter() {}
        ~awaiter() {}
        accepting accept;
    };

    server_link(Stack& os, port_number port) : listening(os[port::stream].listen(port.value())) {}

    decltype(std::declval<Stack&>()[port::stream].listen(std::uint16_t{})) listening;
    result<connection> accepted = fail(connection_error());
    awaiter room;
    bool is_accepting = false;
};

template <class Stack, class Handler>
class server : server_link<Stack>, public server_state {
    using link = server_link<Stack>;
    using link::accepted;
    using link::is_accepting;
    using link::listening;
    using typename link::accepting;
    using typename link::connection;

public:
    static constexpr bool is_table = requires { typename Handler::row_type; };
    static constexpr bool waits = [] {
        if constexpr (is_table) {
            return Handler::template waits<Stack>;
        } else {
            return detail::waits<Handler, Stack>;
        }
    }();
    using pending = pending_task<waits>;

    [[gnu::noinline]] server(Stack& os, port_number port, Handler& handler, const limits& l)
        : link(os, port), server_state(os.scheduler(), os[port::packets].store(), l), os_(os), handler_(handler) {}
    [[gnu::noinline]] ~server() {
        if (is_accepting) link::room.accept.~accepting();
    }

    bool await_ready() const noexcept { return false; }
    void await_resume() const noexcept {}
    /// Waits for a connection, or for a place for the one there is.
    [[gnu::noinline]] std::coroutine_handle<> await_suspend(task<>::handle h) {
        error why{};
        if (!advance(why)) return uk::detail::end_task<result<>>(h, fail(why));
        if (accepted) {
            next.coroutine = h;
            full = true;
        } else {
            is_accepting = true;
            auto accept = listening->accept();
            if (!uk::detail::suspend(*new (&link::room.accept) accepting(std::move(accept).operator co_await()), h))
                return h;
        }
        return std::noop_coroutine();
    }

    void handle(exchange& x, pending& task) {
        if constexpr (is_table) {
            handler_.dispatch(*os_, x, task);
        } else {
            call(handler_, *os_, x, task);
        }
    }

private:
    // Until the next wait; false at the end, for `why`.
    bool advance(error& why) {
        if (!listening) {
            why = reduce(listening.error());
            return false;
        }
        if (std::exchange(is_accepting, false)) {
            std::destroy_at(&accepted);
            new (&accepted) result<connection>(link::room.accept.await_resume());
            link::room.accept.~accepting();
            if (!accepted) {
                why = reduce(accepted.error());
                return false;
            }
        }
        if (!accepted || (count.open >= limit.connections && !evict_idle())) return true;
        ++count.accepted;
        begin_serving();
        accepted = fail(typename link::connection_error());
        return true;
    }

    // Gives the connection a task of its own, in the place of an idle one if there is no memory left.
    void begin_serving() {
        do {
            task<> serving = session<server, connection>::serve(*this, *accepted);
            if (room_for_request(home->frames) && std::move(serving).detach()) return;
        } while (evict_idle());
        ++count.no_memory;
        accepted->abort();
    }

    [[no_unique_address]] stack_link<Stack> os_;
    Handler& handler_;
};

inline constexpr limits default_limits{};

// `limit` outlives the task.
template <class Stack, class Handler>
task<> serve_within(Stack& os, port_number port, Handler handler, const limits& limit) {
    server<Stack, Handler> server(os, port, handler, limit);
    while (true) co_await server;
}

}  // namespace detail

/// Serves HTTP on `port` until the task is destroyed; ends only with the listener's error. `handler` is a route table
/// or one handler for all requests: it takes `(http::request& in, http::response& out)`, with the stack before these if
/// it wants, and returns nothing, a `result<>` or a `task<>`. The server's state lives in this task's frame and is
/// reached from handlers by `in.counters()`, so that nothing needs to be declared beside it.
template <class Stack, class Handler>
task<> serve(Stack& os, port_number port, Handler handler, limits limit) {
    detail::server<Stack, Handler> server(os, port, handler, limit);
    while (true) co_await server;
}

/// The same with the limits that stand in the type.
template <class Stack, class Handler>
task<> serve(Stack& os, port_number port, Handler handler) {
    return detail::serve_within(os, port, std::move(handler), detail::default_limits);
}

}  // namespace uk::net::http
