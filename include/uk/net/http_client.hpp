// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/http_client_names.hpp>
#include <uk/net/http_client_state.hpp>
#include <uk/net/http_client_wire.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/port.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/stack_link.hpp>
#include <uk/task.hpp>
#include <uk/time.hpp>
#include <uk/timer.hpp>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

/// An HTTP/1.1 client (RFC 9110, RFC 9112) over any part that provides port::stream. Not supported: https, proxies,
/// upgrades, content codings, trailers (skipped), caches, cookies.
namespace uk::net::http {

/// The response to the last request of a client: gone with its next request. All views end with it.
template <class Client>
class response_to {
public:
    explicit response_to(Client& c) : client_(&c) {}

    unsigned status() const { return client_->state_.head.status; }
    /// The value of the first field of that name, which is written in lower case: `r.field("content-type")`.
    std::optional<std::string_view> field(std::string_view name) const {
        return find_field(client_->state_.head.fields, name);
    }
    /// The length of the body if the server declared it. The response to HEAD may have one and no body.
    std::optional<std::uint64_t> content_length() const { return client_->state_.head.length; }

    /// The next piece of the body, where it was received; it stays until the next call. Empty at the end.
    task<result<bytes, client_error>> read_body() { return client_->read_body(); }

    /// The whole body in `memory`, or `body_too_long`.
    task<result<bytes, client_error>> read_all(writable_bytes memory) { return client_->read_all(memory); }

private:
    Client* client_;
};

/// A client with one connection, which it keeps for the next request to the same server: `http::client c(os); auto r =
/// co_await c.get({.host = "example.org"}, "/path");`. A name is resolved for each request (the resolver remembers),
/// and its addresses are tried in turn until one takes the connection (RFC 1123 section 2.3). One request at a time: it
/// begins when the one before has its response; what is left of that one's body then costs the connection. Destroying a
/// request's task gives it up. A request that may be sent twice is, when a kept connection turns out to be gone.
template <class Stack, client_limits Limits = {}>
class client : timer {
    using connecting =
        decltype(std::declval<Stack&>()[port::stream].connect(ip4_address{}, std::uint16_t{}).operator co_await());
    using connection = typename decltype(std::declval<connecting&>().await_resume())::value_type;
    using reading = decltype(std::declval<connection&>().read().operator co_await());
    using writing = decltype(std::declval<connection&>().write(bytes()).operator co_await());
    using received = typename decltype(std::declval<reading&>().await_resume())::value_type;
    using names = detail::client_names<Stack>;
    using resolving = typename names::resolving;

public:
    using response = response_to<client>;
    using answer = task<result<response, client_error>>;

    explicit client(Stack& os) : timer(&expire), os_(os), state_(os[port::packets].store()) {}
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client() { stop(); }

    answer get(const origin& to, std::string_view target) { return send(to, {.target = target}); }
    answer head(const origin& to, std::string_view target) {
        return send(to, {.method = method::head, .target = target});
    }
    answer post(const origin& to, std::string_view target, std::string_view type, bytes body) {
        return send(to, {.method = method::post, .target = target, .type = type, .body = body});
    }

    /// Any request. With redirects in the limits, the response is that of the last one (RFC 9110 section 15.4).
    answer send(origin to, client_request what) {
        begin(to, what);
        while (advance()) co_await waiting(*this);
        if (wrong_) co_return fail(*wrong_);
        co_return response(*this);
    }

    /// Gives up the connection.
    void close() {
        drop();
        state_.forget();
    }

    uk::scheduler& scheduler() { return os_.scheduler(); }

private:
    friend response;
    enum class activity : std::uint8_t { none, resolve, connect, write, read };
    enum class step : std::uint8_t { resolve, connect, request, head, body };

    static constexpr std::size_t most_at_once = 16 * 1024;
    static constexpr duration milliseconds(std::uint32_t n) { return std::chrono::milliseconds(n); }

    // The one place where tasks wait, for whatever it is.
    class waiting {
    public:
        explicit waiting(client& c) : of_(&c) {}
        waiting(const waiting&) = delete;
        waiting& operator=(const waiting&) = delete;
        ~waiting() {
            if (of_ != nullptr) of_->stop();
        }
        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> h) { return of_->begin_wait(h); }
        void await_resume() noexcept { of_ = nullptr; }

    private:
        client* of_;
    };

    union awaiter {
        awaiter() {}
        ~awaiter() {}
        resolving resolve;
        connecting connect;
        writing write;
        reading read;
    };

    inline void begin(const origin& to, const client_request& what);
    inline bool advance();
    inline bool is_forgiven();
    inline bool is_redirected();
    inline bool is_elsewhere();
    inline bool advance_body();
    inline bool begin_wait(std::coroutine_handle<> h);
    inline std::optional<client_error> finish();
    inline bool is_kept();
    inline void aim();
    inline void turn();

    // For the next wait.
    bool wait(activity what, duration for_long) {
        next_ = what;
        deadline_ = scheduler().time() + for_long;
        return true;
    }

    // Ends whatever is waited for.
    [[gnu::noinline]] void stop() {
        const activity was = std::exchange(activity_, activity::none);
        if (was == activity::resolve) room_.resolve.~resolving();
        if (was == activity::connect) room_.connect.~connecting();
        if (was == activity::write) room_.write.~writing();
        if (was == activity::read) room_.read.~reading();
        cancel();
        waiter_.unlink();
    }

    [[gnu::noinline]] void drop() {
        stop();
        piece_.reset();
        link_.reset();
        state_.unread = {};
    }

    static void expire(timer& t) {
        client& c = static_cast<client&>(t);
        c.stop();
        c.late_ = true;
        c.scheduler().make_ready(c.waiter_);
    }

    task<result<bytes, client_error>> read_body() {
        while (advance_body()) co_await waiting(*this);
        if (wrong_) co_return fail(*wrong_);
        co_return content_;
    }
    inline task<result<bytes, client_error>> read_all(writable_bytes memory);

    [[no_unique_address]] stack_link<Stack> os_;
    activity activity_ = activity::none;
    activity next_ = activity::none;
    step step_ = step::connect;
    std::optional<client_error> wrong_;
    bool late_ = false;       // the time for what was waited for is over
    bool kept_ = false;       // the connection had a request before
    bool cut_short_ = false;  // the server did not want the request's body
    instant deadline_{};
    bytes rest_{};     // of what is being sent
    bytes body_{};     // to be sent then
    bytes content_{};  // the last piece of the response's body
    waiter waiter_;
    detail::client_state state_;
    std::optional<connection> link_;
    std::optional<received> piece_;  // what `unread` points into
    origin to_{};
    origin at_{};  // where the connection leads
    client_request what_{};
    std::uint32_t followed_ = 0;
    std::size_t tried_ = 0;  // of the addresses found
    [[no_unique_address]] typename names::found found_{};
    awaiter room_;
};

template <class Stack>
client(Stack&) -> client<Stack>;

template <class Stack, client_limits Limits>
void client<Stack, Limits>::begin(const origin& to, const client_request& what) {
    stop();
    late_ = false;
    to_ = to;
    what_ = what;
    followed_ = 0;
    wrong_ = state_.compose(what_, to_, what_.target);
    to_.host = state_.host;
    aim();
}

// Begins with the way to the server: its address, and the connection if there is none that leads there.
template <class Stack, client_limits Limits>
void client<Stack, Limits>::aim() {
    found_ = {};
    tried_ = 0;
    if (to_.address.is_unspecified() && !to_.host.empty() && !wrong_) {
        if (const auto dotted = parse_ip4(to_.host)) {
            to_.address = *dotted;
        } else if (names::resolves) {
            step_ = step::resolve;
            kept_ = false;
            return;
        } else {
            wrong_ = client_error::no_resolver;
        }
    }
    turn();
}

// The address is known: a connection is kept if it leads there.
template <class Stack, client_limits Limits>
void client<Stack, Limits>::turn() {
    step_ = step::connect;
    kept_ = is_kept();
    if (!kept_) drop();
}

// Whether the name has one more address, to which we turn.
template <class Stack, client_limits Limits>
bool client<Stack, Limits>::is_elsewhere() {
    if constexpr (names::resolves) {
        if (tried_ < found_.size()) {
            to_.address = found_[tried_++];
            return true;
        }
    }
    return false;
}

// Whether the connection leads there and nothing came on it since the last response, not even its end.
template <class Stack, client_limits Limits>
bool client<Stack, Limits>::is_kept() {
    if (!link_ || to_.address != at_.address || to_.port != at_.port) return false;
    state_.skip_body(Limits);
    if (!state_.is_reusable()) return false;
    reading unasked(link_->read().operator co_await());
    return !unasked.await_ready();
}

template <class Stack, client_limits Limits>
bool client<Stack, Limits>::begin_wait(std::coroutine_handle<> h) {
    waiter_.coroutine = h;
    activity_ = next_;
    scheduler().timers.arm(*this, deadline_);
    switch (activity_) {
        case activity::resolve:
            if constexpr (names::resolves) {
                return uk::detail::suspend(
                    *new (&room_.resolve) resolving(os_[port::resolver].resolve(to_.host).operator co_await()), h);
            }
            break;
        case activity::connect:
            return uk::detail::suspend(
                *new (&room_.connect) connecting(os_[port::stream].connect(at_.address, at_.port).operator co_await()),
                h);
        case activity::write: {
            const bytes part = rest_.first(std::min(rest_.size(), most_at_once));
            rest_ = rest_.subspan(part.size());
            return uk::detail::suspend(*new (&room_.write) writing(link_->write(part).operator co_await()), h);
        }
        case activity::read:
            return uk::detail::suspend(*new (&room_.read) reading(link_->read().operator co_await()), h);
        case activity::none: break;
    }
    return false;
}

// What came of the last wait.
template <class Stack, client_limits Limits>
std::optional<client_error> client<Stack, Limits>::finish() {
    using enum client_error;
    constexpr client_error late[]{resolve_timed_out, connect_timed_out, write_timed_out, head_timed_out,
                                  body_timed_out};
    error wrong = error::timed_out;
    if (!std::exchange(late_, false)) {
        bool good = true;
        const auto judge = [&](const auto& r) {
            good = r.has_value();
            if (!good) wrong = reduce(r.error());
            return good;
        };
        switch (activity_) {
            case activity::none: break;
            case activity::resolve:
                if constexpr (names::resolves) {
                    auto all = room_.resolve.await_resume();
                    if (!judge(all)) break;
                    found_ = *all;
                    good = found_.size() != 0;
                    wrong = error::unreachable;
                }
                break;
            case activity::connect: {
                auto opened = room_.connect.await_resume();
                if (!judge(opened)) break;
                link_.emplace(*std::move(opened));
                if constexpr (requires { link_->set_no_delay(true); }) link_->set_no_delay(true);
                break;
            }
            case activity::write: judge(room_.write.await_resume()); break;
            case activity::read: {
                auto got = room_.read.await_resume();
                if (!judge(got)) break;
                piece_.emplace(*std::move(got));
                state_.unread = piece_->contents();
                break;
            }
        }
        stop();
        if (good) return {};
    }
    if (wrong == error::timed_out) return late[static_cast<std::size_t>(step_)];
    if (names::resolves && step_ == step::resolve && wrong != error::no_memory && wrong != error::no_buffers)
        return unresolved;
    return detail::client_error_of(wrong);
}

template <class Stack, client_limits Limits>
bool client<Stack, Limits>::advance() {
    if (!wrong_) wrong_ = finish();
    while (true) {
        if (wrong_ && !is_forgiven()) {
            close();
            return false;
        }
        switch (step_) {
            case step::resolve:
                if (names::resolves && !is_elsewhere()) return wait(activity::resolve, milliseconds(Limits.resolve_ms));
                turn();
                break;
            case step::connect:
                if (!link_) {
                    at_ = to_;
                    return wait(activity::connect, milliseconds(Limits.connect_ms));
                }
                state_.expect(what_.method);
                rest_ = state_.request.contents();
                body_ = what_.body;
                cut_short_ = false;
                step_ = step::request;
                break;
            case step::request:
                if (rest_.empty()) rest_ = std::exchange(body_, {});
                if (!rest_.empty()) return wait(activity::write, milliseconds(Limits.write_ms));
                (void)wait(activity::read, milliseconds(Limits.head_ms));
                step_ = step::head;
                break;
            default: {
                const auto whole = state_.take_head(Limits);
                if (!whole) {
                    wrong_ = whole.error();
                    break;
                }
                if (!*whole) return true;
                if (Limits.redirects != 0 && is_redirected()) break;
                state_.request = {};
                if (cut_short_) state_.head.keep_alive = false;
                (void)wait(activity::read, milliseconds(Limits.body_ms));
                step_ = step::body;
                return false;
            }
        }
    }
}

// Whether to go on although something is wrong.
template <class Stack, client_limits Limits>
bool client<Stack, Limits>::is_forgiven() {
    const bool lost = wrong_ == client_error::closed || wrong_ == client_error::reset;
    if (lost && step_ == step::request) {
        // A server may refuse a body with a response before it has read it all (RFC 9112 section 9.5).
        rest_ = body_ = {};
        cut_short_ = true;
        wrong_.reset();
    } else if (lost && step_ == step::head && kept_ && !state_.heard && detail::is_idempotent(what_.method)) {
        // RFC 9112 section 9.3.1: it closed the connection while the request was under way.
        drop();
        kept_ = false;
        step_ = step::connect;
        wrong_.reset();
    } else if (step_ == step::connect && is_elsewhere()) {
        wrong_.reset();
    } else if (wrong_ == client_error::closed && step_ == step::head && state_.heard) {
        wrong_ = client_error::cut_off;
    }
    return !wrong_;
}

// Follows the redirect, if the response is one; what is wrong with it is in `wrong_`.
template <class Stack, client_limits Limits>
bool client<Stack, Limits>::is_redirected() {
    if (!state_.is_redirect()) return false;
    wrong_ = followed_++ == Limits.redirects ? client_error::too_many_redirects
                                             : state_.redirect(to_, what_, names::resolves);
    aim();
    return true;
}

// Until the next piece is in `content_`; false then, and at the end.
template <class Stack, client_limits Limits>
bool client<Stack, Limits>::advance_body() {
    if (wrong_) return false;
    const bool waited = activity_ == activity::read;
    content_ = {};
    wrong_ = finish();
    if (wrong_ == client_error::closed) {
        wrong_.reset();
        if (state_.ended()) return false;
        wrong_ = client_error::cut_off;
    }
    if (!wrong_) {
        if (waited) {
            // Every octet earns the time that it may take at the slowest rate allowed.
            const std::uint64_t rate = std::max(std::uint64_t{Limits.body_rate}, std::uint64_t{1});
            const duration earned(static_cast<std::int64_t>(state_.unread.size() * 1'000'000'000 / rate));
            const duration patience = milliseconds(std::uint32_t{Limits.body_ms});
            deadline_ = std::min(deadline_ + earned, scheduler().time() + patience);
        }
        const auto piece = state_.take_body(Limits);
        if (piece) {
            content_ = *piece;
            return piece->empty() && !state_.done();
        }
        wrong_ = piece.error();
    }
    drop();
    return false;
}

template <class Stack, client_limits Limits>
task<result<bytes, client_error>> client<Stack, Limits>::read_all(writable_bytes memory) {
    std::size_t size = 0;
    while (true) {
        const auto piece = co_await read_body();
        if (!piece) co_return fail(piece.error());
        if (piece->empty()) co_return bytes(memory.first(size));
        if (piece->size() > memory.size() - size) co_return fail(client_error::body_too_long);
        size += copy(memory.subspan(size), *piece);
    }
}

}  // namespace uk::net::http
