// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/result.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::net::http {

/// Takes the framing off a request's body as its octets come, in pieces cut anywhere: a length, or chunks (RFC 9112
/// section 7.1). Extensions and trailers are skipped. The content is not copied.
class body_reader {
public:
    /// No body.
    constexpr body_reader() = default;

    static constexpr body_reader with_length(std::uint64_t n) {
        body_reader r;
        r.left_ = n;
        r.state_ = n == 0 ? state::done : state::counted;
        return r;
    }
    /// `most` octets of content at most.
    static constexpr body_reader in_chunks(std::uint64_t most) {
        body_reader r;
        r.most_ = most;
        r.state_ = state::size_first;
        return r;
    }

    constexpr bool done() const { return state_ == state::done; }
    /// What is wrong with the framing; nothing more can be read then.
    constexpr fault wrong() const { return wrong_; }
    /// Octets of content still to come; of the current chunk only, where the whole is not known.
    constexpr std::uint64_t left() const { return left_; }

    /// Consumes from the front of `input` up to and including the next piece of content, which it returns: a part of
    /// `input`, empty when there is none in it. Call again while `input` is not empty and neither `done` nor `wrong`.
    [[gnu::noinline]] constexpr bytes take(bytes& input) {
        while (!input.empty() && state_ != state::done && wrong_ == fault::none) {
            if (state_ == state::counted || state_ == state::data) return take_content(input);
            step(static_cast<unsigned char>(input.front()));
            input = input.subspan(1);
        }
        return {};
    }

    /// The same with what is wrong as an error: `invalid` or `too_large`.
    constexpr result<bytes> next(bytes& input) {
        const bytes piece = take(input);
        if (wrong_ == fault::none) return piece;
        return fail(wrong_ == fault::body_too_long ? error::too_large : error::invalid);
    }

private:
    enum class state : std::uint8_t {
        done,
        counted,
        size_first,
        size,
        extension,
        size_end,
        data,
        data_cr,
        data_lf,
        trailer_first,
        trailer,
        trailer_end,
        end,
    };

    constexpr bytes take_content(bytes& input) {
        const std::size_t n = input.size() < left_ ? input.size() : static_cast<std::size_t>(left_);
        const bytes piece = input.first(n);
        input = input.subspan(n);
        left_ -= n;
        if (left_ == 0) state_ = state_ == state::counted ? state::done : state::data_cr;
        return piece;
    }

    constexpr void expect(unsigned char c, char wanted, state next) {
        if (c == static_cast<unsigned char>(wanted)) {
            state_ = next;
        } else {
            wrong_ = fault::bad_chunk;
        }
    }

    constexpr void size_digit(unsigned char c) {
        const unsigned char low = c | 0x20;
        unsigned digit = 16;
        if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
        if (low >= 'a' && low <= 'f') digit = static_cast<unsigned>(low - 'a' + 10);
        if (digit == 16) {
            if (state_ == state::size_first || (c != '\r' && c != ';' && c != ' ' && c != '\t')) {
                wrong_ = fault::bad_chunk;
            }
            state_ = c == '\r' ? state::size_end : state::extension;
            return;
        }
        // RFC 9112 section 7.1: beware of overflow.
        if (left_ >> 60 != 0) {
            wrong_ = fault::bad_chunk;
            return;
        }
        left_ = left_ << 4 | digit;
        state_ = state::size;
    }

    constexpr void size_line_ends(unsigned char c) {
        expect(c, '\n', left_ == 0 ? state::trailer_first : state::data);
        if (left_ > most_ - total_) wrong_ = fault::body_too_long;
        total_ += left_;
    }

    // Lines of framing between the pieces may not outgrow the content by much: they cost work and carry nothing.
    constexpr void overhead() {
        if (++overhead_ > overhead_allowed + 4 * total_) wrong_ = fault::bad_chunk;
    }

    constexpr void line_character(unsigned char c, state at_end) {
        overhead();
        if (c == '\r') {
            state_ = at_end;
        } else if (c == '\n' || c == 0) {
            wrong_ = fault::bad_chunk;
        }
    }

    constexpr void step(unsigned char c) {
        switch (state_) {
            case state::size_first:
            case state::size:
                overhead();
                size_digit(c);
                break;
            case state::extension: line_character(c, state::size_end); break;
            case state::size_end: size_line_ends(c); break;
            case state::data_cr: expect(c, '\r', state::data_lf); break;
            case state::data_lf: expect(c, '\n', state::size_first); break;
            case state::trailer_first:
                if (c == '\r') {
                    state_ = state::end;
                    break;
                }
                state_ = state::trailer;
                [[fallthrough]];
            case state::trailer: line_character(c, state::trailer_end); break;
            case state::trailer_end: expect(c, '\n', state::trailer_first); break;
            case state::end: expect(c, '\n', state::done); break;
            case state::done:
            case state::counted:
            case state::data: break;
        }
    }

    static constexpr std::uint64_t overhead_allowed = 1024;

    std::uint64_t left_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t most_ = 0;
    std::uint64_t overhead_ = 0;
    state state_ = state::done;
    fault wrong_ = fault::none;
};

}  // namespace uk::net::http
