// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

namespace detail {
inline constexpr char method_words[] = "GET HEAD POST PUT DELETE PATCH OPTIONS ";
}  // namespace detail

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
    constexpr std::array<std::uint8_t, fault_count> beyond_400{0, 0, 0, 0, 105, 101, 14, 31, 31, 0,
                                                               0, 0, 0, 0, 0,   101, 17, 13, 0,  103};
    return 400U + beyond_400[static_cast<std::size_t>(f)];
}

namespace detail {

// RFC 9110 section 15.
inline constexpr char status_lines[] =
    "200 OK\n201 Created\n204 No Content\n303 See Other\n304 Not Modified\n400 Bad Request\n403 Forbidden\n"
    "404 Not Found\n405 Method Not Allowed\n408 Request Timeout\n413 Content Too Large\n414 URI Too Long\n"
    "417 Expectation Failed\n431 Request Header Fields Too Large\n500 Internal Server Error\n501 Not Implemented\n"
    "503 Service Unavailable\n505 HTTP Version Not Supported\n";

// Where a word stands in a list with single spaces behind each; the number of words when it does not. Capitals of `s`
// become small before they are compared if `fold` is 0x20, not if it is 0.
[[gnu::noinline]] constexpr unsigned find_word(std::string_view s, const char* list, char fold) {
    unsigned at = 0;
    for (; *list != '\0'; ++at) {
        std::size_t i = 0;
        bool same = true;
        for (; *list != ' '; ++list, ++i) {
            const char c = i < s.size() ? s[i] : ' ';
            same &= *list == (c >= 'A' && c <= 'Z' ? static_cast<char>(c | fold) : c);
        }
        if (same && i == s.size()) break;
        ++list;
    }
    return at;
}

}  // namespace detail

/// The phrase beside a status of 200 to 599; clients ignore it. Empty for those that have none here.
constexpr std::string_view reason(unsigned status) {
    for (const char* line = detail::status_lines; *line != '\0'; ++line) {
        const int code = (line[0] * 10 + line[1]) * 10 + line[2] - 111 * '0';
        const char* text = line + 4;
        while (*line != '\n') ++line;
        if (static_cast<unsigned>(code) == status) return {text, line};
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

    constexpr bool has_body() const { return chunked || length.value_or(0) != 0; }
};

/// What `parse_head` allows.
struct head_limits {
    std::uint32_t fields = 32;
    std::uint64_t body_octets = ~std::uint64_t{0};
};

namespace detail {

// tchar, RFC 9110 section 5.6.2, one bit for each octet.
inline constexpr std::array<std::uint32_t, 8> token_characters = [] {
    std::array<std::uint32_t, 8> bits{};
    for (char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
        bits[static_cast<std::size_t>(c) / 32] |= 1U << (c % 32);
    }
    return bits;
}();

constexpr bool is_token_character(char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (token_characters[octet / 32] >> (octet % 32) & 1U) != 0;
}

constexpr bool is_token(std::string_view s) {
    for (char c : s) {
        if (!is_token_character(c)) return false;
    }
    return !s.empty();
}

// For speed eight octets are looked at as one number.
inline constexpr std::uint64_t each_octet = 0x0101'0101'0101'0101;
inline std::uint64_t octets_at(const char* at) {
    std::uint64_t octets;
    std::memcpy(&octets, at, 8);
    return std::endian::native == std::endian::little ? octets : __builtin_bswap64(octets);
}
// The octets below `n`, at most 0x80: the lowest bit set is that of the first one, the others may be wrong.
constexpr std::uint64_t octets_below(std::uint64_t octets, unsigned n) {
    return (octets - each_octet * n) & ~octets & each_octet * 0x80;
}
// Where the first octet of zeros is; 8 where there is none.
constexpr unsigned first_octet(std::uint64_t octets) {
    const std::uint64_t zeros = octets_below(octets, 1);
    return zeros == 0 ? 8 : static_cast<unsigned>(std::countr_zero(zeros)) / 8;
}

// RFC 9110 section 5.5.
template <bool Small = config::small>
[[gnu::noinline]] constexpr bool is_field_value(std::string_view s) {
    if constexpr (!Small) {
        while (!std::is_constant_evaluated() && s.size() >= 8) {
            const std::uint64_t octets = octets_at(s.data());
            if ((octets_below(octets, 0x20) | octets_below(octets ^ each_octet * 0x7f, 1)) != 0) break;
            s.remove_prefix(8);
        }
    }
    for (char c : s) {
        const auto octet = static_cast<unsigned char>(c);
        if ((octet < 0x20 && octet != '\t') || octet == 0x7f) return false;
    }
    return true;
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

/// Where `c` first stands in `s` from `at` on; its size when it does not.
template <bool Small = config::small>
[[gnu::always_inline]] constexpr std::size_t find(std::string_view s, char c, std::size_t at) {
    if constexpr (!Small) {
        while (!std::is_constant_evaluated() && s.size() - at >= 8) {
            const unsigned place = first_octet(octets_at(s.data() + at) ^ each_octet * static_cast<unsigned char>(c));
            if (place < 8) return at + place;
            at += 8;
        }
    }
    while (at < s.size() && s[at] != c) ++at;
    return at;
}

/// Cuts `rest` at the first `separator`, which is dropped; all of it when there is none.
constexpr std::string_view cut(std::string_view& rest, char separator) {
    const std::size_t at = find(rest, separator, 0);
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

/// Reads a number without sign or blanks: false when it is none, the largest number when it does not fit.
constexpr bool read_decimal(std::string_view s, std::uint64_t& value) {
    constexpr std::uint64_t most = ~std::uint64_t{0};
    value = 0;
    for (char c : s) {
        const auto digit = static_cast<std::uint64_t>(c) - '0';
        if (digit > 9) return false;
        if (__builtin_mul_overflow(value, 10U, &value) || __builtin_add_overflow(value, digit, &value)) value = most;
    }
    return !s.empty();
}

constexpr std::optional<std::uint64_t> decimal(std::string_view s) {
    std::uint64_t value = 0;
    return read_decimal(s, value) ? std::optional(value) : std::nullopt;
}

}  // namespace detail

/// Looks for the empty line that ends a head in `text`. `line` is where the line begins that was not whole last time: 0
/// at first, kept by the caller. `size` is 0 while the end is missing, else that of the head with its empty line; 2 is
/// an empty line before a request, to be skipped (RFC 9112 section 2.2).
struct head_end {
    std::size_t size = 0;
    fault wrong = fault::none;
};
constexpr head_end find_head_end(std::string_view text, std::uint32_t& line) {
    for (std::size_t i = line; (i = detail::find(text, '\n', i)) < text.size(); ++i) {
        if (i == line || text[i - 1] != '\r') return {0, fault::bare_line_feed};
        if (i == line + 1) return {i + 1, fault::none};
        line = static_cast<std::uint32_t>(i + 1);
    }
    return {};
}

namespace detail {

// What matters in a head, in small letters.
inline constexpr char words[] =
    "host content-length transfer-encoding connection expect chunked close keep-alive 100-continue http https ";
enum class word : std::uint8_t {
    host,
    content_length,
    transfer_encoding,
    connection,
    expect,
    chunked,
    close,
    keep_alive,
    continue_100,
    http,
    https,
};
constexpr word word_of(std::string_view s) { return static_cast<word>(find_word(s, words, 0x20)); }

// The next of a list with commas.
[[gnu::noinline]] constexpr word next_word(std::string_view& list) { return word_of(trim(cut(list, ','))); }

// RFC 9112 section 3.2: origin-form, absolute-form, whose authority is not looked at, and "*" for OPTIONS.
[[gnu::noinline]] constexpr bool parse_target(std::string_view s, request_head& out) {
    for (char c : s) {
        if (c <= ' ' || c > '~' || c == '#') return false;
    }
    out.target = s;
    if (s[0] == '/') return true;
    if (s[0] == '*') return s.size() == 1 && out.method == method::options;
    const word scheme = word_of(cut(s, ':'));
    if (s.size() < 3 || s[0] != '/' || s[1] != '/' || (scheme != word::http && scheme != word::https)) return false;
    const char* const authority = s.data() + 2;
    const char* const end = s.data() + s.size();
    const char* at = authority;
    while (at != end && *at != '/' && *at != '?') ++at;
    out.target = at == end ? std::string_view("/") : std::string_view(at, end);
    return at != authority;
}

// RFC 9112 section 2.3: the two digits of "HTTP/1.1" as 0x11; 0xff for what is none.
inline unsigned version_of(std::string_view s) {
    if (s.size() != 8) return 0xff;
    const auto octets = load_be<std::uint64_t>(as_bytes(s).data());
    const auto major = static_cast<unsigned>(octets >> 16 & 15), minor = static_cast<unsigned>(octets & 15);
    // "HTTP/0.0"
    if ((octets & 0xffffffff'fff0fff0) != 0x48545450'2f302e30 || major > 9 || minor > 9) return 0xff;
    return major << 4 | minor;
}

inline fault parse_request_line(std::string_view line, request_head& out) {
    const std::string_view name = cut(line, ' ');
    const std::string_view target = cut(line, ' ');
    const unsigned version = version_of(line);
    if (!is_token(name) || target.empty() || version == 0xff) return fault::bad_request_line;
    if (version >> 4 != 1) return fault::bad_version;
    out.version_1_0 = version == 0x10;
    const unsigned known = find_word(name, method_words, 0);
    if (known == method_names.size()) return fault::unknown_method;
    out.method = static_cast<method>(known);
    return parse_target(target, out) ? fault::none : fault::bad_target;
}

// RFC 9112 section 6.1: chunked is known, once and last.
constexpr fault parse_coding(std::string_view value, bool& chunked) {
    bool unknown = false;
    while (!value.empty()) {
        if (chunked) return fault::bad_coding;
        chunked = next_word(value) == word::chunked;
        unknown |= !chunked;
    }
    if (!chunked) return fault::bad_coding;
    return unknown ? fault::unknown_coding : fault::none;
}

struct field_reader {
    request_head& out;
    std::uint32_t seen = 0;  // a bit for each word

    constexpr bool has(word w) const { return (seen >> static_cast<unsigned>(w) & 1U) != 0; }
    constexpr void note(word w) { seen |= 1U << static_cast<unsigned>(w); }

    [[gnu::noinline]] constexpr fault known_field(word name, std::string_view value) {
        switch (name) {
            case word::host:
                // RFC 9112 section 3.2
                if (has(word::host)) return fault::bad_host;
                for (char c : value) {
                    constexpr std::uint64_t separators = 1ULL << ' ' | 1ULL << ',' | 1ULL << '/';
                    const auto octet = static_cast<unsigned char>(c);
                    if (octet < 64 ? (separators >> octet & 1) != 0 : c == '@') return fault::bad_host;
                }
                break;
            case word::content_length: {
                std::uint64_t length = 0;
                if (out.length || !read_decimal(value, length)) return fault::bad_length;
                out.length = length;
                break;
            }
            case word::transfer_encoding: note(name); return parse_coding(value, out.chunked);
            case word::connection:
                while (!value.empty()) note(next_word(value));
                return fault::none;
            case word::expect:
                // RFC 9110 section 10.1.1
                if (out.version_1_0) break;
                if (word_of(value) != word::continue_100) return fault::unknown_expectation;
                out.expects_continue = true;
                break;
            default: return fault::none;
        }
        note(name);
        return fault::none;
    }

    constexpr fault field(std::string_view line) {
        if (line.starts_with(' ') || line.starts_with('\t')) return fault::folded_field;  // RFC 9112 section 5.2
        std::string_view value = line;
        const std::string_view name = cut(value, ':');
        if (name.size() == line.size() || !is_token(name)) return fault::bad_field;  // RFC 9112 section 5.1
        value = trim(value);
        if (!is_field_value(value)) return fault::bad_field;
        return known_field(word_of(name), value);
    }

    constexpr fault finish(std::uint64_t most) {
        // RFC 9112 section 3.2: exactly one Host in HTTP/1.1.
        if (!has(word::host) && !out.version_1_0) return fault::bad_host;
        // RFC 9112 section 6.1: both framings, or chunks from an HTTP/1.0 client, are how requests are smuggled.
        if (has(word::transfer_encoding)) {
            if (out.length) return fault::length_and_coding;
            if (out.version_1_0) return fault::bad_coding;
        }
        if (out.length && *out.length > most) return fault::body_too_long;
        // RFC 9112 section 9.3: "close" wins over "keep-alive".
        out.keep_alive = !has(word::close) && (!out.version_1_0 || has(word::keep_alive));
        return fault::none;
    }
};

}  // namespace detail

/// Reads a whole head, with its empty line, as `find_head_end` found it.
inline fault parse_head(std::string_view text, const head_limits& limits, request_head& out) {
    const fault line = detail::parse_request_line(detail::cut_line(text), out);
    if (line != fault::none) return line;
    text.remove_suffix(2);
    out.fields = text;
    detail::field_reader reader{out};
    for (std::uint32_t count = 0; !text.empty(); ++count) {
        if (count == limits.fields) return fault::too_many_fields;
        const fault wrong = reader.field(detail::cut_line(text));
        if (wrong != fault::none) return wrong;
    }
    return reader.finish(limits.body_octets);
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
