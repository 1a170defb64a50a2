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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

/// An HTTP/1.1 server (RFC 9110, RFC 9112) over any part that provides port::stream. Not supported: TRACE, CONNECT,
/// upgrades, transfer codings but chunked, trailers (skipped), ranges, conditions. No Date field: RFC 9110
/// section 6.6.1 forbids one to a server without a wall clock.
namespace uk::net::http {

namespace detail {

// Frames for one request, held while a connection takes its own: connections alone never use up the memory, not even in
// pieces too small for anything else, so that one request can always be answered.
class reserve {
public:
    explicit reserve(arena& from) {
        std::size_t i = 0;
        for (std::size_t size : {1024U, 1024U, 512U, 512U}) blocks_[i++] = from.allocate(size);
    }
    reserve(const reserve&) = delete;
    reserve& operator=(const reserve&) = delete;
    ~reserve() {
        for (void* block : blocks_) arena::free(block);
    }
    explicit operator bool() const {
        return std::find(std::begin(blocks_), std::end(blocks_), nullptr) == std::end(blocks_);
    }

private:
    void* blocks_[4];
};

template <class Stack, class Handler>
class server : public server_state {
public:
    using connection = connection_of<Stack>;
    using session = http::session<server, connection>;

    server(Stack& os, Handler& handler, const limits& l)
        : server_state(os.scheduler(), os[port::packets].store(), l), os_(os), handler_(handler) {}

    /// Gives the connection a task of its own, in the place of an idle one if there is no memory left. A `status` other
    /// than 0 is sent at once, and nothing else.
    void begin_serving(connection& accepted, unsigned status) {
        do {
            bool enough = false;
            task<> serving = allocate(accepted, status, enough);
            if (enough && std::move(serving).detach()) return;
        } while (evict_idle());
        ++count.no_memory;
        accepted.abort();
    }

private:
    // The task is lazy: it has its frame, but does not run yet.
    task<> allocate(connection& accepted, unsigned status, bool& enough) {
        const reserve room(home.frames);
        enough = static_cast<bool>(room);
        return serve(accepted, status);
    }

    task<> serve(connection& accepted, unsigned status) {
        session s(*this, std::move(accepted), status);
        co_await s.enter();
        while (true) {
            switch (s.next()) {
                case session::step::read: {
                    s.release();
                    auto got = co_await s.link.read();
                    if (!got) co_return {};
                    s.take(std::move(*got));
                    break;
                }
                case session::step::handle:
                    s.release_head();
                    begin(*s.now);
                    if (s.now->pending) s.now->outcome = co_await *std::move(s.now->pending);
                    break;
                case session::step::send: {
                    const result<> sent = co_await s.calls.send(s);
                    if (!sent) s.give_up();
                    break;
                }
                case session::step::part: s.link.shutdown(); break;
                case session::step::abort: s.link.abort(); [[fallthrough]];
                case session::step::end: co_return {};
            }
        }
    }

    void begin(exchange& x) {
        if constexpr (requires { handler_.dispatch(os_, x); }) {
            handler_.dispatch(os_, x);
        } else {
            call(handler_, os_, x);
        }
    }

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
        server.begin_serving(*accepted, 0);
    }
}

}  // namespace uk::net::http
