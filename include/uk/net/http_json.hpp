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

/// An object being written to `Sink`, anything with `write(std::string_view)`. Between construction and `end` the
/// members come in the order of the calls; names are not checked for doubles.
template <class Sink>
class json_object {
public:
    explicit json_object(Sink& sink) : sink_(sink) { sink_.write("{"); }
    json_object(const json_object&) = delete;
    json_object& operator=(const json_object&) = delete;

    void member(std::string_view name, std::string_view value) {
        begin(name);
        string(value);
    }
    void member(std::string_view name, const char* value) { member(name, std::string_view(value)); }
    void member(std::string_view name, std::same_as<bool> auto value) {
        begin(name);
        sink_.write(value ? "true" : "false");
    }
    template <std::integral Integer>
        requires(!std::same_as<Integer, bool>)
    void member(std::string_view name, Integer value) {
        if constexpr (std::signed_integral<Integer>) {
            const auto wide = static_cast<std::int64_t>(value);
            number(name, wide < 0, wide < 0 ? 0 - static_cast<std::uint64_t>(wide) : static_cast<std::uint64_t>(wide));
        } else {
            number(name, false, value);
        }
    }

    /// A member that is an object of counters by cause.
    void counts(std::string_view name, counter_list list) {
        object(name, [&](json_object& all) {
            list.each([&](std::string_view cause, std::uint32_t n) { all.member(cause, n); });
        });
    }

    /// A member that is an object itself: `fill(inner)` writes its members.
    template <class Fill>
    void object(std::string_view name, Fill fill) {
        begin(name);
        json_object inner(sink_);
        fill(inner);
        inner.end();
    }

    void end() { sink_.write("}"); }

private:
    void begin(std::string_view name) {
        if (!first_) sink_.write(",");
        first_ = false;
        string(name);
        sink_.write(":");
    }

    void number(std::string_view name, bool negative, std::uint64_t magnitude) {
        begin(name);
        if (negative) sink_.write("-");
        sink_.write(digits(magnitude).view());
    }

    // RFC 8259 section 7: quotation mark, reverse solidus and control characters are escaped. Octets from 0x80 on pass:
    // the text is UTF-8 if the caller's is.
    void string(std::string_view s) {
        sink_.write("\"");
        std::size_t done = 0;
        for (std::size_t i = 0; i < s.size(); ++i) {
            const auto c = static_cast<unsigned char>(s[i]);
            if (c >= 0x20 && c != '"' && c != '\\') continue;
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
    bool first_ = true;
};

}  // namespace uk::net::http
