// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/counters.hpp>
#include <uk/digits.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// JSON (RFC 8259), written as it is produced: nothing is kept, nothing is looked at twice.
namespace uk::net::http {

namespace detail {
constexpr bool is_escaped(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// Never defined: reaching it while a name is checked is the compile error, with its name as the reason.
void uk_http_json_names_with_escapes_are_given_as_string_views();

}  // namespace detail

/// The name of a member as a literal that needs no escapes.
class json_name {
public:
    template <std::size_t N>
    consteval json_name(const char (&literal)[N]) : text_(literal, N - 1) {
        for (char c : text_) {
            if (detail::is_escaped(c)) detail::uk_http_json_names_with_escapes_are_given_as_string_views();
        }
    }
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

/// An object being written to `Sink`, anything with `write(std::string_view)`. Between construction and `end` the
/// members come in the order of the calls; names are not checked for doubles.
template <class Sink>
class json_object {
public:
    explicit json_object(Sink& sink) : sink_(sink) {}
    json_object(const json_object&) = delete;
    json_object& operator=(const json_object&) = delete;

    /// A value is an integer, a bool or text.
    template <class Value>
    void member(json_name name, const Value& value) {
        if constexpr (std::unsigned_integral<Value> && !std::same_as<Value, bool>) {
            number(name.text(), value);
        } else {
            begin(name.text());
            write(value);
        }
    }
    /// A name that is only known at run time.
    template <class Value>
    void member(std::same_as<std::string_view> auto name, const Value& value) {
        separate();
        write(name);
        sink_.write(":");
        write(value);
    }

    /// A member that is an object of counters by cause.
    [[gnu::noinline]] void counts(std::string_view name, counter_list list) {
        begin(name);
        before_ = '{';
        list.each([this](std::string_view cause, std::uint32_t n) { number(cause, n); });
        end();
    }

    /// A member that is an object itself: `fill(inner)` writes its members.
    template <class Fill>
    void object(json_name name, Fill fill) {
        begin(name.text());
        before_ = '{';
        fill(*this);
        end();
    }

    [[gnu::noinline]] void end() {
        sink_.write(std::string_view("{}").substr(before_ != '{'));
        before_ = ',';
    }

private:
    // One writer for all objects that are open: what comes before the next member is all that there is to know.
    void separate() {
        sink_.write({&before_, 1});
        before_ = ',';
    }

    [[gnu::noinline]] void begin(std::string_view name) {
        separate();
        sink_.write("\"");
        sink_.write(name);
        sink_.write("\":");
    }

    [[gnu::noinline]] void number(std::string_view name, std::uint64_t value) {
        begin(name);
        sink_.write(digits(value).view());
    }

    void write(std::same_as<bool> auto value) { sink_.write(value ? "true" : "false"); }

    template <std::integral Integer>
        requires(!std::same_as<Integer, bool>)
    void write(Integer value) {
        auto magnitude = static_cast<std::uint64_t>(value);
        if (value < 0) {
            sink_.write("-");
            magnitude = 0 - magnitude;
        }
        sink_.write(digits(magnitude).view());
    }

    // RFC 8259 section 7: quotation mark, reverse solidus and control characters are escaped. Octets from 0x80 on pass:
    // the text is UTF-8 if the caller's is.
    void write(std::string_view s) {
        sink_.write("\"");
        std::size_t done = 0;
        for (std::size_t i = 0; i < s.size(); ++i) {
            const auto c = static_cast<unsigned char>(s[i]);
            if (!detail::is_escaped(s[i])) continue;
            sink_.write(s.substr(done, i - done));
            done = i + 1;
            if (c >= 0x20) {
                const char escape[]{'\\', s[i]};
                sink_.write({escape, 2});
            } else {
                const char escape[]{'\\', 'u', '0', '0', static_cast<char>('0' + (c >> 4)), "0123456789abcdef"[c & 15]};
                sink_.write({escape, 6});
            }
        }
        sink_.write(s.substr(done));
        sink_.write("\"");
    }

    Sink& sink_;
    char before_ = '{';
};

}  // namespace uk::net::http
