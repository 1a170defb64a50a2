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
#include <uk/task.hpp>

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

template <class Stack, class Handler>
class server : public server_state {
public:
    using connection = connection_of<Stack>;

    static constexpr bool is_table = requires { typename Handler::row_type; };
    static constexpr bool waits = [] {
        if constexpr (is_table) {
            return Handler::template waits<Stack>;
        } else {
            return detail::waits<Handler, Stack>;
        }
    }();
    using pending = pending_task<waits>;

    server(Stack& os, Handler& handler, const limits& l)
        : server_state(os.scheduler(), os[port::packets].store(), l), os_(os), handler_(handler) {}

    /// Gives the connection a task of its own, in the place of an idle one if there is no memory left.
    void begin_serving(connection& accepted) {
        do {
            task<> serving = session<server, connection>::serve(*this, accepted);
            if (room_for_request(home.frames) && std::move(serving).detach()) return;
        } while (evict_idle());
        ++count.no_memory;
        accepted.abort();
    }

    void handle(exchange& x, pending& task) {
        if constexpr (is_table) {
            handler_.dispatch(os_, x, task);
        } else {
            call(handler_, os_, x, task);
        }
    }

private:
    Stack& os_;
    Handler& handler_;
};

}  // namespace detail

/// Serves HTTP on `port` until the task is destroyed; ends only with the listener's error. `handler` is a route table
/// or one handler for all requests: it takes `(http::request& in, http::response& out)`, with the stack before these if
/// it wants, and returns nothing, a `result<>` or a `task<>`. The server's state lives in this task's frame and is
/// reached from handlers by `in.counters()`, so that nothing needs to be declared beside it.
template <class Stack, class Handler>
task<> serve(Stack& os, port_number port, Handler handler, limits limit = {}) {
    auto listening = os[port::stream].listen(port.value());
    if (!listening) co_return fail(reduce(listening.error()));
    detail::server<Stack, Handler> server(os, handler, limit);
    while (true) {
        auto accepted = co_await listening->accept();
        if (!accepted) co_return fail(reduce(accepted.error()));
        while (server.count.open >= limit.connections && !server.evict_idle()) co_await server.freed;
        ++server.count.accepted;
        server.begin_serving(*accepted);
    }
}

}  // namespace uk::net::http
