// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/http_body.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// The octets of an HTTP/1.1 response's head, for clients: RFC 9112 for the framing, RFC 9110 for the meaning. As
/// strict as the server's side: what two recipients could read in two ways is an error.
namespace uk::net::http {

/// Why a client got no response, or no whole one.
enum class client_error : std::uint8_t {
    no_memory,
    no_buffers,
    invalid_request,
    no_resolver,
    unresolved,
    refused,
    unreachable,
    reset,
    resolve_timed_out,
    connect_timed_out,
    write_timed_out,
    head_timed_out,
    body_timed_out,
    closed,
    cut_off,
    bare_line_feed,
    bad_status_line,
    bad_version,
    head_too_long,
    too_many_fields,
    bad_field,
    bad_length,
    length_and_coding,
    bad_coding,
    unknown_coding,
    bad_chunk,
    body_too_long,
    too_many_interim,
    switched,
    bad_redirect,
    redirected_elsewhere,
    too_many_redirects,
    failed,
};

/// A sentence for people.
constexpr std::string_view describe(client_error e) {
    // In the order of the enum, each with a line of its own.
    std::string_view rest =
        "the task arena is exhausted\nno packet buffer is free\nthe request cannot be written as one\n"
        "the server has a name, and the stack no resolver\nthe server's name has no known address\n"
        "the connection was refused\nthe host is unreachable\nthe connection was reset\n"
        "the server's name was not resolved in time\nno connection came about in time\nthe server took the request too "
        "slowly\n"
        "the head of the response did not come in time\nthe body of the response came too slowly\n"
        "the server closed the connection without a response\nthe connection ended before the response did\n"
        "a line of the response's head ends without CR\nthe status line is malformed\n"
        "the response's version is not HTTP/1\nthe response's head is longer than the limit\n"
        "the response has more fields than the limit\na field of the response is malformed\n"
        "the Content-Length is malformed or doubled\nthe response has both a length and a coding\n"
        "the Transfer-Encoding is malformed\nthe Transfer-Encoding is unknown\na chunk of the response is malformed\n"
        "the response's body is longer than the limit\ntoo many interim responses\n"
        "the server switched to a protocol that nobody asked for\nthe redirect names no place that can be followed\n"
        "the redirect leads to a host whose address is unknown\ntoo many redirects\nthe connection failed\n";
    for (auto skip = static_cast<unsigned>(e); skip != 0 && !rest.empty(); --skip) (void)detail::cut(rest, '\n');
    return detail::cut(rest, '\n');
}

constexpr error reduce(client_error e) {
    switch (e) {
        case client_error::no_memory: return error::no_memory;
        case client_error::no_buffers: return error::no_buffers;
        case client_error::refused: return error::refused;
        case client_error::no_resolver:
        case client_error::unresolved:
        case client_error::redirected_elsewhere:
        case client_error::unreachable: return error::unreachable;
        case client_error::reset:
        case client_error::failed: return error::reset;
        case client_error::resolve_timed_out:
        case client_error::connect_timed_out:
        case client_error::write_timed_out:
        case client_error::head_timed_out:
        case client_error::body_timed_out: return error::timed_out;
        case client_error::closed:
        case client_error::cut_off: return error::closed;
        case client_error::head_too_long:
        case client_error::too_many_fields:
        case client_error::body_too_long:
        case client_error::too_many_interim:
        case client_error::too_many_redirects: return error::too_large;
        default: return error::invalid;
    }
}

/// How the end of a body is found (RFC 9112 section 6.3).
enum class body_end : std::uint8_t { none, length, chunks, close };

/// What the head of a response says. The views point into the parsed octets.
struct response_head {
    unsigned status = 0;
    bool keep_alive = false;  ///< the server leaves the connection open
    body_end end = body_end::none;
    std::optional<std::uint64_t> length{};  ///< Content-Length
    std::string_view fields{};              ///< the field lines, each with its CRLF
};

namespace detail {

// RFC 9112 section 4: the blank behind the status is asked for, but some leave it out with the phrase.
inline std::optional<client_error> parse_status_line(std::string_view line, bool& version_1_0, unsigned& status) {
    const unsigned version = version_of(cut(line, ' '));
    const std::string_view digits = cut(line, ' ');
    std::uint64_t value = 0;
    if (version == 0xff || digits.size() != 3 || !read_decimal(digits, value) || value < 100 || value > 599) {
        return client_error::bad_status_line;
    }
    if (!is_field_value(line)) return client_error::bad_status_line;
    if (version >> 4 != 1) return client_error::bad_version;
    version_1_0 = version == 0x10;
    status = static_cast<unsigned>(value);
    return {};
}

struct response_reader {
    response_head& out;
    std::uint32_t seen = 0;  // a bit for each word
    bool chunked = false;

    bool has(word w) const { return (seen >> static_cast<unsigned>(w) & 1U) != 0; }

    std::optional<client_error> field(std::string_view line) {
        std::string_view value = line;
        const std::string_view name = cut(value, ':');
        value = trim(value);
        // A folded line begins with a blank, so that it has no name (RFC 9112 section 5.2).
        if (name.size() == line.size() || !is_token(name) || !is_field_value(value)) return client_error::bad_field;
        const word known = word_of(name);
        if (known == word::connection) {
            while (!value.empty()) seen |= 1U << static_cast<unsigned>(next_word(value));
            return {};
        }
        if (known == word::content_length) {
            std::uint64_t length = 0;
            if (out.length || !read_decimal(value, length)) return client_error::bad_length;
            out.length = length;
        } else if (known == word::transfer_encoding) {
            const fault wrong = parse_coding(value, chunked);
            if (wrong == fault::unknown_coding) return client_error::unknown_coding;
            if (wrong != fault::none) return client_error::bad_coding;
        }
        seen |= 1U << static_cast<unsigned>(known);
        return {};
    }

    // RFC 9112 sections 6.3 and 9.3.
    std::optional<client_error> finish(bool version_1_0, bool to_head, std::uint64_t most) {
        if (chunked && out.length) return client_error::length_and_coding;
        if (chunked && version_1_0) return client_error::bad_coding;
        const bool none = to_head || out.status < 200 || out.status == 204 || out.status == 304;
        if (!none) out.end = chunked ? body_end::chunks : out.length ? body_end::length : body_end::close;
        if (out.end == body_end::length && *out.length > most) return client_error::body_too_long;
        out.keep_alive = !has(word::close) && (!version_1_0 || has(word::keep_alive)) && out.end != body_end::close;
        return {};
    }
};

}  // namespace detail

/// Reads a whole head, with its empty line, as `find_head_end` found it. `to_head`: HEAD was asked, so that there is no
/// body whatever the fields say. Nothing when all is well.
inline std::optional<client_error> parse_response_head(std::string_view text, bool to_head, const head_limits& limits,
                                                       response_head& out) {
    out = {};
    bool version_1_0 = false;
    auto wrong = detail::parse_status_line(detail::cut_line(text), version_1_0, out.status);
    if (wrong) return wrong;
    text.remove_suffix(2);
    out.fields = text;
    detail::response_reader reader{out};
    for (std::uint32_t count = 0; !text.empty(); ++count) {
        if (count == limits.fields) return client_error::too_many_fields;
        wrong = reader.field(detail::cut_line(text));
        if (wrong) return wrong;
    }
    return reader.finish(version_1_0, to_head, limits.body_octets);
}

/// Whose host and which path a URL names, of the scheme http: `authority` is empty where it names the same host.
struct location {
    std::string_view authority;
    std::string_view target;
};

/// The value of a Location field (RFC 9110 section 10.2.2): "/path", "//host/path" or "http://host/path"; others,
/// https among them, are nothing that can be followed here. A fragment is cut off.
constexpr std::optional<location> parse_location(std::string_view s) {
    s = detail::cut(s, '#');
    for (char c : s) {
        if (c <= ' ' || c > '~') return {};
    }
    if (detail::same_name(s.substr(0, 5), "http:")) s.remove_prefix(5);
    if (!s.starts_with("//")) return s.starts_with('/') ? std::optional(location{{}, s}) : std::nullopt;
    s.remove_prefix(2);
    const std::size_t end = s.find_first_of("/?");
    const std::string_view authority = s.substr(0, end);
    if (authority.empty() || authority.find('@') != authority.npos) return {};
    if (end == s.npos) return location{authority, "/"};
    // RFC 9110 section 4.2.3: an empty path is "/"; one with a query has no place to put it in a view.
    if (s[end] == '?') return {};
    return location{authority, s.substr(end)};
}

}  // namespace uk::net::http
