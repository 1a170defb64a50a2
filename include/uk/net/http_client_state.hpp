// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/http_body.hpp>
#include <uk/net/http_client_wire.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/packet.hpp>
#include <uk/print.hpp>
#include <uk/result.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

/// What a client does, but for its connection: no coroutines and no templates here.
namespace uk::net::http {

/// What a client grants a server. Every wait has an end and every buffer a bound.
struct client_limits {
    /// Octets of a response's head; at most what a packet buffer holds.
    std::uint32_t head_octets = 1400;
    std::uint32_t fields = 64;
    /// Responses of class 1xx before the real one (RFC 9110 section 15.2).
    std::uint32_t interim = 8;
    /// Octets of a body. Bodies are streamed, so this is no matter of memory.
    std::uint64_t body_octets = std::uint64_t{1} << 30;
    /// Redirects that are followed; with 0 the redirect is the response.
    std::uint32_t redirects = 0;
    /// For a name's addresses, and for each address that is tried.
    std::uint32_t resolve_ms = 15'000;
    std::uint32_t connect_ms = 10'000;
    /// Until the server has taken 16 KiB more of the request.
    std::uint32_t write_ms = 30'000;
    /// From the end of the request to the end of the response's head, all interim ones included.
    std::uint32_t head_ms = 30'000;
    /// Until more of the body comes. It must also come at `body_rate` octets per second, with this for a start.
    std::uint32_t body_ms = 30'000;
    std::uint32_t body_rate = 512;
};

/// Where a server is: `{.host = "example.org"}` in a stack with port::resolver, `{.address = "10.0.0.9"_ip4}` in any.
/// With both, the address is asked and the name is for the Host field.
struct origin {
    ip4_address address{};
    std::uint16_t port = 80;
    std::string_view host{};
};

namespace detail {

// The host and the port of an authority without user information (RFC 3986 section 3.2); false where it has none.
constexpr bool read_authority(std::string_view s, std::string_view& name, std::uint16_t& port) {
    std::string_view digits = s;
    name = cut(digits, ':');
    std::uint64_t number = 80;
    if (name.size() != s.size() && (!read_decimal(digits, number) || number - 1 > 65534)) return false;
    port = static_cast<std::uint16_t>(number);
    return !name.empty();
}

}  // namespace detail

/// A URL, for a client.
struct url {
    origin to;
    std::string_view target;
};

/// Reads `http://host[:port][/path][?query]`, where an address can be the host; nothing for any other scheme. Whether
/// it can be asked for is found out when it is.
constexpr std::optional<url> parse_url(std::string_view s) {
    const auto place = parse_location(s);
    if (!place || place->authority.empty()) return {};
    url u{{}, place->target};
    if (!detail::read_authority(place->authority, u.to.host, u.to.port)) return {};
    return u;
}

/// One more field of a request.
struct request_field {
    std::string_view name;
    std::string_view value;
};

/// What to ask. All views stay until the response's head has come.
struct client_request {
    http::method method = http::method::get;
    std::string_view target = "/";  ///< path and query, encoded as they shall be sent
    std::string_view type{};        ///< media type of the body
    bytes body{};
    std::span<const request_field> fields{};
};

namespace detail {

constexpr bool is_target(std::string_view s) {
    for (char c : s) {
        if (c <= ' ' || c > '~' || c == '#') return false;
    }
    return s.starts_with('/');
}

constexpr bool is_host(std::string_view s) {
    for (char c : s) {
        if (c <= ' ' || c > '~' || std::string_view("/?#@,").contains(c)) return false;
    }
    return true;
}

constexpr bool same_host(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char c, char d) { return lower(c) == lower(d); });
}

// RFC 9110 section 9.2.2: what may be sent twice.
constexpr bool is_idempotent(method m) { return m != method::post && m != method::patch; }

// What went wrong with the connection, but for deadlines.
constexpr client_error client_error_of(error e) {
    switch (e) {
        case error::no_memory: return client_error::no_memory;
        case error::no_buffers: return client_error::no_buffers;
        case error::refused: return client_error::refused;
        case error::unreachable: return client_error::unreachable;
        case error::reset: return client_error::reset;
        case error::closed: return client_error::closed;
        default: return client_error::failed;
    }
}

/// A client but for its connection.
class client_state {
public:
    explicit client_state(packet_store& s) : store(s) {}

    /// Writes the request's head into a buffer, with the name of the server as `host`.
    inline std::optional<client_error> compose(const client_request& r, const origin& to, std::string_view target);

    /// What a new response begins with.
    void expect(method asked) {
        head = {};
        heard = false;
        to_head_ = asked == method::head;
        interim_ = 0;
        next_head();
    }

    /// Takes what `unread` holds of a head, the interim ones before it included. True when it is whole and in `head`.
    inline result<bool, client_error> take_head(const client_limits& l);

    /// The next piece of the body in `unread`; empty when there is none in it, which may be the end: see `done`.
    inline result<bytes, client_error> take_body(const client_limits& l);

    /// Whether the response says where else to ask.
    bool is_redirect() const {
        const unsigned s = head.status;
        return ((s >= 301 && s <= 303) || s == 307 || s == 308) && find_field(head.fields, "location");
    }

    /// Makes of `to` and `what` what is asked next (RFC 9110 section 15.4), and composes it. A POST becomes a GET, as
    /// everybody does it, but for 307 and 308. Another name is left without an address, where names can be resolved.
    inline std::optional<client_error> redirect(origin& to, client_request& what, bool resolves);

    /// Gives all buffers back.
    void forget() {
        request = {};
        head = {};
        next_head();
    }

    /// Takes what has come of a body that nobody wants.
    void skip_body(const client_limits& l) {
        while (!done() && !unread.empty() && take_body(l)) {
        }
    }

    bool done() const { return head.end == body_end::close ? at_end_ : reader_.done(); }

    /// The connection ended. True when that is the end of the body, too.
    bool ended() {
        at_end_ = true;
        return head.end == body_end::close;
    }

    /// Whether the connection could take another request.
    bool is_reusable() const { return head.keep_alive && done() && unread.empty(); }

    packet_store& store;
    packet request;           ///< its head
    std::string_view host{};  ///< the server's name therein, if it has one
    bytes unread{};           ///< received, not yet consumed
    response_head head{};
    bool heard = false;  ///< something came in answer to the request

private:
    void next_head() {
        text_ = {};
        line_ = 0;
    }

    packet text_;  // of the head
    std::uint32_t line_ = 0;
    std::uint32_t interim_ = 0;
    std::uint64_t total_ = 0;
    body_reader reader_;
    bool to_head_ = false;
    bool at_end_ = false;
};

inline std::optional<client_error> client_state::compose(const client_request& r, const origin& to,
                                                         std::string_view target) {
    if (!is_target(target) || !is_host(to.host) || !is_field_value(r.type)) return client_error::invalid_request;
    packet p = store.take(0);
    if (!p) return client_error::no_buffers;
    const std::size_t room = p.tailroom();
    text_buffer out(reinterpret_cast<char*>(p.push_back(room).data()), room);
    print(out, "{} {} HTTP/1.1\r\nHost: ", name_of(r.method), target);
    const std::size_t name = out.view().size();
    if (to.host.empty()) {
        put(out, to.address);
    } else {
        put(out, to.host);
    }
    if (to.port != 80) print(out, ":{}", to.port);
    if (!r.type.empty()) print(out, "\r\nContent-Type: {}", r.type);
    // RFC 9110 section 8.6: methods that have a body say so even when it is empty.
    if (!r.body.empty() || r.method == method::post || r.method == method::put || r.method == method::patch) {
        print(out, "\r\nContent-Length: {}", r.body.size());
    }
    for (const request_field& f : r.fields) {
        const word known = word_of(f.name);
        const bool ours = known <= word::connection;  // Host and the framing are not for others to write
        if (ours || !is_token(f.name) || !is_field_value(f.value)) return client_error::invalid_request;
        print(out, "\r\n{}: {}", f.name, f.value);
    }
    out.write("\r\n\r\n");
    if (out.overflowed()) return client_error::invalid_request;
    host = out.view().substr(name, to.host.size());
    p.truncate(out.view().size());
    request = std::move(p);
    return {};
}

inline result<bool, client_error> client_state::take_head(const client_limits& l) {
    while (!unread.empty()) {
        heard = true;
        if (!text_) text_ = store.take(0);
        if (!text_) return fail(client_error::no_buffers);
        const std::size_t before = text_.size();
        const std::size_t room = std::min<std::size_t>(l.head_octets, store.capacity());
        const std::size_t n = std::min(room - before, unread.size());
        copy(text_.push_back(n), unread.first(n));
        const head_end end = find_head_end(as_text(text_.contents()), line_);
        if (end.wrong != fault::none) return fail(client_error::bare_line_feed);
        if (end.size == 0) {
            if (text_.size() == room) return fail(client_error::head_too_long);
            unread = unread.subspan(n);
            continue;
        }
        unread = unread.subspan(end.size - before);
        text_.truncate(end.size);
        const auto wrong = parse_response_head(as_text(text_.contents()), to_head_, {l.fields, l.body_octets}, head);
        if (wrong) return fail(*wrong);
        if (head.status >= 200) {
            total_ = 0;
            at_end_ = false;
            reader_ = {};
            if (head.end == body_end::length) reader_ = body_reader::with_length(*head.length);
            if (head.end == body_end::chunks) reader_ = body_reader::in_chunks(l.body_octets);
            return true;
        }
        if (head.status == 101) return fail(client_error::switched);
        if (++interim_ > l.interim) return fail(client_error::too_many_interim);
        next_head();
    }
    return false;
}

inline result<bytes, client_error> client_state::take_body(const client_limits& l) {
    if (head.end != body_end::close) {
        const bytes piece = reader_.take(unread);
        if (reader_.wrong() == fault::none) return piece;
        const bool long_one = reader_.wrong() == fault::body_too_long;
        return fail(long_one ? client_error::body_too_long : client_error::bad_chunk);
    }
    const bytes piece = std::exchange(unread, {});
    if (piece.size() > l.body_octets - total_) return fail(client_error::body_too_long);
    total_ += piece.size();
    return piece;
}

inline std::optional<client_error> client_state::redirect(origin& to, client_request& what, bool resolves) {
    const unsigned status = head.status;
    if (status == 303 || (status < 303 && what.method == method::post)) {
        if (what.method != method::head) what.method = method::get;
        what.body = {};
        what.type = {};
    }
    const auto place = parse_location(*find_field(head.fields, "location"));
    if (!place) return client_error::bad_redirect;
    if (!place->authority.empty()) {
        const origin before = to;
        std::string_view name;
        if (!read_authority(place->authority, name, to.port)) return client_error::bad_redirect;
        if (const auto address = parse_ip4(name)) {
            to.address = *address;
            to.host = {};
        } else if (!same_host(name, to.host)) {
            if (!resolves) return client_error::redirected_elsewhere;
            to.address = {};
            to.host = name;
        }
        // They may be secrets between the application and the server that was asked.
        if (to.address != before.address || to.port != before.port) what.fields = {};
    }
    const auto wrong = compose(what, to, place->target);
    to.host = host;  // the response's head does not last
    return wrong;
}

}  // namespace detail

}  // namespace uk::net::http
