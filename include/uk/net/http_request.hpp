// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/http_body.hpp>
#include <uk/net/http_transport.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/result.hpp>
#include <uk/task.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace uk::net::http {

/// One request, while its handler runs: all views end with it.
class request {
public:
    /// `head` outlives the request.
    request(transport& io, const request_head& head) : io_(io), head_(head) {}
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    http::method method() const { return head_.method; }
    /// Path and query as they came: nothing is decoded.
    std::string_view target() const { return head_.target; }
    std::string_view path() const {
        std::string_view rest = target();
        return detail::cut(rest, '?');
    }
    /// What follows the first question mark, or nothing.
    std::string_view query() const {
        const std::size_t at = target().find('?');
        return at == std::string_view::npos ? std::string_view() : target().substr(at + 1);
    }
    /// The value of `name=value` in the query, as it came.
    std::optional<std::string_view> parameter(std::string_view name) const {
        std::string_view rest = query();
        while (!rest.empty()) {
            std::string_view value = detail::cut(rest, '&');
            if (detail::cut(value, '=') == name) return value;
        }
        return {};
    }
    /// The value of the first field of that name, which is written in lower case: `in.field("user-agent")`.
    std::optional<std::string_view> field(std::string_view name) const { return find_field(head_.fields, name); }
    /// The length of the body if the client declared it.
    std::optional<std::uint64_t> content_length() const { return head_.length; }
    const request_head& head() const { return head_; }
    /// Those of the server that took the request.
    const http::counters& counters() const { return io_.server.count; }

    /// The next piece of the body, where it was received; it stays until the next call. Empty at the end, or without a
    /// body. Fails with `invalid` or `too_large`, for which the client gets 400 or 413, and as the connection fails.
    task<result<bytes>> read_body() { return io_.read_body(body()); }

    /// The whole body in `memory`, or `too_large`.
    task<result<bytes>> read_all(writable_bytes memory) {
        std::size_t size = 0;
        while (true) {
            const result<bytes> piece = co_await read_body();
            if (!piece || piece->empty()) {
                if (!piece) co_return fail(piece.error());
                co_return bytes(memory.first(size));
            }
            if (piece->size() > memory.size() - size) co_return fail(error::too_large);
            size += copy(memory.subspan(size), *piece);
        }
    }

    /// For the server.
    body_progress& body() {
        if (!body_) {
            body_.emplace();
            if (head_.chunked) body_->reader = body_reader::in_chunks(io_.server.limit.body_octets);
            if (head_.length) body_->reader = body_reader::with_length(*head_.length);
            body_->tell_to_continue = head_.expects_continue;
        }
        return *body_;
    }

    uk::scheduler& scheduler() { return io_.scheduler(); }

private:
    transport& io_;
    const request_head& head_;
    std::optional<body_progress> body_;  // once somebody asks
};

}  // namespace uk::net::http
