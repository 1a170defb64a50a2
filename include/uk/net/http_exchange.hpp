// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arena.hpp>
#include <uk/bytes.hpp>
#include <uk/net/http_request.hpp>
#include <uk/net/http_response.hpp>
#include <uk/net/http_transport.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/packet.hpp>
#include <uk/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>

/// What a server does on one connection, but for the waiting: no coroutines and no templates here.
namespace uk::net::http {

/// One request with its response. Lives in the frame memory from the request's head to the end of its body.
struct exchange {
    exchange(transport& io, std::string_view text, bool last)
        : wrong(parse_head(text, {io.server.limit.fields, io.server.limit.body_octets}, head)), in(io, head), out(io) {
        out.answer(head, head.keep_alive && !last);
    }

    request_head head{};
    fault wrong;
    request in;
    response out;
    result<> outcome{};  ///< of the handler
};

namespace detail {

/// The status for a handler's error when nothing was sent yet.
constexpr unsigned status_for(error e) {
    constexpr std::array<std::uint8_t, 13> beyond_400{103, 103, 8, 100, 100, 100, 100, 100, 100, 13, 0, 100, 100};
    static_assert(beyond_400.size() == static_cast<std::size_t>(error::no_device) + 1);
    return 400U + beyond_400[static_cast<std::size_t>(e)];
}

}  // namespace detail

/// A connection's requests, one after the other, as steps for the task that serves it: it asks for the `next` one, does
/// that, and asks again.
class conversation : public transport {
public:
    using step = http::step;

    conversation(server_state& s, const operations& o, action expired) : transport(s, o, expired) {}

    [[gnu::noinline]] step next() {
        switch (at) {
            case stage::head: return read_head();
            case stage::handling: return settle();
            case stage::sending: return send_piece();
            case stage::linger: return skip();
            case stage::late: return refuse(408);
            case stage::refusing: return part();
            case stage::broken: break;
        }
        return step::abort;
    }

    /// The last step failed.
    void give_up() { at = stage::broken; }

    /// The request did not come in time: it is told so, which is the next step. Nothing refers to it any more.
    void give_up_waiting() { at = stage::late; }

    /// Everything that the request's views point into may go afterwards.
    [[gnu::noinline]] void end_request() {
        if (now != nullptr) {
            now->~exchange();
            arena::free(now);
            now = nullptr;
        }
        drop_gathered();
        page.drop();
        answered = false;
        no_buffers = false;
        body_started = false;
    }

protected:
    static inline bool may_skip_body(conversation& c);
    static inline step skip_body(conversation& c);

private:
    static constexpr std::uint8_t most_pauses = 100;  // of 20 ms

    step refuse(fault f) {
        ++server.count.refused[static_cast<std::size_t>(f)];
        return refuse(status_of(f));
    }

    // Sends a whole response without a request, or nothing when there is no buffer, and says goodbye.
    [[gnu::noinline]] step refuse(unsigned status) {
        end_request();
        response out(*this);
        (void)out.error_page(status);
        if (!out.finish_whole()) return part();
        new (&page) packet(out.take_piece());  // in the place of an empty handle
        prepare(page.contents(), out.constant_body(), true);
        at = stage::refusing;
        return step::send;
    }

    // What still comes is skipped for a while, so that the peer finds the response before a reset (RFC 9112
    // section 9.6).
    step part() {
        end_request();
        wait(waiting::linger, server.limit.linger_timeout);
        become_idle();
        left = server.limit.linger_octets;
        at = stage::linger;
        return step::part;
    }

    step skip() {
        if (unread.size() > left) return step::end;
        left -= static_cast<std::uint32_t>(unread.size());
        unread = {};
        return step::read;
    }

    inline step read_head();
    inline step settle();
    inline step send_piece();
    inline step next_request();
};

inline step conversation::read_head() {
    // Responses whose acknowledgment is awaited hold the buffers: most likely it is under way.
    if (!unread.empty() && pauses < most_pauses && !server.store->has_spare()) {
        ++pauses;
        server.busy.push_back(entry);
        wait(waiting::buffers, std::chrono::milliseconds(20));
        return step::pause;
    }
    pauses = 0;
    std::string_view text;
    const fault wrong = next_head(text);
    if (wrong == fault::none && text.empty()) {
        wait_for_head();
        return step::read;
    }
    wait_no_more();
    if (wrong != fault::none) return refuse(wrong);
    void* room = server.home->frames.allocate(sizeof(exchange));
    if (room == nullptr) {
        ++server.count.no_memory;
        return refuse(503);
    }
    ++server.count.requests;
    now = new (room) exchange(*this, text, ++number >= server.limit.requests);
    if (now->wrong != fault::none) return refuse(now->wrong);
    at = stage::handling;
    return step::handle;
}

// After the handler: prepares what is still to be sent.
inline step conversation::settle() {
    response& out = now->out;
    const result<> outcome = now->outcome;
    const bool keeps = calls.may_skip_body != nullptr ? calls.may_skip_body(*this) : !now->head.has_body();
    if (!keeps) out.do_not_keep();
    if (!outcome && (outcome.error() == error::closed || outcome.error() == error::reset)) return step::abort;
    if (out.started()) {
        if (!outcome || out.broken()) {
            ++server.count.handler_failed;
            return step::abort;
        }
    } else {
        if (!outcome) {
            const unsigned status = detail::status_for(outcome.error());
            if (status == 500) ++server.count.handler_failed;
            (void)out.error_page(status);
        }
        no_buffers = false;
        if (!out.finish_whole()) return refuse(503);
    }
    at = stage::sending;
    pieces_sent = 0;
    return send_piece();
}

inline step conversation::send_piece() {
    const response& out = now->out;
    if (pieces_sent == out.pieces()) {
        if (!out.keep()) return part();
        return calls.skip_body != nullptr ? calls.skip_body(*this) : next_request();
    }
    const bytes piece = out.piece(pieces_sent++);
    prepare(piece, pieces_sent == out.pieces() ? out.constant_body() : bytes(), true);
    return step::send;
}

inline bool conversation::may_skip_body(conversation& c) {
    const body_progress& body = c.now->in.body();
    const fault framing = body.reader.wrong();
    if (framing != fault::none) ++c.server.count.refused[static_cast<std::size_t>(framing)];
    c.left = c.server.limit.discard_octets;
    // RFC 9110 section 10.1.1: who was not told to continue may or may not send the body.
    const bool may_come = !body.tell_to_continue || body.reader.done();
    return may_come && framing == fault::none && body.reader.left() <= c.left;
}

// The client may still be sending what the handler did not want to read.
inline step conversation::skip_body(conversation& c) {
    body_reader& reader = c.now->in.body().reader;
    while (!c.unread.empty() && !reader.done()) {
        const std::size_t n = reader.take(c.unread).size();
        if (reader.wrong() != fault::none || n > c.left) return c.part();
        c.left -= static_cast<std::uint32_t>(n);
    }
    if (!reader.done()) {
        c.wait_for_body();
        return step::read;
    }
    return c.next_request();
}

inline step conversation::next_request() {
    end_request();
    at = stage::head;
    return read_head();
}

}  // namespace uk::net::http
