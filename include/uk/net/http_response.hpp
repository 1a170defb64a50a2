// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/check.hpp>
#include <uk/net/http_json.hpp>
#include <uk/net/http_transport.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/packet.hpp>
#include <uk/result.hpp>
#include <uk/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace uk::net::http {

/// A media type, as a literal: `"text/html; charset=utf-8"`.
class media_type {
public:
    template <std::size_t N>
    consteval media_type(const char (&literal)[N]) : text_(literal, N - 1) {
        static_assert(N <= 100, "net::http: a media type has at most 99 characters.");
    }
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

/// Text or octets that live as long as the program, so that they are sent from where they lie. Made at compile time:
/// `constexpr auto page = http::constant("<h1>hello</h1>");`
class constant {
public:
    template <std::size_t N>
    explicit consteval constant(const char (&literal)[N]) : text_(literal, N - 1) {}
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

/// The response to one request. Either whole, by one call of `text`, `content`, `json`..., sent when the handler is
/// done; or streamed, by awaiting `write` again and again. A handler that does neither answers without a body.
class response {
public:
    /// `keep`: the connection may stay open after this response.
    [[gnu::noinline]] response(transport& io, const request_head& asked, bool keep)
        : io_(io), bodiless_(asked.method == method::head), version_1_0_(asked.version_1_0), keep_(keep) {}
    response(const response&) = delete;
    response& operator=(const response&) = delete;

    /// Before the body. A status is from 200 to 599.
    response& status(unsigned code) {
        check(code >= 200 && code <= 599, "http: a status is from 200 to 599");
        status_ = static_cast<std::uint16_t>(code);
        return *this;
    }
    /// The media type of a streamed body.
    response& type(media_type type) {
        type_ = type.text();
        return *this;
    }
    /// The length of a streamed body, which must then be written exactly; otherwise it is sent in chunks.
    response& length(std::uint64_t octets) {
        left_ = octets;
        has_length_ = true;
        return *this;
    }
    /// A field line more. `invalid` when the name or value cannot stand in one (so that nothing of a request can break
    /// out of a field), `too_large` when the fields outgrow their room.
    inline result<> field(std::string_view name, std::string_view value);

    /// A whole body; the text is copied.
    result<> content(media_type type, std::string_view body) {
        if (started_) return fail(error::invalid);
        type_ = type.text();
        write_text(body);
        return whole();
    }
    /// A whole body that is sent from where it lies.
    result<> content(media_type type, constant body) {
        if (started_) return fail(error::invalid);
        type_ = type.text();
        constant_ = body.text();
        return {};
    }
    result<> text(std::string_view body) { return content("text/plain; charset=utf-8", body); }
    result<> text(constant body) { return content("text/plain; charset=utf-8", body); }
    result<> html(constant body) { return content("text/html; charset=utf-8", body); }

    /// A JSON object whose members `fill(json_object&)` writes.
    template <class Fill>
    result<> json(Fill fill) {
        if (started_) return fail(error::invalid);
        type_ = "application/json";
        text_sink sink{*this};
        json_object<text_sink> object(sink);
        fill(object);
        object.end();
        return whole();
    }

    /// Gives up what was prepared and answers with `code` and its phrase.
    result<> error_page(unsigned code) {
        discard_body();
        fields_ = {};
        has_length_ = false;
        return status(code).text(reason(code));
    }

    /// Streams the next octets, which must stay until it is done. Waits while the peer takes no more.
    task<> write(bytes octets) { return stream(octets, false); }
    task<> write(std::string_view text) { return stream(as_bytes(text), false); }
    /// The same, sent from where it lies.
    task<> write(constant text) { return stream(as_bytes(text.text()), true); }

    uk::scheduler& scheduler() { return io_.scheduler(); }

    /// For the server.
    bool started() const { return started_; }
    bool keep() const { return keep_; }
    void do_not_keep() { keep_ = false; }
    /// True when a streamed body is not what was declared.
    bool broken() const { return has_length_ && left_ != 0 && !bodiless_; }
    inline result<> finish_whole();
    /// The pieces that are still to be sent, before `constant_body`.
    bytes piece(std::size_t i) const { return whole_ ? pieces_[i].contents() : end_of_stream(); }
    std::size_t pieces() const { return whole_ ? count_ : 1; }
    packet take_piece() { return std::move(pieces_[0]); }
    bytes constant_body() const { return bodiless_ ? bytes() : as_bytes(constant_); }

private:
    bytes end_of_stream() const {
        if (!chunked_ || bodiless_) return {};
        return as_bytes(first_chunk_ ? "0\r\n\r\n" : "\r\n0\r\n\r\n");
    }

    // Octets in front of a whole body where its head is put when its length is known.
    static constexpr std::size_t head_room = 512;
    static constexpr std::size_t most_fields = 256;

    struct text_sink {
        response& to;
        void write(std::string_view s) { to.write_text(s); }
    };

    // Text into a place that is known to be large enough.
    struct appender {
        char* at;
        [[gnu::noinline]] appender& operator<<(std::string_view s) {
            at += copy(std::as_writable_bytes(std::span(at, s.size())), as_bytes(s));
            return *this;
        }
        [[gnu::noinline]] appender& operator<<(std::uint64_t n) { return *this << digits(n).view(); }
    };

    bool has_body_status() const { return status_ != 204 && status_ != 304; }

    result<> whole() {
        if (!overflowed_) return {};
        return fail(count_ == pieces_.size() ? error::too_large : error::no_buffers);
    }

    void discard_body() {
        while (count_ > 0) pieces_[--count_] = {};
        constant_ = {};
        length_ = 0;
        overflowed_ = false;
    }

    packet* more_room() {
        if (count_ == pieces_.size()) return nullptr;
        packet p = io_.server.store.take(count_ == 0 ? head_room : 0);
        if (!p) return nullptr;
        pieces_[count_] = std::move(p);
        return &pieces_[count_++];
    }

    void write_text(std::string_view s) {
        while (!s.empty() && !overflowed_) {
            packet* last = count_ == 0 ? nullptr : &pieces_[count_ - 1];
            if (last == nullptr || last->tailroom() == 0) last = more_room();
            if (last == nullptr) {
                overflowed_ = true;
                return;
            }
            const std::size_t n = std::min(s.size(), last->tailroom());
            copy(last->push_back(n), as_bytes(s.substr(0, n)));
            length_ += n;
            s.remove_prefix(n);
        }
    }

    inline std::size_t write_head(char* to);
    inline bool put_head();
    inline bytes begin_piece(std::uint64_t octets);
    inline task<> stream(bytes octets, bool is_constant);

    transport& io_;
    std::array<packet, 4> pieces_{};
    packet fields_;
    std::string_view type_{};
    std::string_view constant_{};
    std::uint64_t length_ = 0;  // of a whole body, but for a constant one
    std::uint64_t left_ = 0;    // of a streamed body's declared length
    std::size_t count_ = 0;
    std::uint16_t status_ = 200;
    bool has_length_ = false;
    bool bodiless_;
    bool version_1_0_;
    bool keep_;
    bool started_ = false;
    bool whole_ = false;
    bool chunked_ = false;
    bool first_chunk_ = true;
    bool overflowed_ = false;
    char chunk_line_[20]{};
};

inline result<> response::field(std::string_view name, std::string_view value) {
    if (!detail::is_token(name) || !detail::is_field_value(value)) return fail(error::invalid);
    if (!fields_) fields_ = io_.server.store.take(0);
    if (!fields_) return fail(error::no_buffers);
    if (fields_.size() + name.size() + value.size() + 4 > most_fields) return fail(error::too_large);
    for (std::string_view part : {name, std::string_view(": "), value, std::string_view("\r\n")}) {
        copy(fields_.push_back(part.size()), as_bytes(part));
    }
    return {};
}

// Writes at most head_room octets: 256 of fields, the rest is of bounded size but for the type, a literal.
inline std::size_t response::write_head(char* to) {
    ++io_.server.count.responses[status_ / 100 - 1];
    appender out{to};
    out << "HTTP/1.1 " << status_ << " " << reason(status_);
    if (!type_.empty()) out << "\r\nContent-Type: " << type_;
    if (has_body_status()) {
        if (has_length_) {
            out << "\r\nContent-Length: " << left_;
        } else if (chunked_) {
            out << "\r\nTransfer-Encoding: chunked";
        }
    }
    // RFC 9112 section 9.3: HTTP/1.0 peers are told what HTTP/1.1 takes for granted.
    if (!keep_ || version_1_0_) out << (keep_ ? "\r\nConnection: keep-alive" : "\r\nConnection: close");
    out << "\r\n";
    if (fields_) out << as_text(fields_.contents());
    out << "\r\n";
    return static_cast<std::size_t>(out.at - to);
}

// Puts the head in front of the first piece.
inline bool response::put_head() {
    if (count_ == 0 && more_room() == nullptr) return false;
    char head[head_room];
    const std::size_t size = write_head(head);
    copy(pieces_[0].push_front(size), as_bytes({head, size}));
    if (bodiless_ || !has_body_status()) {
        // RFC 9110 section 9.3.2: HEAD is answered with the same fields and no content.
        pieces_[0].truncate(size);
        count_ = 1;
        bodiless_ = true;
    }
    fields_ = {};
    started_ = true;
    io_.answered = true;
    return true;
}

/// Completes a whole response: `pieces` are ready to be sent.
inline result<> response::finish_whole() {
    left_ = constant_.empty() ? length_ : constant_.size();
    has_length_ = true;
    if (!put_head()) return fail(error::no_buffers);
    left_ = 0;
    whole_ = true;
    return {};
}

// What goes before the next octets of a stream: the head, the frame of a chunk (RFC 9112 section 7.1), both or nothing.
inline bytes response::begin_piece(std::uint64_t octets) {
    const bool first = !started_;
    if (first) {
        discard_body();
        chunked_ = !has_length_ && !version_1_0_ && has_body_status();
        if (!has_length_ && version_1_0_) keep_ = false;
        if (!put_head()) {
            io_.no_buffers = true;
            return {};
        }
    }
    appender line{chunk_line_};
    if (chunked_ && octets != 0 && !bodiless_) {
        line << (first_chunk_ ? "" : "\r\n") << digits(octets, 16).view() << "\r\n";
        first_chunk_ = false;
    }
    const auto size = static_cast<std::size_t>(line.at - chunk_line_);
    const bytes framing = as_bytes({chunk_line_, size});
    if (!first) {
        pieces_[0] = {};
        return framing;
    }
    copy(pieces_[0].push_back(size), framing);
    return pieces_[0].contents();
}

inline task<> response::stream(bytes octets, bool is_constant) {
    if (has_length_ && octets.size() > left_) octets = octets.first(static_cast<std::size_t>(left_));
    const bytes before = begin_piece(octets.size());
    if (has_length_) left_ -= octets.size();
    return io_.send(before, bodiless_ ? bytes() : octets, is_constant);
}

}  // namespace uk::net::http
