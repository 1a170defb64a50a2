// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// The octets of an HTTP/1.1 request's head: RFC 9112 for the framing, RFC 9110 for the fields' meaning. Works in place
/// on a view; keeps nothing. Stricter than a tolerant recipient may be, wherever two recipients could read a message in
/// two ways: bare line feeds, folded fields, blanks before a colon and doubled lengths are refused.
namespace uk::net::http {

/// The methods that a handler can see. Others, TRACE and CONNECT among them, are answered with 501.
enum class method : std::uint8_t { get, head, post, put, del, patch, options };

inline constexpr std::array<std::string_view, 7> method_names{"GET",    "HEAD",  "POST",   "PUT",
                                                              "DELETE", "PATCH", "OPTIONS"};

constexpr std::string_view name_of(method m) { return method_names[static_cast<std::size_t>(m)]; }

/// Why a request was refused. Each is counted by itself.
enum class fault : std::uint8_t {
    none,
    bare_line_feed,
    bad_request_line,
    bad_target,
    bad_version,
    unknown_method,
    target_too_long,
    head_too_long,
    too_many_fields,
    bad_field,
    folded_field,
    bad_host,
    bad_length,
    length_and_coding,
    bad_coding,
    unknown_coding,
    unknown_expectation,
    body_too_long,
    bad_chunk,
    no_buffers,
};
inline constexpr std::size_t fault_count = 20;

/// The status of the response to a faulty request.
constexpr unsigned status_of(fault f) {
    constexpr std::array<std::uint16_t, fault_count> table{200, 400, 400, 400, 505, 501, 414, 431, 431, 400,
                                                           400, 400, 400, 400, 400, 501, 417, 413, 400, 503};
    return table[static_cast<std::size_t>(f)];
}

namespace detail {
constexpr std::string_view cut(std::string_view& rest, char separator);

// RFC 9110 section 15.
inline constexpr std::string_view status_lines =
    "200 OK\n201 Created\n204 No Content\n303 See Other\n304 Not Modified\n400 Bad Request\n403 Forbidden\n"
    "404 Not Found\n405 Method Not Allowed\n408 Request Timeout\n413 Content Too Large\n414 URI Too Long\n"
    "417 Expectation Failed\n431 Request Header Fields Too Large\n500 Internal Server Error\n501 Not Implemented\n"
    "503 Service Unavailable\n505 HTTP Version Not Supported\n";
}  // namespace detail

/// The phrase beside a status of 200 to 599; clients ignore it. Empty for those that have none here.
constexpr std::string_view reason(unsigned status) {
    std::string_view rest = detail::status_lines;
    while (!rest.empty()) {
        const std::string_view line = detail::cut(rest, '\n');
        unsigned code = 0;
        for (char c : line.substr(0, 3)) code = code * 10 + static_cast<unsigned>(c - '0');
        if (code == status) return line.substr(4);
    }
    return {};
}

/// What the head of a request says. The views point into the parsed octets.
struct request_head {
    http::method method = http::method::get;
    bool version_1_0 = false;
    bool keep_alive = true;  ///< the client wants the connection to stay open
    bool chunked = false;
    bool expects_continue = false;
    std::optional<std::uint64_t> length{};  ///< Content-Length
    std::string_view target{};              ///< path and query, or "*"
    std::string_view fields{};              ///< the field lines, each with its CRLF
};

/// What `parse_head` allows.
struct head_limits {
    std::uint32_t fields = 32;
    std::uint64_t body_octets = ~std::uint64_t{0};
};

namespace detail {

// tchar, RFC 9110 section 5.6.2.
constexpr bool is_token_character(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    for (char other : std::string_view("!#$%&'*+-.^_`|~")) {
        if (c == other) return true;
    }
    return false;
}

constexpr bool is_token(std::string_view s) {
    for (char c : s) {
        if (!is_token_character(c)) return false;
    }
    return !s.empty();
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// `name` is in lower case.
constexpr bool same_name(std::string_view s, std::string_view name) {
    if (s.size() != name.size()) return false;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (lower(s[i]) != name[i]) return false;
    }
    return true;
}

constexpr std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

/// Cuts `rest` at the first `separator`, which is dropped; all of it when there is none.
constexpr std::string_view cut(std::string_view& rest, char separator) {
    std::size_t at = 0;
    while (at < rest.size() && rest[at] != separator) ++at;
    const std::string_view first = rest.substr(0, at);
    rest.remove_prefix(at < rest.size() ? at + 1 : at);
    return first;
}

// A line without its CRLF; `rest` holds whole lines only.
constexpr std::string_view cut_line(std::string_view& rest) {
    std::string_view line = cut(rest, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

/// Reads a number without sign or blanks; nothing when it is none, the largest number when it does not fit.
constexpr std::optional<std::uint64_t> decimal(std::string_view s) {
    if (s.empty()) return {};
    constexpr std::uint64_t most = ~std::uint64_t{0};
    std::uint64_t value = 0;
    for (char c : s) {
        if (c < '0' || c > '9') return {};
        const auto digit = static_cast<std::uint64_t>(c - '0');
        value = value > (most - digit) / 10 ? most : value * 10 + digit;
    }
    return value;
}

}  // namespace detail

/// Looks for the empty line that ends a head in `text`. `line` is where the line begins that was not whole last time: 0
/// at first, kept by the caller. `size` is 0 while the end is missing, else that of the head with its empty line; 2 is
/// an empty line before a request, to be skipped (RFC 9112 section 2.2).
struct head_end {
    std::size_t size = 0;
    fault wrong = fault::none;
};
constexpr head_end find_head_end(std::string_view text, std::size_t& line) {
    for (std::size_t i = line; i < text.size(); ++i) {
        if (text[i] != '\n') continue;
        if (i == line || text[i - 1] != '\r') return {0, fault::bare_line_feed};
        if (i == line + 1) return {i + 1, fault::none};
        line = i + 1;
    }
    return {};
}

namespace detail {

// RFC 9112 section 3.2: origin-form, absolute-form, whose authority is not looked at, and "*" for OPTIONS.
constexpr bool parse_target(std::string_view s, request_head& out) {
    for (char c : s) {
        if (c <= ' ' || c > '~' || c == '#') return false;
    }
    for (std::string_view scheme : {"http://", "https://"}) {
        if (same_name(s.substr(0, scheme.size()), scheme)) {
            s.remove_prefix(scheme.size());
            std::size_t authority = 0;
            while (authority < s.size() && s[authority] != '/' && s[authority] != '?') ++authority;
            if (authority == 0) return false;
            s.remove_prefix(authority);
            out.target = s.empty() ? "/" : s;
            return true;
        }
    }
    out.target = s;
    return s.starts_with('/') || (s == "*" && out.method == method::options);
}

constexpr fault parse_request_line(std::string_view line, request_head& out) {
    const std::string_view name = cut(line, ' ');
    const std::string_view target = cut(line, ' ');
    const bool version = line.size() == 8 && line.starts_with("HTTP/") && line[5] >= '0' && line[5] <= '9' &&
                         line[6] == '.' && line[7] >= '0' && line[7] <= '9';
    if (!is_token(name) || target.empty() || !version) return fault::bad_request_line;
    if (line[5] != '1') return fault::bad_version;
    out.version_1_0 = line[7] == '0';
    out.keep_alive = !out.version_1_0;
    std::size_t i = 0;
    while (i < method_names.size() && method_names[i] != name) ++i;
    if (i == method_names.size()) return fault::unknown_method;
    out.method = static_cast<method>(i);
    return parse_target(target, out) ? fault::none : fault::bad_target;
}

// RFC 9112 section 6.1: chunked is known, once and last.
constexpr fault parse_coding(std::string_view value, bool& chunked) {
    bool unknown = false;
    while (!value.empty()) {
        const std::string_view coding = trim(cut(value, ','));
        if (chunked) return fault::bad_coding;
        if (same_name(coding, "chunked")) {
            chunked = true;
        } else {
            unknown = true;
        }
    }
    if (!chunked) return fault::bad_coding;
    return unknown ? fault::unknown_coding : fault::none;
}

// RFC 9112 section 9.3: "close" wins over "keep-alive".
struct connection_wishes {
    bool close = false;
    bool keep_alive = false;

    constexpr void read(std::string_view value) {
        while (!value.empty()) {
            const std::string_view option = trim(cut(value, ','));
            close |= same_name(option, "close");
            keep_alive |= same_name(option, "keep-alive");
        }
    }
};

struct field_reader {
    request_head& out;
    const head_limits& limits;
    connection_wishes wishes{};
    unsigned hosts = 0;
    bool coded = false;

    constexpr fault known_field(std::string_view name, std::string_view value) {
        if (same_name(name, "host")) {
            ++hosts;
            for (char c : value) {
                if (c == ' ' || c == ',' || c == '/' || c == '@') return fault::bad_host;
            }
        } else if (same_name(name, "content-length")) {
            if (out.length) return fault::bad_length;
            out.length = decimal(value);
            if (!out.length) return fault::bad_length;
        } else if (same_name(name, "transfer-encoding")) {
            coded = true;
            return parse_coding(value, out.chunked);
        } else if (same_name(name, "connection")) {
            wishes.read(value);
        } else if (same_name(name, "expect") && !out.version_1_0) {
            // RFC 9110 section 10.1.1
            if (!same_name(value, "100-continue")) return fault::unknown_expectation;
            out.expects_continue = true;
        }
        return fault::none;
    }

    constexpr fault field(std::string_view line) {
        if (line.starts_with(' ') || line.starts_with('\t')) return fault::folded_field;  // RFC 9112 section 5.2
        std::string_view value = line;
        const std::string_view name = cut(value, ':');
        if (name.size() == line.size() || !is_token(name)) return fault::bad_field;  // RFC 9112 section 5.1
        value = trim(value);
        for (char c : value) {
            const auto octet = static_cast<unsigned char>(c);
            if ((octet < 0x20 && octet != '\t') || octet == 0x7f) return fault::bad_field;
        }
        return known_field(name, value);
    }

    constexpr fault finish() {
        // RFC 9112 section 3.2: exactly one Host in HTTP/1.1.
        if (hosts > 1 || (hosts == 0 && !out.version_1_0)) return fault::bad_host;
        // RFC 9112 section 6.1: both framings, or chunks from an HTTP/1.0 client, are how requests are smuggled.
        if (coded && out.length) return fault::length_and_coding;
        if (coded && out.version_1_0) return fault::bad_coding;
        if (out.length && *out.length > limits.body_octets) return fault::body_too_long;
        if (wishes.close) out.keep_alive = false;
        if (wishes.keep_alive && !wishes.close) out.keep_alive = true;
        return fault::none;
    }
};

}  // namespace detail

/// Reads a whole head, with its empty line, as `find_head_end` found it.
[[gnu::noinline]] constexpr fault parse_head(std::string_view text, const head_limits& limits, request_head& out) {
    const fault line = detail::parse_request_line(detail::cut_line(text), out);
    if (line != fault::none) return line;
    text.remove_suffix(2);
    out.fields = text;
    detail::field_reader reader{out, limits};
    for (std::uint32_t count = 0; !text.empty(); ++count) {
        if (count == limits.fields) return fault::too_many_fields;
        const fault wrong = reader.field(detail::cut_line(text));
        if (wrong != fault::none) return wrong;
    }
    return reader.finish();
}

/// The value of the first field called `name`, which is in lower case; blanks around it are cut off.
constexpr std::optional<std::string_view> find_field(std::string_view fields, std::string_view name) {
    while (!fields.empty()) {
        std::string_view value = detail::cut_line(fields);
        if (detail::same_name(detail::cut(value, ':'), name)) return detail::trim(value);
    }
    return {};
}

}  // namespace uk::net::http
