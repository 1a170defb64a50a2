// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/event.hpp>
#include <uk/net/http_client_state.hpp>
#include <uk/net/http_client_wire.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/port.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/task.hpp>
#include <uk/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

/// An HTTP/1.1 client (RFC 9110, RFC 9112) over any part that provides port::stream. Not supported: https, proxies,
/// upgrades, content codings, trailers (skipped), caches, cookies. Names are for others to resolve: see `origin`.
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
/// co_await c.get({address, 80, "example.org"}, "/path");`. One request at a time: it begins when the one before has
/// its response; what is left of that one's body then costs the connection. Destroying a request's task gives it up. A
/// request that may be sent twice is, when a kept connection turns out to be gone.
template <class Stack, client_limits Limits = {}>
class client {
    using connecting = decltype(std::declval<Stack&>()[port::stream].connect(ip4_address{}, std::uint16_t{}));
    template <class Awaitable>
    using awaited = decltype(std::declval<Awaitable>().operator co_await().await_resume());
    using connection = typename awaited<connecting>::value_type;
    using received = typename awaited<decltype(std::declval<connection&>().read())>::value_type;

public:
    using response = response_to<client>;
    using answer = task<result<response, client_error>>;

    explicit client(Stack& os) : os_(os), state_(os[port::packets].store()) {}
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    answer get(const origin& to, std::string_view target) { return send(to, {.target = target}); }
    answer head(const origin& to, std::string_view target) {
        return send(to, {.method = method::head, .target = target});
    }
    answer post(const origin& to, std::string_view target, std::string_view type, bytes body) {
        return send(to, {.method = method::post, .target = target, .type = type, .body = body});
    }

    /// Any request. With redirects in the limits, the response is that of the last one (RFC 9110 section 15.4).
    inline answer send(origin to, client_request what);

    /// Gives up the connection.
    void close() {
        drop();
        state_.forget();
    }

    uk::scheduler& scheduler() { return os_.scheduler(); }

private:
    friend response;
    static constexpr std::size_t most_at_once = 16 * 1024;

    static constexpr duration milliseconds(std::uint32_t n) { return std::chrono::milliseconds(n); }

    void drop() {
        piece_.reset();
        link_.reset();
        state_.unread = {};
    }
    result<bytes, client_error> give_up(client_error e) {
        drop();
        return fail(e);
    }

    static constexpr client_error wrong_with(error e, client_error late) {
        switch (e) {
            case error::timed_out: return late;
            case error::no_memory: return client_error::no_memory;
            case error::no_buffers: return client_error::no_buffers;
            case error::refused: return client_error::refused;
            case error::unreachable: return client_error::unreachable;
            case error::reset: return client_error::reset;
            case error::closed: return client_error::closed;
            default: return client_error::failed;
        }
    }

    // Whether the connection that was kept leads there and nothing came on it since, not even its end.
    bool is_kept_for(const origin& to) {
        if (!link_ || to.address != at_.address || to.port != at_.port) return false;
        state_.skip_body(Limits);
        if (!state_.is_reusable()) return false;
        auto reading = link_->read();
        auto awaiter = std::move(reading).operator co_await();
        return !awaiter.await_ready();
    }

    inline task<result<void, client_error>> exchange(origin to, client_request what);
    inline task<result<void, client_error>> write(bytes octets);
    inline task<result<void, client_error>> receive(instant until, client_error late);
    inline task<result<bytes, client_error>> read_body();
    inline task<result<bytes, client_error>> read_all(writable_bytes memory);
    inline result<void, client_error> redirect(origin& to, client_request& what);

    Stack& os_;
    detail::client_state state_;
    std::optional<connection> link_;
    std::optional<received> piece_;  // what `unread` points into
    origin at_{};                    // where the connection leads
    instant deadline_{};             // of the body
};

template <class Stack>
client(Stack&) -> client<Stack>;

template <class Stack, client_limits Limits>
task<result<void, client_error>> client<Stack, Limits>::write(bytes octets) {
    while (!octets.empty()) {
        const bytes next = octets.first(std::min(octets.size(), most_at_once));
        octets = octets.subspan(next.size());
        const auto sent = co_await within(milliseconds(Limits.write_ms), link_->write(next));
        if (!sent) co_return fail(wrong_with(reduce(sent.error()), client_error::write_timed_out));
    }
    co_return {};
}

template <class Stack, client_limits Limits>
task<result<void, client_error>> client<Stack, Limits>::receive(instant until, client_error late) {
    const instant now = scheduler().time();
    if (now >= until) co_return fail(late);
    auto got = co_await within(until - now, link_->read());
    if (!got) co_return fail(wrong_with(reduce(got.error()), late));
    piece_.emplace(*std::move(got));
    state_.unread = piece_->contents();
    co_return {};
}

// One request and the head of its response, over the connection at hand or a new one.
template <class Stack, client_limits Limits>
task<result<void, client_error>> client<Stack, Limits>::exchange(origin to, client_request what) {
    if (!link_) {
        at_ = to;
        auto opened = co_await within(milliseconds(Limits.connect_ms), os_[port::stream].connect(to.address, to.port));
        if (!opened) co_return fail(wrong_with(reduce(opened.error()), client_error::connect_timed_out));
        link_.emplace(*std::move(opened));
        if constexpr (requires { link_->set_no_delay(true); }) link_->set_no_delay(true);
    }
    state_.expect(what.method);
    auto sent = co_await write(state_.request.contents());
    if (sent) sent = co_await write(what.body);
    // A server may refuse a body with a response before it has read it all (RFC 9112 section 9.5).
    if (!sent && sent.error() != client_error::reset && sent.error() != client_error::closed) co_return sent;
    const instant until = scheduler().time() + milliseconds(Limits.head_ms);
    while (true) {
        const auto whole = state_.take_head(Limits);
        if (!whole) co_return fail(whole.error());
        if (*whole) break;
        const auto got = co_await receive(until, client_error::head_timed_out);
        if (!got) {
            const bool ended = got.error() == client_error::closed && state_.heard;
            co_return fail(ended ? client_error::cut_off : got.error());
        }
    }
    if (!sent) state_.head.keep_alive = false;
    deadline_ = scheduler().time() + milliseconds(Limits.body_ms);
    co_return {};
}

template <class Stack, client_limits Limits>
typename client<Stack, Limits>::answer client<Stack, Limits>::send(origin to, client_request what) {
    std::optional<client_error> wrong = state_.compose(what, to, what.target);
    for (std::uint32_t followed = 0; !wrong;) {
        const bool kept = is_kept_for(to);
        if (!kept) drop();
        auto done = co_await exchange(to, what);
        const bool lost = !done && (done.error() == client_error::closed || done.error() == client_error::reset);
        if (lost && kept && !state_.heard && detail::is_idempotent(what.method)) {
            // RFC 9112 section 9.3.1: it closed the connection while the request was under way.
            drop();
            done = co_await exchange(to, what);
        }
        if (!done) {
            wrong = done.error();
            break;
        }
        state_.request = {};
        if (Limits.redirects == 0 || !find_field(state_.head.fields, "location")) co_return response(*this);
        const unsigned status = state_.head.status;
        if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
            co_return response(*this);
        }
        if (followed++ == Limits.redirects) {
            wrong = client_error::too_many_redirects;
            break;
        }
        const auto next = redirect(to, what);
        if (!next) wrong = next.error();
    }
    close();
    co_return fail(wrong.value_or(client_error::failed));
}

// RFC 9110 section 15.4: what is asked next. A POST becomes a GET, as everybody does it, but for 307 and 308.
template <class Stack, client_limits Limits>
result<void, client_error> client<Stack, Limits>::redirect(origin& to, client_request& what) {
    const unsigned status = state_.head.status;
    if (status == 303 || (status < 303 && what.method == method::post)) {
        if (what.method != method::head) what.method = method::get;
        what.body = {};
        what.type = {};
    }
    const auto place = parse_location(*find_field(state_.head.fields, "location"));
    if (!place) return fail(client_error::bad_redirect);
    if (!place->authority.empty()) {
        std::string_view port = place->authority;
        const std::string_view host = detail::cut(port, ':');
        std::uint64_t number = 80;
        if (host.size() != place->authority.size() && (!detail::read_decimal(port, number) || number - 1 > 65534)) {
            return fail(client_error::bad_redirect);
        }
        const origin before = to;
        to.port = static_cast<std::uint16_t>(number);
        if (const auto address = parse_ip4(host)) {
            to.address = *address;
            to.host = {};
        } else if (to.host.empty() || !detail::same_host(host, to.host)) {
            return fail(client_error::redirected_elsewhere);
        }
        // They may be secrets between the application and the server that was asked.
        if (to.address != before.address || to.port != before.port) what.fields = {};
    }
    if (const auto wrong = state_.compose(what, to, place->target)) return fail(*wrong);
    return {};
}

template <class Stack, client_limits Limits>
task<result<bytes, client_error>> client<Stack, Limits>::read_body() {
    while (true) {
        const auto piece = state_.take_body(Limits);
        if (!piece) co_return give_up(piece.error());
        if (!piece->empty() || state_.done()) co_return *piece;
        const auto got = co_await receive(deadline_, client_error::body_timed_out);
        if (!got) {
            const bool ended = got.error() == client_error::closed;
            if (ended && state_.ended()) co_return bytes();
            co_return give_up(ended ? client_error::cut_off : got.error());
        }
        // Every octet earns the time that it may take at the slowest rate allowed.
        const std::uint64_t rate = std::max<std::uint64_t>(Limits.body_rate, 1);
        const duration earned(static_cast<std::int64_t>(state_.unread.size() * 1'000'000'000 / rate));
        deadline_ = std::min(deadline_ + earned, scheduler().time() + milliseconds(Limits.body_ms));
    }
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
