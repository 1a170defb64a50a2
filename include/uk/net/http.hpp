// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arena.hpp>
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
#include <optional>
#include <string_view>
#include <utility>

/// An HTTP/1.1 server (RFC 9110, RFC 9112) over any part that provides port::stream. Not supported: TRACE, CONNECT,
/// upgrades, transfer codings but chunked, trailers (skipped), ranges, conditions. No Date field: RFC 9110
/// section 6.6.1 forbids one to a server without a wall clock.
namespace uk::net::http {

namespace detail {

/// The status for a handler's error when nothing was sent yet.
constexpr unsigned status_for(error e) {
    switch (e) {
        case error::invalid: return 400;
        case error::timed_out: return 408;
        case error::too_large: return 413;
        case error::no_memory:
        case error::no_buffers: return 503;
        default: return 500;
    }
}

/// What becomes of a connection after a request: a status to be sent before it is closed, or one of these.
enum class then : std::uint16_t { keep = 0, close = 1, abort = 2 };
constexpr then refuse(unsigned status) { return static_cast<then>(status); }

// A whole response without a request, or nothing when there is no buffer.
inline packet error_response(transport& io, unsigned status) {
    response out(io, {}, false);
    if (!out.error_page(status) || !out.finish_whole()) return {};
    return out.take_piece();
}

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
        session s(*this, std::move(accepted));
        co_await s.enter();
        then what = refuse(status);
        std::uint32_t number = 0;
        while (true) {
            std::string_view head;
            fault wrong = fault::none;
            if (what == then::keep) {
                wrong = s.next_head(head);
            } else if (s.doing == transport::waiting::linger) {
                if (!s.skip()) co_return {};
            } else {
                if (what != then::close) {
                    const packet page = error_response(s, static_cast<unsigned>(what));
                    const result<> sent = co_await s.calls.send(s, page ? page.contents() : bytes(), {}, false);
                    if (!sent) co_return {};
                }
                s.part();
                continue;
            }
            if (wrong == fault::none && head.empty()) {
                s.before_read();
                auto got = co_await s.link.read();
                if (!got) co_return {};
                s.take(std::move(*got));
                continue;
            }
            s.wait_no_more();
            if (wrong != fault::none) {
                what = refused(wrong);
                continue;
            }
            const result<then> answered = co_await answer(s, head, ++number >= limit.requests);
            what = answered ? *answered : failed(s, answered.error());
            if (what == then::abort) {
                s.link.abort();
                co_return {};
            }
            s.end_request();
        }
    }

    then refused(fault f) {
        ++count.refused[static_cast<std::size_t>(f)];
        return refuse(status_of(f));
    }

    then failed(const session& s, error e) {
        if (e != error::no_memory || s.answered) return then::abort;
        ++count.no_memory;
        return refuse(503);
    }

    // One request from its head to the end of its body. An error is the connection's.
    task<result<then>> answer(session& s, std::string_view text, bool last) {
        ++count.requests;
        request_head head;
        const fault wrong = parse_head(text, {limit.fields, limit.body_octets}, head);
        if (wrong != fault::none) co_return refused(wrong);
        request in(s, head);
        response out(s, head, head.keep_alive && !last);
        {
            result<> outcome;
            std::optional<task<>> pending = begin(in, out, outcome);
            if (pending) outcome = co_await *std::move(pending);
            const then what = settle(s, in, out, outcome);
            if (what != then::keep) co_return what;
        }
        for (std::size_t i = 0;; ++i) {
            const bool last_piece = i + 1 >= out.pieces();
            const bytes piece = last_piece ? out.last_piece() : out.piece(i);
            const result<> sent = co_await s.calls.send(s, piece, last_piece ? out.constant_body() : bytes(), true);
            if (!sent) co_return fail(sent.error());
            if (last_piece) break;
        }
        if (!out.keep()) co_return then::close;
        // The client may still be sending what the handler did not want to read.
        std::uint64_t skipped = 0;
        while (true) {
            const result<bytes> piece = co_await in.read_body();
            if (!piece) co_return then::close;
            if (piece->empty()) co_return then::keep;
            skipped += piece->size();
            if (skipped > limit.discard_octets) co_return then::close;
        }
    }

    std::optional<task<>> begin(request& in, response& out, result<>& outcome) {
        if constexpr (requires { handler_.dispatch(os_, in, out, outcome); }) {
            return handler_.dispatch(os_, in, out, outcome);
        } else {
            return call(handler_, os_, in, out, outcome);
        }
    }

    // After the handler: prepares what is still to be sent.
    then settle(session& s, const request& in, response& out, const result<>& outcome) {
        const fault framing = in.body().reader.wrong();
        if (framing != fault::none) ++count.refused[static_cast<std::size_t>(framing)];
        const bool lost = !outcome && (outcome.error() == error::closed || outcome.error() == error::reset);
        if (lost) return then::abort;
        // RFC 9110 section 10.1.1: who was not told to continue may or may not send the body.
        if ((in.body().tell_to_continue && !in.body().reader.done()) || framing != fault::none ||
            in.body().reader.left() > limit.discard_octets)
            out.do_not_keep();
        if (out.started()) return !outcome || out.broken() ? abandoned() : then::keep;
        if (!outcome) {
            const unsigned status = status_for(outcome.error());
            if (status == 500) ++count.handler_failed;
            if (!out.error_page(status)) return refuse(503);
        }
        s.no_buffers = false;
        return out.finish_whole() ? then::keep : refuse(503);
    }

    then abandoned() {
        ++count.handler_failed;
        return then::abort;
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
