// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/check.hpp>
#include <uk/digits.hpp>
#include <uk/net/http_json.hpp>
#include <uk/net/http_transport.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/packet.hpp>
#include <uk/print.hpp>
#include <uk/result.hpp>
#include <uk/task.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <new>
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

/// The text of a whole response, in the packet buffers in which it waits to be sent. The first has room in front, where
/// the head is put when the length is known.
class response_text {
public:
    response_text(const response_text&) = delete;
    response_text& operator=(const response_text&) = delete;

    [[gnu::noinline]] void write(std::string_view s) {
        while (!s.empty() && !overflowed_) {
            if (count_ == 0 || pieces_[count_ - 1].tailroom() == 0) {
                overflowed_ = !add_piece();
                continue;
            }
            packet& last = pieces_[count_ - 1];
            const std::size_t n = std::min(s.size(), last.tailroom());
            std::memcpy(last.push_back(n).data(), s.data(), n);
            length_ += static_cast<std::uint32_t>(n);
            s.remove_prefix(n);
        }
    }

protected:
    explicit response_text(transport& io) : io_(io) {}

    static constexpr std::size_t head_room = 512;

    result<> whole() const {
        if (!overflowed_) return {};
        return fail(count_ == std::size(pieces_) ? error::too_large : error::no_buffers);
    }

    bool add_piece() {
        if (count_ == std::size(pieces_)) return false;
        // In the place of an empty handle.
        packet* p = new (&pieces_[count_]) packet(io_.server.store->take_spare(count_ == 0 ? head_room : 0));
        if (!*p) return false;
        ++count_;
        return true;
    }

    void discard() {
        while (count_ > 0) pieces_[--count_].drop();
        length_ = 0;
        overflowed_ = false;
    }

    // Puts text before what the first piece holds.
    [[gnu::noinline]] void front(std::string_view s) { copy(pieces_[0].push_front(s.size()), as_bytes(s)); }
    [[gnu::noinline]] void front(std::uint64_t n) { front(digits(n).view()); }

    transport& io_;
    std::uint32_t length_ = 0;
    std::uint8_t count_ = 0;
    bool overflowed_ = false;
    packet pieces_[4];
};

/// The response to one request. Either whole, by one call of `text`, `content`, `json`..., sent when the handler is
/// done; or streamed, by awaiting `write` again and again. A handler that does neither answers without a body.
class response : response_text {
public:
    /// A response that ends the connection, until `answer` says otherwise.
    [[gnu::noinline]] explicit response(transport& io) : response_text(io) {}

    /// To what the response is one; `keep`: the connection may stay open after it.
    void answer(const request_head& asked, bool keep) {
        bodiless_ = asked.method == method::head;
        version_1_0_ = asked.version_1_0;
        keep_ = keep;
    }

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
        response_text::write(body);
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
        json_object<response_text> object(*this);
        fill(object);
        object.end();
        return whole();
    }

    /// Gives up what was prepared and answers with `code`, from 200 to 599, and its phrase.
    [[gnu::noinline]] result<> error_page(unsigned code) {
        if (started_) return fail(error::invalid);
        discard();
        fields_.drop();
        has_length_ = false;
        status_ = static_cast<std::uint16_t>(code);
        type_ = "text/plain; charset=utf-8";
        constant_ = reason(code);
        return {};
    }

    /// Streams the next octets, which must stay until it is done. Waits while the peer takes no more.
    task<> write(bytes octets) { return stream(octets, false); }
    task<> write(std::string_view text) { return stream(as_bytes(text), false); }
    /// The same, sent from where it lies.
    task<> write(constant text) { return stream(as_bytes(text.text()), true); }

    uk::scheduler& scheduler() { return io_.scheduler(); }

    /// For the server.
    result<> begin_field(std::string_view s) {
        if (!fields_) new (&fields_) packet(io_.server.store->take_spare(0));  // in the place of an empty handle
        if (!fields_) return fail(error::no_buffers);
        add_to_field(s);
        return {};
    }
    [[gnu::noinline]] void add_to_field(std::string_view s) { copy(fields_.push_back(s.size()), as_bytes(s)); }
    bool started() const { return started_; }
    bool keep() const { return keep_; }
    void do_not_keep() { keep_ = false; }
    /// True when a streamed body is not what was declared.
    bool broken() const { return left_ != 0; }
    inline bool finish_whole();
    /// The pieces that are still to be sent, at least one, before `constant_body`.
    std::size_t pieces() const { return std::max<std::size_t>(count_, 1); }
    bytes piece(std::size_t i) const { return i < count_ ? pieces_[i].contents() : as_bytes(end_); }
    packet take_piece() { return std::move(pieces_[0]); }
    bytes constant_body() const { return as_bytes(constant_); }

private:
    static constexpr std::size_t most_fields = 256;

    bool has_body_status() const { return status_ != 204 && status_ != 304; }

    inline bool put_head();
    inline bytes begin_piece(std::uint64_t octets);
    inline task<> stream(bytes octets, bool is_constant);

    std::string_view type_{};
    std::string_view constant_{};
    std::uint16_t status_ = 200;
    bool has_length_ = false;
    bool bodiless_ = false;
    bool version_1_0_ = false;
    bool keep_ = false;
    bool started_ = false;
    bool chunked_ = false;
    std::uint64_t left_ = 0;  // of a body's declared length
    packet fields_;
    std::string_view coding_{};  // a field of its own, of a stream in chunks
    std::string_view end_{};     // what a stream ends with
    char chunk_line_[20]{};
};

inline result<> response::field(std::string_view name, std::string_view value) {
    if (!detail::is_token(name) || !detail::is_field_value(value)) return fail(error::invalid);
    if (fields_.size() + name.size() + value.size() + 4 > most_fields) return fail(error::too_large);
    const result<> r = begin_field(name);
    if (!r) return r;
    for (std::string_view part : {std::string_view(": "), value, std::string_view("\r\n")}) add_to_field(part);
    return r;
}

// Puts the head in front of the first piece, last things first: at most head_room octets, for there are 256 of fields
// and the rest is of bounded size but for the type, a literal.
inline bool response::put_head() {
    if (count_ == 0 && !add_piece()) return false;
    if (!has_body_status()) {
        bodiless_ = true;
        has_length_ = false;
    }
    if (bodiless_) {
        // RFC 9110 section 9.3.2: HEAD is answered with the same fields and no content.
        pieces_[0].truncate(0);
        count_ = 1;
        constant_ = {};
    }
    front("\r\n");
    if (fields_) front(as_text(fields_.contents()));
    front("\r\n");
    // RFC 9112 section 9.3: HTTP/1.0 peers are told what HTTP/1.1 takes for granted.
    if (!keep_ || version_1_0_) front(keep_ ? "\r\nConnection: keep-alive" : "\r\nConnection: close");
    if (has_length_) {
        front(left_);
        front("\r\nContent-Length: ");
    }
    front(coding_);
    if (!type_.empty()) {
        front(type_);
        front("\r\nContent-Type: ");
    }
    front(reason(status_));
    front(" ");
    front(status_);
    front("HTTP/1.1 ");
    if (const unsigned group = status_ / 100U - 1; group < 5) ++io_.server.count.responses[group];
    started_ = true;
    io_.answered = true;
    return true;
}

/// Completes a whole response: `pieces` are ready to be sent. False where there is no buffer.
inline bool response::finish_whole() {
    left_ = constant_.empty() ? length_ : constant_.size();
    has_length_ = true;
    const bool ready = put_head();
    left_ = 0;
    return ready;
}

// What goes before the next octets of a stream: the head, the frame of a chunk (RFC 9112 section 7.1), both or nothing.
inline bytes response::begin_piece(std::uint64_t octets) {
    const bool first = !started_;
    if (first) {
        discard();
        constant_ = {};
        chunked_ = !has_length_ && !version_1_0_ && has_body_status();
        if (chunked_) coding_ = "\r\nTransfer-Encoding: chunked";
        if (!has_length_ && version_1_0_) keep_ = false;
        if (!put_head()) {
            io_.no_buffers = true;
            return {};
        }
        if (bodiless_) chunked_ = false;
        if (chunked_) end_ = "0\r\n\r\n";
        // Sent at once, not at the end.
        count_ = 0;
    }
    text_buffer line(chunk_line_, sizeof(chunk_line_));
    if (chunked_ && octets != 0) {
        line.write(end_.substr(0, end_.size() - 5));
        line.write(digits(octets, 16).view());
        line.write("\r\n");
        end_ = "\r\n0\r\n\r\n";
    }
    const bytes framing = as_bytes(line.view());
    if (!first) {
        pieces_[0].drop();
        return framing;
    }
    copy(pieces_[0].push_back(framing.size()), framing);
    return pieces_[0].contents();
}

inline task<> response::stream(bytes octets, bool is_constant) {
    if (has_length_ && octets.size() > left_) octets = octets.first(static_cast<std::size_t>(left_));
    const bytes before = begin_piece(octets.size());
    if (has_length_) left_ -= octets.size();
    if (bodiless_) {
        octets = {};
        left_ = 0;
    }
    return io_.send(before, octets, is_constant);
}

}  // namespace uk::net::http
