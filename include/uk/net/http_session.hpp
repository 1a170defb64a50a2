// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/http_json.hpp>
#include <uk/net/http_transport.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/packet.hpp>
#include <uk/port.hpp>
#include <uk/result.hpp>
#include <uk/task.hpp>

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
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

template <class Connection>
class session;

namespace detail {

// Says goodbye: sends a response for `status` if it is not 0, finishes the sending side and reads on a little, so that
// the peer finds the response before a reset (RFC 9112 section 9.6).
template <class Connection>
task<> part_from(server_state& server, Connection& from, unsigned status) {
    session<Connection> s(server, std::move(from));
    co_await s.enter();
    if (status != 0) {
        packet page = s.error_page(status);
        if (!page) co_return {};
        s.wait(transport::waiting::write, server.limit.write_timeout);
        const auto sent = co_await s.link.write(page.contents());
        if (!sent) co_return {};
    }
    s.link.shutdown();
    server.idle.push_back(s.entry);
    s.wait(transport::waiting::linger, server.limit.linger_timeout);
    for (std::size_t octets = 0; octets < server.limit.linger_octets;) {
        const auto got = co_await s.link.read();
        if (!got) co_return {};
        octets += got->contents().size();
    }
    co_return {};
}

}  // namespace detail

template <class Connection>
class session : public transport {
public:
    using received = typename detail::awaited<decltype(std::declval<Connection&>().read())>::value_type;

    session(server_state& s, Connection&& c) : transport(s, table, &expire), link(std::move(c)) {}

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

    /// Before the connection is read for a head: gives back what was consumed.
    void before_head() {
        wait_for_head();
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

    /// Hands the connection over to a task that ends it well, in place of the one that this session belongs to.
    void leave(unsigned status) {
        server_state& home = server;
        Connection taken = std::move(link);
        entry.frame.destroy();  // and *this with it
        if (!detail::part_from(home, taken, status).detach()) ++home.count.no_memory;
    }

    /// A response for `status`, complete; no packet when there is no buffer.
    packet error_page(unsigned status) {
        packet page = server.store.take(0);
        if (!page) return page;
        ++server.count.responses[status / 100 - 1];
        const std::string_view phrase = reason(status);
        const digits code(status), size(phrase.size());
        for (std::string_view s : {std::string_view("HTTP/1.1 "), code.view(), std::string_view(" "), phrase,
                                   std::string_view("\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: "),
                                   size.view(), std::string_view("\r\n\r\n"), phrase}) {
            copy(page.push_back(s.size()), as_bytes(s));
        }
        return page;
    }

    Connection link;

private:
    static session& self(transport& t) { return static_cast<session&>(t); }

    static task<> receive(transport& t, bytes first) {
        session& s = self(t);
        if (!first.empty()) {
            s.wait(waiting::write, s.server.limit.write_timeout);
            const auto sent = co_await s.link.write_constant(first);
            if (!sent) co_return fail(reduce(sent.error()));
        }
        s.wait_for_body();
        auto got = co_await s.link.read();
        s.wait_no_more();
        if (!got) co_return fail(reduce(got.error()));
        // The head's views point into the first piece.
        if (!s.head_ && !s.gathered) s.head_ = std::move(s.piece_);
        s.take(std::move(*got));
        s.account_body();
        co_return {};
    }

    static task<> send(transport& t, bytes head, bytes data, bool constant) {
        session& s = self(t);
        if (s.no_buffers) co_return fail(error::no_buffers);
        while (!head.empty() || !data.empty()) {
            s.wait(waiting::write, s.server.limit.write_timeout);
            const bool by_reference = head.empty() && constant;
            bytes& from = head.empty() ? data : head;
            const bytes next = by_reference ? from : from.first(std::min(from.size(), most_at_once));
            from = from.subspan(next.size());
            if (by_reference) {
                const auto sent = co_await s.link.write_constant(next);
                if (!sent) co_return fail(reduce(sent.error()));
            } else {
                const auto sent = co_await s.link.write(next);
                if (!sent) co_return fail(reduce(sent.error()));
            }
        }
        s.wait_no_more();
        co_return {};
    }

    static constexpr operations table{&receive, &send};
    static constexpr std::size_t most_at_once = 16 * 1024;

    void wait_for_body() {
        const instant now = server.home.now();
        if (!body_started_) {
            body_started_ = true;
            body_deadline_ = now + server.limit.body_timeout;
        }
        body_deadline_ = std::min(body_deadline_, now + server.limit.body_timeout);
        wait(waiting::body, body_deadline_ - now);
    }

    // Every octet earns the time that it may take at the slowest rate allowed.
    void account_body() {
        const std::uint64_t rate = std::max<std::uint64_t>(server.limit.body_rate, 1);
        body_deadline_ = body_deadline_ + duration(static_cast<std::int64_t>(unread.size() * 1'000'000'000 / rate));
    }

    static void expire(timer& t) {
        session& s = static_cast<session&>(t);
        http::counters& count = s.server.count;
        switch (s.doing) {
            case waiting::nothing:
            case waiting::linger: break;
            case waiting::idle: ++count.timed_out_idle; break;
            case waiting::head: ++count.timed_out_head; break;
            case waiting::body: ++count.timed_out_body; break;
            case waiting::write: ++count.timed_out_write; break;
        }
        if ((s.doing == waiting::head || s.doing == waiting::body) && !s.answered) {
            s.leave(408);
            return;
        }
        if (s.doing != waiting::idle) s.link.abort();
        s.entry.frame.destroy();
    }

    std::optional<received> piece_;  // what `unread` points into
    std::optional<received> head_;   // what the head points into, once more was received
    instant body_deadline_{};
    bool body_started_ = false;
};

}  // namespace uk::net::http
