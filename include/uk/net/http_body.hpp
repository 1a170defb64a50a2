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
            if (is_among(bit(state::counted) | bit(state::data))) return take_content(input);
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
    // Where one certain octet is expected, it leads to the state that stands behind.
    enum class state : std::uint8_t {
        size_end,  // LF
        data,
        data_cr,  // CR
        data_lf,  // LF
        size_first,
        size,
        extension,
        trailer_end,  // LF
        trailer_first,
        trailer,
        end,  // LF
        done,
        counted,
    };

    static constexpr std::uint32_t bit(state s) { return 1U << static_cast<unsigned>(s); }
    constexpr bool is_among(std::uint32_t states) const { return (states >> static_cast<unsigned>(state_) & 1U) != 0; }

    constexpr bytes take_content(bytes& input) {
        const std::size_t n = input.size() < left_ ? input.size() : static_cast<std::size_t>(left_);
        const bytes piece = input.first(n);
        input = input.subspan(n);
        left_ -= n;
        if (left_ == 0) state_ = state_ == state::counted ? state::done : state::data_cr;
        return piece;
    }

    constexpr void size_digit(unsigned char c) {
        unsigned digit = c - unsigned{'0'};
        if (digit > 9) digit = (c | 0x20U) - 'a' + 10;
        if (digit > 15 || (digit < 10 && c > '9')) {
            const bool ends = c == '\r' || c == ';' || c == ' ' || c == '\t';
            if (state_ == state::size_first || !ends) wrong_ = fault::bad_chunk;
            state_ = c == '\r' ? state::size_end : state::extension;
            return;
        }
        // RFC 9112 section 7.1: beware of overflow.
        if (left_ >> 60 != 0) wrong_ = fault::bad_chunk;
        left_ = left_ << 4 | digit;
        state_ = state::size;
    }

    constexpr void certain_octet(unsigned char c) {
        if (c != (state_ == state::data_cr ? '\r' : '\n')) wrong_ = fault::bad_chunk;
        state_ = static_cast<state>(static_cast<unsigned>(state_) + 1);
        if (state_ != state::data) return;
        if (left_ > most_ - total_) wrong_ = fault::body_too_long;
        total_ += left_;
        if (left_ == 0) state_ = state::trailer_first;
    }

    constexpr void step(unsigned char c) {
        if (is_among(bit(state::size_end) | bit(state::data_cr) | bit(state::data_lf) | bit(state::trailer_end) |
                     bit(state::end))) {
            certain_octet(c);
            return;
        }
        if (state_ == state::trailer_first && c == '\r') {
            state_ = state::end;
            return;
        }
        // Lines of framing between the pieces may not outgrow the content by much: they cost work and carry nothing.
        if (++overhead_ > overhead_allowed + 4 * total_) wrong_ = fault::bad_chunk;
        if (is_among(bit(state::size_first) | bit(state::size))) {
            size_digit(c);
            return;
        }
        if (state_ == state::trailer_first) state_ = state::trailer;
        if (c == '\r') state_ = state_ == state::extension ? state::size_end : state::trailer_end;
        if (c == '\n' || c == 0) wrong_ = fault::bad_chunk;
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
